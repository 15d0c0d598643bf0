"""What TensorBoard shows of a run: rate, terms, PSNR, and sample pictures."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn import functional

from nn.training.config import SCALE
from nn.training.lit_module import SuperResolutionTraining

__all__ = ["RunLog"]


class RunLog(Callback):
    """Writes to the trainer's logger.

    Parameters
    ----------
    every_steps : int
        Between values of rate and terms.
    every_epochs : int
        Between sample pictures.
    pictures : int
        Validation pictures that are shown: input, output and truth side by side, one below the
        other.
    """

    def __init__(self, every_steps: int, every_epochs: int, pictures: int) -> None:
        self._every_steps = every_steps
        self._every_epochs = every_epochs
        self._pictures = pictures

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write the rate and this step's terms."""
        step = trainer.global_step
        if step % self._every_steps or trainer.logger is None:
            return
        assert isinstance(pl_module, SuperResolutionTraining)
        names = ("loss", *(f"loss/{name}" for name in pl_module.objective.names))
        values = dict(zip(names, pl_module.terms.tolist(), strict=True))
        trainer.logger.log_metrics({**values, "rate": pl_module.rate}, step)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the first pictures."""
        epoch = trainer.current_epoch + 1
        due = epoch % self._every_epochs == 0 or epoch in (1, trainer.max_epochs)
        if batch_idx > 0 or not due or self._pictures == 0 or trainer.logger is None:
            return
        assert isinstance(pl_module, SuperResolutionTraining)
        input, target = pl_module.pair(batch[0][: self._pictures])
        output = pl_module.validated_network(input).float()
        near = functional.interpolate(input, scale_factor=SCALE, mode="nearest")
        rows = torch.cat([near, output.clamp(0.0, 1.0), target], dim=3)
        sheet = torch.cat(list(rows), dim=1)
        writer = trainer.logger.experiment  # type: ignore[attr-defined]
        writer.add_image("input, output, truth", sheet, trainer.global_step)
