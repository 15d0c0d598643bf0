"""The figures of ``benchmarks/degradation.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from opticonv.count_charts import COLOURS, new_figure, save_figure

__all__ = ["Line", "Point", "draw"]

PALETTE = (COLOURS["red"], COLOURS["blue"], COLOURS["green"], COLOURS["purple"])
MARKERS = ("o", "s", "D", "^")


@dataclass(frozen=True)
class Point:
    """A value of the axis, the mean difference there and its interval [dB]."""

    value: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A named line of points."""

    name: str
    points: tuple[Point, ...]


def draw(
    path: Path, lines: Sequence[Line], label: str, lab: float | None, about: str, *, log: bool
) -> None:
    """One figure: PSNR optical − electronic against `label`, with `lab`'s own value marked."""
    figure = new_figure(6.0, 3.6)
    axes = figure.add_subplot()
    axes.axhline(0.0, color="black", linewidth=0.8)
    for line, colour, marker in zip(lines, PALETTE, MARKERS, strict=False):
        mean = np.array([point.mean for point in line.points])
        bars = np.array([[p.mean - p.low, p.high - p.mean] for p in line.points]).T
        axes.errorbar(
            [point.value for point in line.points],
            mean,
            np.maximum(bars, 0.0),
            color=colour,
            marker=marker,
            markersize=5,
            capsize=3,
            linewidth=1.4,
            label=line.name,
        )
    if lab is not None:
        axes.axvline(lab, color=COLOURS["grey"], linestyle=":", linewidth=1.2)
        axes.annotate(
            "lab",
            (lab, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            color="#555555",
        )
    if log:
        axes.set_xscale("log")
    # Hundredths of a decibel and whole decibels in one figure: linear near 0, logarithmic beyond.
    axes.set_yscale("symlog", linthresh=0.1, linscale=1.0)
    ticks = (-10.0, -5.0, -2.0, -1.0, -0.5, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.minorticks_off()
    lows = [point.low for line in lines for point in line.points]
    highs = [point.high for line in lines for point in line.points]
    axes.set_ylim(1.3 * min([*lows, -0.05]), max([*highs, 0.03]) * 1.3)
    axes.set_xlabel(label)
    axes.set_ylabel("PSNR, optical − electronic [dB]")
    axes.set_title(f"{about}; bars: 95 % intervals over both", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8, loc="best")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_figure(figure, path)
