"""A run on screen: a bar for the epoch under way, a line for each finished one."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nn.training.lit_module import EpochRecord, SuperResolutionTraining
from opticonv.console import progress_console, result_console

__all__ = ["RunProgress", "told"]


def told(record: EpochRecord) -> str:
    """One line of a finished epoch."""
    terms = "  ".join(f"{name} {value:.6f}" for name, value in record.terms.items())
    frames = f"  {record.device_frames:,} frames" if record.device_frames else ""
    return (
        f"epoch {record.epoch:3d}  rate {record.rate:.2e}  {terms}  "
        f"validation PSNR (RGB) {record.validation_psnr_rgb_db:.3f} dB  "
        f"{record.seconds:.0f} s{frames}"
    )


class RunProgress(Callback):
    """Draws on the first process's terminal."""

    def __init__(self) -> None:
        self._console = result_console()
        self._told = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=progress_console,
            transient=True,
        )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what there is, and show the bar."""
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, SuperResolutionTraining)
        data = pl_module.data
        self._told = len(pl_module.history)
        done = f"; {self._told} epochs already done" if self._told else ""
        self._console.print(
            f"{len(data.training.names)} training and {len(data.validation.names)} validation "
            f"pictures{done}",
            highlight=False,
        )
        self._task = self._bar.add_task("", total=int(trainer.num_training_batches))
        self._bar.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar."""
        if self._bar.live.is_started:
            epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            self._bar.update(self._task, completed=batch_idx + 1, description=epoch)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say why the bar stands still."""
        if self._bar.live.is_started:
            self._bar.update(self._task, description="validation")

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the finished epoch."""
        self._tell(pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the last epoch and take the bar away."""
        self._tell(pl_module)
        self._bar.stop()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def _tell(self, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, SuperResolutionTraining)
        if self._bar.live.is_started:
            for record in pl_module.history[self._told :]:
                self._console.print(told(record), highlight=False, soft_wrap=True)
            self._told = len(pl_module.history)
