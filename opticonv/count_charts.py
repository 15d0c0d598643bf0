"""Charts of counts, drawn as for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from driver.spectral_macs import CONVENTIONS
from opticonv.console import count
from opticonv.files import whole_file
from opticonv.networks import title_of

if TYPE_CHECKING:
    from opticonv.counting import NetworkCount

__all__ = ["COLOURS", "draw_reductions", "new_figure", "save_figure", "tidy"]

COLOURS = {
    "black": "#000000",
    "orange": "#e69f00",
    "sky": "#56b4e9",
    "green": "#009e73",
    "blue": "#0072b2",
    "red": "#d55e00",
    "purple": "#cc79a7",
    "grey": "#8c8c8c",
}
"""Distinct to all eyes (Okabe and Ito 2008)."""

DPI = 160

SUFFIXES = (".png", ".pdf", ".svg")


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size [inches]."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure whole or not at all; the suffix names the format."""
    with whole_file(path) as part:
        figure.savefig(part)


def tidy(axes: Axes) -> None:
    """No frame where there is no axis, and a faint grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e0e0e0", linewidth=0.6)
    axes.tick_params(labelsize=8)


def draw_reductions(forward: Sequence[NetworkCount], training: Sequence[NetworkCount]) -> Figure:
    """How many times fewer MACs than a matrix product takes.

    Forward above, training in the middle, and below what the spectral count is in every convention.
    """
    figure = new_figure(2.4 + 1.15 * len(forward), 8.8)
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2))
    grid, batch, convention = forward[0].grid, forward[0].batch, forward[0].convention
    kinds = {
        "spectral, whole pictures": ("spectral", COLOURS["sky"]),
        "best of both per layer": ("best", COLOURS["blue"]),
        f"spectral on {grid}×{grid} tiles": ("tiled", COLOURS["orange"]),
        "best of both, tiled": ("best_tiled", COLOURS["red"]),
        "tiled, all electronics": ("electronic", "#c8c8c8"),
        "best of both, all electronics": ("best_electronic", "#6e6e6e"),
    }
    _bars(upper, forward, kinds)
    _bars(middle, training, kinds)
    _conventions(lower, forward)
    upper.set_title(f"forward pass, convention {convention.name!r}", fontsize=9, loc="left")
    middle.set_title(
        f"training step: forward, weights' and inputs' gradients, convention {convention.name!r}",
        fontsize=9,
        loc="left",
    )
    lower.set_title(
        "spectral, whole pictures, forward, by convention: MACs of a complex product, half planes "
        "(filled) or full ones (hollow)",
        fontsize=9,
        loc="left",
    )
    lower.set_xticks(
        range(len(training)),
        [
            f"{title_of(f.name)}\n{count(f.gemm)} forward\n{count(t.gemm)} training"
            for f, t in zip(forward, training, strict=True)
        ],
        fontsize=8,
    )
    lower.set_xlabel("network, GEMM MACs per picture", fontsize=8)
    figure.suptitle(
        f"Convolutions, batch {batch}: how many times fewer MACs than a matrix product (GEMM)",
        fontsize=11,
    )
    figure.align_ylabels()
    for axes in (upper, lower):
        axes.legend(
            fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0
        )
    return figure


def _bars(axes: Axes, counts: Sequence[NetworkCount], kinds: dict[str, tuple[str, str]]) -> None:
    width = 0.88 / len(kinds)
    for index, (label, (name, colour)) in enumerate(kinds.items()):
        ratios = [each.gemm / getattr(each, name) for each in counts]
        places = np.arange(len(counts)) + (index - (len(kinds) - 1) / 2) * width
        # Bars grow from 1, where nothing is gained: downwards is a loss.
        heights = np.array(ratios) - 1
        axes.bar(places, heights, 0.92 * width, bottom=1, color=colour, label=label)
        for place, ratio in zip(places, ratios, strict=True):
            axes.annotate(
                f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}".lstrip("0"),
                (place, ratio),
                xytext=(0, 1.5 if ratio >= 1 else -1.5),
                textcoords="offset points",
                ha="center",
                va="bottom" if ratio >= 1 else "top",
                fontsize=6,
            )
    _ratio_axis(axes)
    axes.margins(x=0.01, y=0.12)


_CONVENTION_COLOURS = {4: COLOURS["sky"], 3: COLOURS["green"], 1: COLOURS["purple"]}


def _conventions(axes: Axes, counts: Sequence[NetworkCount]) -> None:
    """One marker a convention and network."""
    for index, (name, convention) in enumerate(CONVENTIONS.items()):
        colour = _CONVENTION_COLOURS[convention.macs_per_product]
        axes.plot(
            np.arange(len(counts)) + 0.1 * (index - (len(CONVENTIONS) - 1) / 2),
            [each.gemm / each.spectral_by(convention) for each in counts],
            label=name,
            linestyle="",
            marker="o",
            color=colour,
            markerfacecolor=colour if convention.symmetry else "none",
        )
    _ratio_axis(axes)
    axes.margins(y=0.12)


def _ratio_axis(axes: Axes) -> None:
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.axhline(1, color="black", linewidth=0.8)
    tidy(axes)
    axes.set_ylabel("GEMM MACs / MACs", fontsize=8)
