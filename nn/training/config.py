"""What decides a training run: strict models of the sections of its TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nn.networks import NetworkConfig
from nn.networks.config import OriginalConfig

__all__ = [
    "DataSection",
    "LossSection",
    "OpticsSection",
    "OptimiserSection",
    "RunSection",
    "TrainingConfig",
]

SCALE = 8

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
File = Annotated[Path, Field(strict=False)]
Text = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A part of a configuration: values of exact types, unknown names refused."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class DataSection(Section):
    """Which pictures, and what of them a step sees."""

    folder: File
    """Photographs, or what `opticonv data ingest` made of them."""
    short_sides: Annotated[
        tuple[Annotated[int, Field(ge=256, le=100_000)], ...], Field(strict=False, min_length=1)
    ] = (256,)
    """Shorter sides that a photograph is reduced to, one of them drawn for each crop [pixels].
    Photographs are never enlarged: a side as long as 100000 keeps them as they are."""
    crops: Literal["centre", "random"] = "centre"
    """Where in the reduced photograph."""
    window: Annotated[int, Field(ge=SCALE, le=256, multiple_of=SCALE)] = 256
    """Side of a crop [pixels]; below 256 a random one meets every phase of the sampling grid."""
    flips: bool = False
    """Turn each crop to one of the eight orientations."""
    repeats: Count = 1
    """Crops of each photograph in an epoch."""
    limit: Count | None = None
    validation_limit: Count | None = None
    """At most so many photographs of a split."""
    test: Annotated[tuple[File, ...], Field(strict=False)] = ()
    """Folders of test pictures that the card tells the figures of."""

    @model_validator(mode="after")
    def _one_centre(self) -> DataSection:
        if self.crops == "centre" and self.repeats > 1:
            raise ValueError("data.repeats > 1 with centre crops would repeat the same crop")
        return self


class LossSection(Section):
    """Weights of the terms whose sum is minimised."""

    mse: NonNegative = 1.0
    mge: NonNegative = 0.0
    feature: NonNegative = 0.0
    """VGG-16 relu2_2 features, of the weights in `vgg`."""
    vgg: File | None = None
    distillation: NonNegative = 0.0
    """Mean squared difference to the output of `teacher`."""
    teacher: Text | None = None
    """Name of packaged weights, or a .safetensors file."""

    @model_validator(mode="after")
    def _complete(self) -> LossSection:
        if not any((self.mse, self.mge, self.feature, self.distillation)):
            raise ValueError("the weights in [loss] must not all be zero")
        if (self.feature > 0) and self.vgg is None:
            raise ValueError("loss.feature needs VGG-16 weights: set loss.vgg to their file")
        if (self.distillation > 0) != (self.teacher is not None):
            raise ValueError("loss.distillation and loss.teacher must be given together")
        return self


class OptimiserSection(Section):
    """Adam, its rate and its steps."""

    rate: Positive = 0.01
    """Learning rate after the warm-up."""
    schedule: Literal["step", "cosine", "constant"] = "step"
    """step: times `step_factor` after each epoch; cosine: down to `final_fraction` at the end."""
    step_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    final_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
    warmup_epochs: NonNegative = 0.0
    """Epochs, or a fraction of one, in which the rate grows linearly from zero."""
    betas: Annotated[tuple[Fraction, Fraction], Field(strict=False)] = (0.9, 0.999)
    weight_decay: NonNegative = 0.0
    """Decoupled (AdamW); 0 is Adam."""
    ema: Fraction = 0.0
    """Decay of the running mean of the weights that is validated and exported; 0: none."""
    clip: Positive | None = None
    """Largest norm of the gradient."""
    batch: Count = 4
    """Crops of a step, over all processes."""
    epochs: Count = 15
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: convolutions in bfloat16, weights and losses in float32."""
    channels_last: bool = False


class OpticsSection(Section):
    """The device that computes the convolutions; without one they are electronic."""

    device: Text | None = None
    """URI; {rank} in it stands for the process's number."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Of an emulated device; process r gets seed + r, so that each has its own specimen."""
    calibration: Text | None = None
    """File; {rank} as in `device`. Without one the device is calibrated when the run begins."""
    gradient: Literal["exact", "optical", "twin"] = "exact"
    precision: Literal["fast", "balanced", "best"] = "balanced"


class RunSection(Section):
    """How a run is carried out."""

    title: Text | None = None
    """First line of the model card."""
    start: Text | None = None
    """Weights to begin from: a name of packaged ones, or a .safetensors file."""
    seed: Annotated[int, Field(ge=0)] = 0
    processes: Count = 1
    """On this host, each with its own device; torchrun's number wins."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that cut crops."""
    threads: Count | None = None
    """Of each process; by default torch's number."""
    log_every_steps: Count = 50
    pictures_every_epochs: Count = 5
    pictures: Annotated[int, Field(ge=0, le=16)] = 4
    """Validation pictures shown in the log."""
    checkpoint_every_steps: Count = 500
    """Besides after every epoch."""


class TrainingConfig(Section):
    """Everything that decides a run's result, besides the pictures themselves."""

    network: NetworkConfig = OriginalConfig()
    data: DataSection
    loss: LossSection = LossSection()
    optimiser: OptimiserSection = OptimiserSection()
    optics: OpticsSection = OpticsSection()
    run: RunSection = RunSection()

    @model_validator(mode="after")
    def _agrees(self) -> TrainingConfig:
        if self.optimiser.warmup_epochs > self.optimiser.epochs:
            raise ValueError("optimiser.warmup_epochs must not be more than optimiser.epochs")
        if self.optimiser.batch % self.run.processes:
            raise ValueError("optimiser.batch must be a multiple of run.processes")
        return self
