"""The figures of ``benchmarks/degradation.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.transforms import offset_copy

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
    figure = new_figure(6.0, 4.0)
    axes = figure.add_subplot()
    axes.axhline(0.0, color="black", linewidth=0.8)
    styles = zip(lines, PALETTE, MARKERS, strict=False)
    for number, (line, colour, marker) in enumerate(styles):
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
            # Beside one another where they are of one value.
            transform=offset_copy(axes.transData, figure, x=4.0 * number, units="points"),
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
    # Said, since what is drawn at an offset is left out of matplotlib's own limits.
    values = [point.value for line in lines for point in line.points]
    margin = (max(values) / min(values)) ** 0.08 if log else 0.08 * (max(values) - min(values))
    if log:
        axes.set_xscale("log")
        axes.set_xlim(min(values) / margin, max(values) * margin)
    else:
        axes.set_xlim(min(values) - margin, max(values) + margin)
    # Hundredths of a decibel and whole decibels in one figure: linear near 0, logarithmic beyond.
    axes.set_yscale("symlog", linthresh=0.1, linscale=1.0)
    ticks = (-10.0, -5.0, -2.0, -1.0, -0.5, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.minorticks_off()
    lows = [point.low for line in lines for point in line.points]
    highs = [point.high for line in lines for point in line.points]
    axes.set_ylim(1.3 * min([*lows, -0.05]), min(max([*highs, 0.03]) * 1.3, 0.15))
    axes.set_xlabel(label)
    axes.set_ylabel("PSNR, optical − electronic [dB]")
    axes.set_title(f"{about}; bars: 95 % intervals over pictures and specimens", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_figure(figure, path)
