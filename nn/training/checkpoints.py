"""When a run is saved: after every so many steps, every epoch, and when it is asked to end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from nn.training.config import TrainingConfig
from nn.training.config_file import differences
from nn.training.interruption import InterruptedRunError, StopRequest

__all__ = ["CHECKPOINT", "Checkpoints", "check_resumable"]

CHECKPOINT = "last.ckpt"


class Checkpoints(Checkpoint):
    """Keeps the newest checkpoint of a run, whole at any time, as ``last.ckpt`` in its folder.

    Parameters
    ----------
    folder : Path
    every_steps : int
    stop : StopRequest
        Looked at after every step.

    Raises
    ------
    InterruptedRunError
        Out of the trainer's loop, once the run is saved, when it was asked to end.
    """

    def __init__(self, folder: Path, every_steps: int, stop: StopRequest) -> None:
        self.path = folder / CHECKPOINT
        self._every_steps = every_steps
        self._stop = stop

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Hear signals oneself; see `StopRequest.listen`."""
        self._stop.listen()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save where one is due; an epoch's last step waits for its validation."""
        stopping = self._stop.agreed(trainer)
        if trainer.is_last_batch:
            return
        if stopping or trainer.global_step % self._every_steps == 0:
            self._save(trainer)
        if stopping:
            raise InterruptedRunError(self.path)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the finished epoch."""
        self._save(trainer)
        if self._stop.agreed(trainer) and trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            raise InterruptedRunError(self.path)

    def _save(self, trainer: Trainer) -> None:
        part = self.path.with_name(f".{self.path.name}.part")
        trainer.save_checkpoint(part)
        if trainer.is_global_zero:
            os.replace(part, self.path)


def check_resumable(path: Path, config: TrainingConfig, pictures: str) -> None:
    """Refuse to go on with what is no checkpoint, or of another run.

    Parameters
    ----------
    path : Path
    config : TrainingConfig
        Of the run that is to go on; see `nn.training.config_file.differences`.
    pictures : str
        Fingerprint of its pictures.

    Raises
    ------
    ValueError
    """
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["opticonv"]
        found = TrainingConfig.model_validate_json(kept["config"])
    except Exception as error:
        raise ValueError(f"{path} is not a checkpoint of a training run: {error}") from error
    different = differences(found, config)
    if different:
        raise ValueError(f"{path} holds a run with another configuration: {'; '.join(different)}")
    if kept["pictures"] != pictures:
        raise ValueError(f"{path} holds a run with other pictures than are in {config.data.folder}")
