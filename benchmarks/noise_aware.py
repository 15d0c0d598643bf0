"""Noise-aware training: weights that get used to a worse device, for ``benchmarks/degradation.py``.

    python benchmarks/noise_aware.py photos --out tuned
        [--point adc_bits=7] [--point crosstalk=0.08] [--point drift] [--seeds 3]

At each point and specimen: `optical_finetune` from the weights of `original`, a few hundred
photographs with the device in the loop.  What a specimen has learnt lies in
``tuned/SWEEP_VALUE_SEED/weights.safetensors`` (``tuned/drift_SEED/…``), where

    python benchmarks/degradation.py … --weights original
        --weights "noise-aware=tuned/{sweep}_{value}_{seed}/weights.safetensors"

takes it up: on the same specimen, calibrated in the same way, and photographs of another split.

`drift` trains without pilots on a device that was calibrated once, at the beginning: while training
goes on, the device becomes another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from degradation_sweeps import SWEEPS
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console

from nn.modules import OpticalLayer
from nn.training import train
from nn.training.config_file import load_config
from nn.training.lit_module import SuperResolutionTraining
from opticonv.convolution_study import UntrackedDevice

console = Console(width=110)

POINTS = ("adc_bits=6", "adc_bits=7", "full_well=10000", "crosstalk=0.08", "drift")


class Watched(Callback):
    """Notes how much device time the training took; takes the pilots away if asked to."""

    def __init__(self, *, tracked: bool) -> None:
        self._tracked = tracked
        self._begin_s = 0.0
        self.device_time_s = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The device is calibrated, and no step made yet."""
        assert isinstance(pl_module, SuperResolutionTraining)
        assert pl_module.optics is not None
        device = pl_module.optics.device
        self._begin_s = device.telemetry().device_time_s
        if not self._tracked:
            untracked = UntrackedDevice(device)
            for layer in pl_module.network.modules():
                if isinstance(layer, OpticalLayer):
                    layer.optics = untracked

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """All steps are made."""
        assert isinstance(pl_module, SuperResolutionTraining)
        assert pl_module.optics is not None
        self.device_time_s = pl_module.optics.device.telemetry().device_time_s - self._begin_s


def tune(point: str, seed: int, photos: Path, out: Path, device: str, overrides: list[str]) -> None:
    """Train at one point on one specimen, unless its weights are there."""
    name, _, value = point.partition("=")
    sweep = SWEEPS[name]
    folder = out / ("_".join([name, f"{float(value):g}", str(seed)]) if value else f"{name}_{seed}")
    if (folder / "weights.json").exists():
        return
    profile: dict[str, Any] = {} if sweep.ages else sweep.overrides(float(value))
    config = load_config(
        "optical_finetune",
        [
            f"data.folder={photos}",
            f"optics.device={device}?{urlencode({'seed': seed, **profile})}",
            "run.pictures=0",
            *overrides,
        ],
    )
    watched = Watched(tracked=not sweep.ages)
    finished = train(config, folder, callbacks=[watched])
    psnrs = ", ".join(f"{record.validation_psnr_rgb_db:.3f}" for record in finished.history)
    console.print(
        f"{point}, seed {seed}: validation PSNR {psnrs} dB, by epoch; "
        f"{watched.device_time_s:.0f} s of device time",
        highlight=False,
    )


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photographs; split as in training.")],
    out: Annotated[Path, typer.Option(help="Folder for the runs.")],
    points: Annotated[
        list[str] | None, typer.Option("--point", help=f"{', '.join(POINTS)} by default.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Specimens 0, 1, … of the device.")] = 3,
    device: Annotated[str, typer.Option(help="Device URI without seed.")] = "emulator:lab",
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="section.key=value of the configuration; replaces the default."),
    ] = None,
) -> None:
    """Train at every point on every specimen; what is there already is not trained again."""
    chosen = points or POINTS
    for point in chosen:
        name, _, value = point.partition("=")
        if name not in SWEEPS or SWEEPS[name].ages == bool(value):
            raise typer.BadParameter(f"no point {point!r}; such as {', '.join(POINTS)}")
    short = ["data.limit=400", "data.validation_limit=8", "optimiser.rate=0.001"]
    for point in chosen:
        for seed in range(seeds):
            tune(point, seed, photos, out, device, [*short, *(values or ())])


if __name__ == "__main__":
    typer.run(main)
