"""One training step, one validation, and what a checkpoint must hold beside Lightning's own."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed
from lightning.pytorch import LightningModule
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torchmetrics import MeanMetric

from nn.convert import convert_to_optical
from nn.networks import build_network
from nn.sampling import decimate
from nn.training.averaging import averaged
from nn.training.config import SCALE, TrainingConfig
from nn.training.data_module import PhotographData
from nn.training.objective import Objective, load_named_weights
from nn.training.optics import TrainingOptics
from nn.training.schedule import learning_rate

__all__ = ["DivergedError", "EpochRecord", "SuperResolutionTraining", "picture_psnr"]

VALIDATED = "validation/psnr_rgb_db"


class DivergedError(ValueError):
    """The loss is no longer finite."""


@dataclass(frozen=True)
class EpochRecord:
    """Figures of one finished epoch."""

    epoch: int
    """From 1."""
    rate: float
    """Learning rate of its last step."""
    loss: float
    """Mean over its steps of the weighted sum."""
    terms: dict[str, float]
    """Means of the terms, without their weights."""
    validation_psnr_rgb_db: float
    seconds: float
    """Of this process, validation included; since the interruption, if there was one."""
    device_frames: int = 0
    """Frames that the device has exposed since the run began."""


def picture_psnr(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """RGB PSNR [dB] of each picture of a batch, output clamped to [0, 1]; at most 100 dB.

    Parameters
    ----------
    output, target : torch.Tensor, shape (n, 3, H, W)

    Returns
    -------
    torch.Tensor, shape (n,)
    """
    error = (output.clamp(0.0, 1.0) - target).square().mean(dim=(1, 2, 3))
    return -10.0 * error.clamp_min(1e-10).log10()


class SuperResolutionTraining(LightningModule):
    """A network, its objective, and where its convolutions run.

    Networks are built when the processes are there (`configure_model`), so that each can have its
    own device.

    Parameters
    ----------
    config : TrainingConfig
    folder : Path
        Of the run.
    resuming : bool
        Whether a checkpoint will be loaded.

    Attributes
    ----------
    network : torch.nn.Module
        What is trained.
    mean : AveragedModel or None
        The running mean of its weights.
    history : list of EpochRecord
    terms : torch.Tensor
        Of the last step: weighted sum, then the terms.
    """

    network: nn.Module
    objective: Objective
    mean: AveragedModel | None
    terms: torch.Tensor
    term_sums: torch.Tensor

    def __init__(self, config: TrainingConfig, folder: Path, *, resuming: bool = False) -> None:
        super().__init__()
        self.config = config
        self.folder = folder
        self.resuming = resuming
        self.history: list[EpochRecord] = []
        self.optics: TrainingOptics | None = None
        self.started = time.monotonic()
        self.strict_loading = False  # a checkpoint leaves the objective's frozen networks out
        self.is_built = False

    # ---- what is trained --------------------------------------------------------------------

    def configure_model(self) -> None:
        """Build the network, on the process's own device if the run is optical."""
        if self.is_built:
            return
        config = self.config
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(config.run.seed)
            network = build_network(config.network)
        if config.run.start is not None and not self.resuming:
            _begin_from(network, config.run.start)
        if config.optics.device is not None:
            self.optics = TrainingOptics(
                config.optics,
                self.folder,
                resuming=self.resuming,
                rank=self.global_rank,
                world=self.trainer.world_size,
            )
            network = convert_to_optical(
                network,
                self.optics.device,
                gradient=config.optics.gradient,
                precision=config.optics.precision,
            )
        if config.optimiser.channels_last:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network
        self.mean = averaged(network, config.optimiser.ema) if config.optimiser.ema else None
        self.objective = Objective(config.loss)
        # No buffer: each process adds up its own share.
        self.term_sums = torch.zeros(1 + len(self.objective.names))
        self.psnr = MeanMetric()
        self.is_built = True

    @property
    def validated_network(self) -> nn.Module:
        """The network that is validated and exported: the running mean, if there is one."""
        return self.network if self.mean is None else self.mean.module

    @property
    def data(self) -> PhotographData:
        """The trainer's data module."""
        return cast(PhotographData, self.trainer.datamodule)  # type: ignore[attr-defined]

    @property
    def exported(self) -> EpochRecord | None:
        """The finished epoch whose weights are kept: that of highest validation PSNR.

        The newest under a loss that is not about PSNR (a feature loss or gradient error trades it
        for sharpness, and its first epoch would win).
        """
        if not {"feature", "mge"}.isdisjoint(self.objective.names):
            return self.history[-1] if self.history else None
        return max(self.history, key=lambda record: record.validation_psnr_rgb_db, default=None)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; its rate is set before each step."""
        optimiser = self.config.optimiser
        return torch.optim.AdamW(
            self.network.parameters(),
            lr=optimiser.rate,
            betas=optimiser.betas,
            weight_decay=optimiser.weight_decay,
            fused=True,
        )

    # ---- one step ---------------------------------------------------------------------------

    def pair(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Input and target, float32 in [0, 1], of pictures (n, 3, H, W) uint8."""
        target = pictures.float() / 255.0
        layout = torch.contiguous_format
        if self.config.optimiser.channels_last:
            layout = torch.channels_last
        return decimate(target, SCALE).contiguous(memory_format=layout), target

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """The weighted sum of the objective's terms on a batch of crops."""
        input, target = self.pair(batch)
        terms = self.objective(self.network(input).float(), target, input)
        loss = (self.objective.weights * terms).sum()
        self.terms = torch.cat([loss.detach()[None], terms.detach()])
        if not math.isfinite(loss.item()):
            raise DivergedError(
                f"the loss became {loss.item()} in step {self.trainer.global_step + 1}: "
                "lower optimiser.rate or set optimiser.clip"
            )
        self.term_sums += self.terms
        return loss

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        position = self.data.position
        progress = position.epoch + position.batch / self.trainer.num_training_batches
        return learning_rate(self.config.optimiser, progress)

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, *rest: Any) -> None:
        """Step at the rate of this place; then this batch has been trained."""
        for group in optimizer.param_groups:
            group["lr"] = self.rate
        super().optimizer_step(epoch, batch_idx, optimizer, *rest)
        if self.mean is not None:
            self.mean.update_parameters(self.network)
        self.data.position.batch += 1

    def configure_gradient_clipping(self, optimizer: Any, *rest: Any, **more: Any) -> None:
        """Bound the gradient's norm; Lightning's own way refuses fused optimisers under bf16."""
        if self.config.optimiser.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optimiser.clip)

    # ---- one epoch --------------------------------------------------------------------------

    def validation_step(self, batch: tuple[torch.Tensor], batch_idx: int) -> None:
        """Measure the PSNR of a batch of whole pictures."""
        input, target = self.pair(batch[0])
        self.psnr(picture_psnr(self.validated_network(input).float(), target))
        self.log(VALIDATED, self.psnr, on_epoch=True)

    def on_train_epoch_start(self) -> None:
        """Begin to measure time."""
        self.started = time.monotonic()

    def on_train_epoch_end(self) -> None:
        """Record the epoch; the next one begins at its start."""
        steps = self.trainer.num_training_batches
        means = self.trainer.strategy.reduce(self.term_sums / steps, reduce_op="mean")
        loss, *terms = cast(torch.Tensor, means).tolist()
        position = self.data.position
        position.batch = int(steps) - 1
        rate = self.rate
        position.epoch, position.batch = position.epoch + 1, 0
        self.term_sums.zero_()
        self.history.append(
            EpochRecord(
                epoch=position.epoch,
                rate=rate,
                loss=loss,
                terms=dict(zip(self.objective.names, terms, strict=True)),
                validation_psnr_rgb_db=float(self.trainer.callback_metrics[VALIDATED]),
                seconds=time.monotonic() - self.started,
                device_frames=self.optics.device.telemetry().frames if self.optics else 0,
            )
        )

    # ---- checkpoints ------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the configuration, the records and every process's device; on all processes."""
        checkpoint["state_dict"] = {
            name: value
            for name, value in checkpoint["state_dict"].items()
            if not name.startswith("objective.")
        }
        checkpoint["opticonv"] = {
            "config": self.config.model_dump_json(),
            "pictures": self.data.fingerprint,
            "history": [asdict(record) for record in self.history],
            "processes": self._of_all_processes(),
        }

    def _of_all_processes(self) -> list[Any]:
        """What each process must find again: its device's session, its share of the means."""
        own = {
            "optics": None if self.optics is None else self.optics.state(),
            "term_sums": self.term_sums,
        }
        world = self.trainer.world_size
        if world == 1:
            return [own]
        gathered: list[Any] = [None] * world
        torch.distributed.all_gather_object(gathered, own)
        return gathered

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from there: the records, the means begun, and this process's device.

        Raises
        ------
        ValueError
            The run had another number of processes.
        """
        kept = checkpoint["opticonv"]
        processes = kept["processes"]
        if len(processes) != self.trainer.world_size:
            raise ValueError(
                f"the run had {len(processes)} processes and cannot go on exactly with "
                f"{self.trainer.world_size}"
            )
        self.history = [EpochRecord(**record) for record in kept["history"]]
        own = processes[self.global_rank]
        self.term_sums.copy_(own["term_sums"])
        if self.optics is not None:
            self.optics.restore(own["optics"])

    def teardown(self, stage: str) -> None:
        """Close the device."""
        if self.optics is not None:
            self.optics.close()


def _begin_from(network: nn.Module, start: str) -> None:
    """Load weights of a name or file into a network of the same form and sizes."""
    weights = load_named_weights(start).state_dict()
    own = network.state_dict()
    wrong = sorted(
        name
        for name in {*weights, *own}
        if name not in weights or name not in own or weights[name].shape != own[name].shape
    )
    if wrong:
        raise ValueError(
            f"the weights {start} are of another network than [network]: {wrong[0]} does not fit"
        )
    network.load_state_dict(weights)
