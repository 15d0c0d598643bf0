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
from rich.console import Console
from rich.table import Table

from driver import Device, open_device
from driver.calibration import heaters
from opticonv.convolution_study import convolution_error, kernels
from opticonv.count_charts import COLOURS, new_figure, save_figure, tidy

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "driver"))
from perfect_knowledge import perfect_calibration

PRECISIONS = ("fast", "balanced", "best")
LINE_COLOURS = (COLOURS["orange"], COLOURS["blue"], COLOURS["green"])
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
    place = np.arange(len(PRECISIONS))
    for index, (kind, colour) in enumerate(zip(kernels(), LINE_COLOURS, strict=True)):
        at = place + 0.2 * (index - 1)
        ours = [errors["calibrated", p, kind] for p in PRECISIONS]
        axes.plot(at, ours, "o", color=colour, label=f"{kind} kernels")
        floor = [errors["perfect", p, kind] for p in PRECISIONS]
        known = "perfect knowledge" if index == len(LINE_COLOURS) - 1 else None
        axes.plot(at, floor, "_", markersize=18, color="black", label=known)
    axes.set_xticks(place, PRECISIONS)
    axes.set_xlim(-0.5, len(PRECISIONS) - 0.5)
    label_axes(axes, "by kind of kernel", "precision")


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
    for index, (name, colour) in enumerate(zip(PRECISIONS, LINE_COLOURS, strict=True)):
        axes.plot(data[:, 0], data[:, 2 + index], "o-", color=colour, label=name)
        axes.axhline(floor[index], color=colour, linestyle="--", label=f"{name}, perfect knowledge")
    label_axes(axes, "by length of the calibration, random kernels", "calibration frames")


def label_axes(axes: Axes, title: str, x: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel("error, of the exact output's non-constant part [%]", fontsize=8)
    axes.set_yscale("log")
    axes.set_yticks([0.5, 1, 2, 5, 10])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    tidy(axes)
    axes.legend(fontsize=7, frameon=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("plots"), help="folder for the plots")
    options = parser.parse_args()
    console = Console(width=110)
    figure = new_figure(9.6, 4.2)
    left, right = figure.subplots(1, 2)
    figure.suptitle(
        f"3×3 convolutions of photographs, packed, on {options.device}, seed {options.seed}",
        fontsize=10,
    )
    with open_device(options.device, seed=options.seed) as device:
        device.calibrate()
        by_kind(device, options.seed, console, left)
    by_frames(options.device, options.seed, console, right)
    options.out.mkdir(parents=True, exist_ok=True)
    save_figure(figure, options.out / "precision.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
