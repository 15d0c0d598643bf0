"""What each option of a convolution does to its error, frames, device time and energy.

Run it as ``python benchmarks/options.py [--seeds 2] [--device emulator:lab]``.

Four grey photographs of 126², eight 3×3 kernels, padding 1; error as in ``precision.py``.  Frames,
device time and energy are the device's own, pilots and repeated frames included.  Every row differs
from the first in one thing; ``--markdown`` prints the table as docs/convolution.md has it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from precision import KERNELS, exact_convolution, photographs
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from driver import Device, open_device
from driver.precision import PRECISIONS, Exposure, PassOptions, Precision

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Option:
    """A row: an option's name and value, and the convolution with it."""

    option: str
    value: str
    convolve: Callable[[Device, Array, Array], Array]


@dataclass
class Effect:
    """What it did, summed over devices."""

    squared_error: float = 0.0
    variance: float = 0.0
    frames: int = 0
    device_time_s: float = 0.0
    energy_j: float = 0.0

    @property
    def error(self) -> float:
        return float(np.sqrt(self.squared_error / self.variance))


def _own(
    first: Exposure, second: Exposure, *, residual: tuple[bool, bool] = (False, False)
) -> Precision:
    return Precision("own", PassOptions(first, residual[0]), PassOptions(second, residual[1]))


def _at(precision: str | Precision, pack: bool | None = None) -> Callable[..., Array]:
    def convolve(device: Device, x: Array, w: Array) -> Array:
        y: Array = device.convolve2d(x, w, padding=1, precision=precision, pack=pack)
        return y

    return convolve


def _one_by_one(device: Device, x: Array, w: Array) -> Array:
    return np.concatenate([device.convolve2d(picture[None], w, padding=1) for picture in x])


OPTIONS = (
    Option("precision", "balanced", _at("balanced")),
    Option("precision", "fast", _at("fast")),
    Option("precision", "best", _at("best")),
    Option("packing", "off", _at("balanced", pack=False)),
    Option("tiling", "each picture by itself", _one_by_one),
    Option("exposure", "single, two_gain", _at(_own("single", "two_gain"))),
    Option("exposure", "two_gain, single", _at(_own("two_gain", "single"))),
    Option("averaging", "two_gain, averaged", _at(_own("two_gain", "averaged"))),
    Option("averaging", "averaged, averaged", _at(_own("averaged", "averaged"))),
    Option("residual", "products", _at(_own("two_gain", "two_gain", residual=(False, True)))),
    Option("residual", "both", _at(_own("two_gain", "two_gain", residual=(True, True)))),
    Option("best, packing", "off", _at(PRECISIONS["best"], pack=False)),
)


def measure(uri: str, seeds: int, progress: Progress) -> dict[Option, Effect]:
    """All options on all devices."""
    x = photographs()
    w = np.random.default_rng(0).standard_normal((KERNELS, 1, 3, 3)).astype(np.float32)
    exact = exact_convolution(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), w)
    variance = float(np.var(exact, axis=(2, 3)).sum() * exact[0, 0].size)
    effects = {option: Effect() for option in OPTIONS}
    task = progress.add_task("measuring", total=seeds * len(OPTIONS))
    for seed in range(seeds):
        with open_device(uri, seed=seed) as device:
            device.calibrate()
            for option, effect in effects.items():
                before = device.telemetry()
                wrong = option.convolve(device, x, w) - exact
                after = device.telemetry()
                seconds = after.device_time_s - before.device_time_s
                effect.squared_error += float(np.sum(wrong.astype(float) ** 2))
                effect.variance += variance
                effect.frames += after.frames - before.frames
                effect.device_time_s += seconds
                effect.energy_j += seconds * device.info.power_w
                progress.advance(task)
    return effects


def rows_of(effects: dict[Option, Effect], seeds: int) -> list[tuple[str, ...]]:
    """Cells of the table, per device; times and energies relative to the first row in brackets."""
    first = effects[OPTIONS[0]]
    return [
        (
            option.option,
            option.value,
            f"{effect.error:.2%}",
            f"{effect.frames / seeds:.0f}",
            f"{effect.device_time_s / seeds:.2f} s",
            f"{effect.energy_j / seeds:.0f} J",
            f"{effect.device_time_s / first.device_time_s:.2f}×",
        )
        for option, effect in effects.items()
    ]


HEAD = ("option", "value", "error", "frames", "device time", "energy", "of both")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--seeds", type=int, default=2, help="how many devices, seeds 0, 1, ...")
    parser.add_argument("--markdown", action="store_true", help="as docs/convolution.md has it")
    options = parser.parse_args()
    console = Console(width=110)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        effects = measure(options.device, options.seeds, progress)
    rows = rows_of(effects, options.seeds)
    if options.markdown:
        for cells in (HEAD, ("---",) * len(HEAD), *rows):
            print("| " + " | ".join(cells) + " |")
        return
    table = Table(title=f"{options.device}, {options.seeds} devices: one option changed at a time")
    for name in HEAD:
        table.add_column(name, justify="left" if name in HEAD[:2] else "right")
    for cells in rows:
        table.add_row(*cells)
    console.print(table)


if __name__ == "__main__":
    main()
