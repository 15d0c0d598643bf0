"""Error of optical convolutions by kind of kernel, and by number of calibration frames, as plots.

Run it as ``python benchmarks/precision_plots.py [--seed 0] [--device emulator:lab] [--out plots]``.

The error measure is that of ``benchmarks/precision.py``.  Kernels: low-pass (a box and a binomial),
random (Gaussian), Sobel (both directions).  What an exact output has little of, a high-pass
picture, is measured the worse for it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from rich.console import Console
from rich.table import Table

from driver import Device, open_device
from driver.calibration import heaters
from opticonv.convolution_study import convolution_error, kernels

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "driver"))
from perfect_knowledge import perfect_calibration

PRECISIONS = ("fast", "balanced", "best")
FRAMES = (96, 128, 192, 256, 384, 512, 768)


def by_kind(device: Device, seed: int, console: Console, axes: Axes) -> None:
    """Table and plot of the error by kernel kind, calibrated and perfectly known."""
    calibration = device.calibration
    assert calibration is not None
    table = Table(title="error [%] by kind of kernel, calibrated / perfect, packed", box=None)
    for name in ("precision", *kernels()):
        table.add_column(name, justify="right")
    errors = {}
    for knowledge in ("calibrated", "perfect"):
        perfect = knowledge == "perfect"
        device.load_calibration(perfect_calibration(device, seed) if perfect else calibration)
        for precision in PRECISIONS:
            for kind, w in kernels().items():
                errors[knowledge, precision, kind] = 100 * convolution_error(
                    device, w, precision=precision, pack=True
                )
    device.load_calibration(calibration)
    for precision in PRECISIONS:
        cells = [
            " / ".join(f"{errors[k, precision, kind]:.2f}" for k in ("calibrated", "perfect"))
            for kind in kernels()
        ]
        table.add_row(precision, *cells)
    console.print(table)
    place, width = np.arange(len(PRECISIONS)), 0.8 / len(kernels())
    for index, kind in enumerate(kernels()):
        at = place + (index - 1) * width
        axes.bar(at, [errors["calibrated", p, kind] for p in PRECISIONS], width, label=kind)
        floor = [errors["perfect", p, kind] for p in PRECISIONS]
        known = "perfect knowledge" if index == 0 else None
        axes.hlines(floor, at - width / 2, at + width / 2, "black", label=known)
    axes.set_xticks(place, PRECISIONS)
    label_axes(axes, "By kind of kernel, packed", "precision")


def by_frames(uri: str, seed: int, console: Console, axes: Axes) -> None:
    """Table and plot of the error by number of main calibration frames."""
    usual, w = heaters.MAIN_FRAMES, kernels()["random"]
    rows: list[tuple[float, ...]] = []
    try:
        for frames in FRAMES:
            heaters.MAIN_FRAMES = frames
            with open_device(uri, seed=seed) as device:
                figures = device.calibrate().figures
                error = [
                    100 * convolution_error(device, w, precision=precision, pack=True)
                    for precision in PRECISIONS
                ]
                rows.append((figures["frames"], figures["device_time_s"], *error))
    finally:
        heaters.MAIN_FRAMES = usual
    with open_device(uri, seed=seed) as device:
        device.load_calibration(perfect_calibration(device, seed))
        floor = [
            100 * convolution_error(device, w, precision=precision, pack=True)
            for precision in PRECISIONS
        ]
    table = Table(
        title="error [%] by number of calibration frames, packed, random kernels", box=None
    )
    for name in ("frames", "device s", *PRECISIONS):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(f"{row[0]:.0f}", f"{row[1]:.2f}", *(f"{value:.2f}" for value in row[2:]))
    table.add_row("perfect", "", *(f"{value:.2f}" for value in floor))
    console.print(table)
    data = np.array(rows)
    for index, name in enumerate(PRECISIONS):
        (line,) = axes.plot(data[:, 0], data[:, 2 + index], "o-", label=name)
        known = "perfect knowledge" if index == 0 else None
        axes.axhline(floor[index], color=line.get_color(), linestyle="--", label=known)
    label_axes(axes, "Random kernels by calibration, packed", "calibration frames")


def label_axes(axes: Axes, title: str, x: str) -> None:
    axes.set(title=title, xlabel=x, ylabel="error [%]", yscale="log")
    axes.set_yticks([0.5, 1, 2, 5, 10])
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter("")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("plots"), help="folder for the plots")
    options = parser.parse_args()
    console = Console(width=110)
    figure = Figure((11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    with open_device(options.device, seed=options.seed) as device:
        device.calibrate()
        by_kind(device, options.seed, console, left)
    by_frames(options.device, options.seed, console, right)
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / "precision.png", dpi=150)
    return 0


if __name__ == "__main__":
    sys.exit(main())
