"""What each option of a convolution does to its error, frames, device time and energy.

Run it as ``python benchmarks/options.py [--seeds 2] [--markdown]``.

Four grey photographs of 126², eight 3×3 kernels, padding 1; error as in ``precision.py``, of
devices that calibrated themselves, and beside it what the same devices would leave if they knew
their own fabrication (the floor).  Frames, device time and energy are the devices' own counters,
pilots and repeated frames included.  Every row differs from the first of its layout in one thing;
``--markdown`` prints the table as docs/convolution.md has it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from driver import Calibration, Device, open_device
from driver.precision import PRECISIONS, Exposure, PassOptions, Precision
from opticonv.convolution_study import exact_convolution, kernels, photographs, total_variance

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "driver"))
from perfect_knowledge import perfect_calibration

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

    squared_errors: dict[str, float] = field(
        default_factory=lambda: {"calibrated": 0.0, "perfect": 0.0}
    )
    variance: float = 0.0
    frames: int = 0
    device_time_s: float = 0.0
    energy_j: float = 0.0

    def error(self, knowledge: str) -> float:
        return float(np.sqrt(self.squared_errors[knowledge] / self.variance))


def _own(
    first: Exposure, second: Exposure, *, residual: tuple[bool, bool] = (False, False)
) -> Precision:
    return Precision("own", PassOptions(first, residual[0]), PassOptions(second, residual[1]))


def _at(precision: str | Precision, **options: Any) -> Callable[..., Array]:
    def convolve(device: Device, x: Array, w: Array) -> Array:
        y: Array = device.convolve2d(x, w, padding=1, precision=precision, **options)
        return y

    return convolve


def _one_by_one(device: Device, x: Array, w: Array) -> Array:
    return np.concatenate([device.convolve2d(picture[None], w, padding=1) for picture in x])


TWO_GAIN = _own("two_gain", "two_gain")
HALOS = replace(PRECISIONS["balanced"], seams=False)
OPTIONS = {
    "emulator:lab": (
        Option("precision", "balanced", _at("balanced")),
        Option("precision", "fast", _at("fast")),
        Option("precision", "best", _at("best")),
        Option("packing", "off", _at("balanced", pack=False)),
        Option("mosaic", "off: each picture by itself", _one_by_one),
        Option("halos", "carried by light", _at(HALOS)),
        Option("halos", "carried by light, fast", _at(replace(PRECISIONS["fast"], seams=False))),
        Option("exposure", "single, two_gain", _at(_own("single", "two_gain"))),
        Option("exposure", "two_gain, single", _at(_own("two_gain", "single"))),
        Option("averaging", "two_gain, averaged", _at(_own("two_gain", "averaged"))),
        Option("averaging", "averaged, averaged", _at(_own("averaged", "averaged"))),
        Option("residual", "products", _at(_own("two_gain", "two_gain", residual=(False, True)))),
        Option("residual", "both", _at(_own("two_gain", "two_gain", residual=(True, True)))),
        Option("best, packing", "off", _at("best", pack=False)),
        Option("product", "optical", _at("balanced", product="optical")),
        Option("product", "optical, fast", _at("fast", product="optical")),
        Option("product", "optical, best", _at("best", product="optical")),
        Option("product", "optical, packing off", _at("balanced", product="optical", pack=False)),
        Option("product", "optical, no residual", _at(TWO_GAIN, product="optical")),
    ),
    "emulator:lab4f": (
        Option("precision", "balanced", _at("balanced")),
        Option("precision", "fast", _at("fast")),
        Option("precision", "best", _at("best")),
        Option("packing", "off", _at("balanced", pack=False)),
        Option("mosaic", "off: each picture by itself", _one_by_one),
        Option("halos", "carried by light", _at(HALOS)),
        Option("residual", "on", _at(_own("two_gain", "two_gain", residual=(True, False)))),
        Option("best, packing", "off", _at("best", pack=False)),
    ),
}
"""By device; the first of each is what the others are measured by."""


def measure(uri: str, options: Iterable[Option], seeds: int, progress: Progress) -> list[Effect]:
    """Options on devices."""
    options = tuple(options)
    x = photographs()
    w = kernels()["random"]
    exact = exact_convolution(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), w)
    variance = total_variance(exact)
    effects = [Effect() for _ in options]
    task = progress.add_task(uri, total=2 * seeds * len(options))

    def squared_error(device: Device, option: Option) -> float:
        progress.advance(task)
        return float(np.sum((option.convolve(device, x, w) - exact).astype(float) ** 2))

    for seed in range(seeds):
        with open_device(uri, seed=seed) as device:
            known: dict[str, Calibration] = {
                "perfect": perfect_calibration(device, seed),
                "calibrated": device.calibrate(),
            }
            for option, effect in zip(options, effects, strict=True):
                device.load_calibration(known["calibrated"])
                before = device.telemetry()
                effect.squared_errors["calibrated"] += squared_error(device, option)
                after = device.telemetry()
                seconds = after.device_time_s - before.device_time_s
                effect.variance += variance
                effect.frames += after.frames - before.frames
                effect.device_time_s += seconds
                effect.energy_j += seconds * device.info.power_w
        with open_device(uri, seed=seed) as device:  # anew: its drift is known at time 0
            device.load_calibration(known["perfect"])
            for option, effect in zip(options, effects, strict=True):
                effect.squared_errors["perfect"] += squared_error(device, option)
    return effects


HEAD = ("layout", "option", "value", "error", "floor", "frames", "device time", "energy", "of both")


def rows_of(
    layout: str, options: Iterable[Option], effects: list[Effect], seeds: int
) -> list[tuple[str, ...]]:
    """Cells of the table, per device; times and energies relative to the first row last."""
    first = effects[0]
    return [
        (
            layout,
            option.option,
            option.value,
            f"{effect.error('calibrated'):.2%}",
            f"{effect.error('perfect'):.2%}",
            f"{effect.frames / seeds:.0f}",
            f"{effect.device_time_s / seeds:.2f} s",
            f"{effect.energy_j / seeds:.0f} J",
            f"{effect.device_time_s / first.device_time_s:.2f}×",
        )
        for option, effect in zip(options, effects, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="how many devices, seeds 0, 1, ...")
    parser.add_argument("--markdown", action="store_true", help="as docs/convolution.md has it")
    chosen = parser.parse_args()
    console = Console(width=130)
    rows: list[tuple[str, ...]] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for uri, options in OPTIONS.items():
            effects = measure(uri, options, chosen.seeds, progress)
            layout = "4f" if uri.endswith("4f") else "mft"
            rows += rows_of(layout, options, effects, chosen.seeds)
    if chosen.markdown:
        for cells in (HEAD, ("---",) * len(HEAD), *rows):
            print("| " + " | ".join(cells) + " |")
        return
    table = Table(
        title=f"{', '.join(OPTIONS)}; {chosen.seeds} devices: one option changed at a time"
    )
    for name in HEAD:
        table.add_column(name, justify="left" if name in HEAD[:3] else "right")
    for cells in rows:
        table.add_row(*cells)
    console.print(table)


if __name__ == "__main__":
    main()
