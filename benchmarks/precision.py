"""Precision of optical 3x3 convolutions on photographs: calibrated, perfectly known, uncalibrated.

Run it as ``python benchmarks/precision.py [--seeds 5] [--device emulator:lab]``.

Error measure: sqrt(sum of squared error / sum of the exact output's variance), pooled over four
grey photographs and random Gaussian 3x3 kernels, through `dev.convolve2d` at each precision, packed
(two pictures in one complex frame) and not.  "perfect" is the same device with its own fabrication
values installed as calibration (an emulator's privilege): what camera noise and the chip's floor
leave.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from driver import Device, UncalibratedWarning, open_device

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "driver"))
from perfect_knowledge import perfect_calibration

PRECISIONS = ("fast", "balanced", "best")
PICTURES = ("astronaut", "coffee", "chelsea", "rocket")
SIZE = 126
KERNELS = 8
ALLOWED = 1.15
"""Calibrated over perfect: the aim."""


@dataclass
class Result:
    """Errors of one device, by state of knowledge, precision and packing."""

    seed: int
    errors: dict[tuple[str, str, bool], float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)


def photographs() -> NDArray[np.float32]:
    """Four grey photographs, halved, (4, 1, SIZE, SIZE) in [0, 1]."""
    tiles = []
    for name in PICTURES:
        grey = getattr(skimage.data, name)()[..., :3].mean(-1) / 255
        rows, columns = (length // 2 for length in grey.shape)
        halved = grey[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3))
        top, left = (rows - SIZE) // 2, (columns - SIZE) // 2
        tiles.append(halved[top : top + SIZE, left : left + SIZE])
    return np.array(tiles, np.float32)[:, None]


def exact_convolution(x: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation without padding, one input channel, in float64."""
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0].astype(float), w.shape[2:], (1, 2))
    return np.einsum("bijkl,okl->boij", windows, w[:, 0].astype(float))


def convolution_error(dev: Device, precision: str, pack: bool) -> float:
    """The error measure of this module for one device as it is."""
    x = photographs()
    w = np.random.default_rng(0).standard_normal((KERNELS, 1, 3, 3)).astype(np.float32)
    exact = exact_convolution(x, w)
    wrong = dev.convolve2d(x, w, precision=precision, pack=pack) - exact
    variance = np.var(exact, axis=(2, 3)).sum() * exact[0, 0].size
    return float(np.sqrt(np.sum(wrong.astype(float) ** 2) / variance))


def measure(uri: str, seed: int, progress: Progress) -> Result:
    """Uncalibrated, calibrated and perfectly known errors of one device."""
    result = Result(seed)
    variants = [(precision, pack) for precision in PRECISIONS for pack in (True, False)]
    task = progress.add_task(f"seed {seed}", total=2 + 2 * len(variants))
    with open_device(uri, seed=seed) as dev:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncalibratedWarning)
            result.errors["uncalibrated", "balanced", True] = convolution_error(
                dev, "balanced", True
            )
        progress.advance(task)
        result.figures = dev.calibrate().figures
        progress.advance(task)
        for knowledge in ("calibrated", "perfect"):
            if knowledge == "perfect":
                dev.load_calibration(perfect_calibration(dev, seed))
            for precision, pack in variants:
                result.errors[knowledge, precision, pack] = convolution_error(dev, precision, pack)
                progress.advance(task)
    progress.remove_task(task)
    return result


def table_of(results: list[Result], uri: str) -> Table:
    """One row a device; calibrated beside perfect, in per cent."""
    table = Table(title=f"{uri}: error of 3x3 convolutions [%], calibrated / perfect knowledge")
    table.add_column("seed", justify="right")
    table.add_column("uncalibrated", justify="right")
    for precision in PRECISIONS:
        for packing in ("packed", "unpacked"):
            table.add_column(f"{precision}\n{packing}", justify="right")
    for name in ("frames", "device s", "host s"):
        table.add_column(f"calibration\n{name}", justify="right")
    for result in results:
        cells = [str(result.seed), f"{100 * result.errors['uncalibrated', 'balanced', True]:.0f}"]
        for precision in PRECISIONS:
            for pack in (True, False):
                ours = 100 * result.errors["calibrated", precision, pack]
                floor = 100 * result.errors["perfect", precision, pack]
                cells.append(f"{ours:.2f} / {floor:.2f}")
        figures = result.figures
        cells.append(f"{figures['frames']:.0f}")
        cells += [f"{figures['device_time_s']:.2f}", f"{figures['host_time_s']:.1f}"]
        table.add_row(*cells)
    return table


def worst_ratio(results: list[Result]) -> float:
    """Largest error calibrated over perfect."""
    return max(
        error / result.errors["perfect", precision, pack]
        for result in results
        for (knowledge, precision, pack), error in result.errors.items()
        if knowledge == "calibrated"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--seeds", type=int, default=5, help="how many devices, seeds 0, 1, ...")
    options = parser.parse_args()
    console = Console(width=120)
    with Progress(console=console, transient=True) as progress:
        results = [measure(options.device, seed, progress) for seed in range(options.seeds)]
    console.print(table_of(results, options.device))
    worst = worst_ratio(results)
    verdict = "reached" if worst <= ALLOWED else "MISSED"
    console.print(f"calibrated over perfect, worst case: {worst:.2f} (aim: {ALLOWED}, {verdict})")
    return 0 if worst <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
