"""What the pictures of a device have in common: planes with axes in pixels, and colour bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

__all__ = ["colour_map", "decibels", "draw_plane", "grid_figure", "percent", "save_picture"]

DPI = 110
DARKEST_DB = -200.0
NOTHING = "#d0d0d0"
"""Colour of pixels that a logarithmic scale cannot show."""


def grid_figure(
    title: str, shape: tuple[int, int], panel: tuple[float, float]
) -> tuple[Figure, Any]:
    """A figure with a title and (rows, columns) axes of (width, height) inches each.

    Axes come as an array of `shape`.
    """
    rows, columns = shape
    lines = title.count("\n") + 1
    size = (columns * panel[0] + 0.6, rows * panel[1] + 0.3 + 0.25 * lines)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    return figure, figure.subplots(rows, columns, squeeze=False)


def colour_map(name: str) -> Colormap:
    """A colour map that shows what is not a number in grey."""
    return colormaps[name].with_extremes(bad=NOTHING)


def draw_plane(
    axes: Axes,
    plane: NDArray[Any],
    title: str,
    cmap: str,
    norm: Normalize,
    *,
    corner: tuple[int, int] = (0, 0),
    labels: tuple[str, str] = ("", ""),
) -> AxesImage:
    """A plane of pixels, row 0 at the top.

    `corner` is the (row, column) number of its first pixel; `labels` name the vertical and the
    horizontal axis.
    """
    (rows, columns), (top, left) = plane.shape, corner
    extent = (left - 0.5, left + columns - 0.5, top + rows - 0.5, top - 0.5)
    image = axes.imshow(
        plane, cmap=colour_map(cmap), norm=norm, extent=extent, interpolation="nearest"
    )
    axes.set_title(title, fontsize=9)
    axes.set_xticks(_ticks(left, columns))
    axes.set_yticks(_ticks(top, rows))
    axes.tick_params(labelsize=7)
    axes.set_ylabel(labels[0], fontsize=8)
    axes.set_xlabel(labels[1], fontsize=8)
    return image


def _ticks(first: int, number: int) -> Sequence[int]:
    return [first, first + number // 2, first + number - 1]


def decibels(power: NDArray[Any], peak: float) -> NDArray[np.float64]:
    """10 log10(power / peak), `DARKEST_DB` where there is next to no power."""
    return np.asarray(10.0 * np.log10(np.maximum(power / peak, 10.0 ** (DARKEST_DB / 10.0))))


def percent(fraction: float) -> str:
    """A fraction in per cent to two digits, or as a bound."""
    if fraction < 5e-5:
        return "< 0.01 %"
    return f"{100 * fraction:.2f} %" if fraction < 0.1 else f"{100 * fraction:.0f} %"


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    # The layout settles in two passes: colour bars take width, and square panels then lose height.
    figure.draw_without_rendering()
    figure.savefig(path, format="png", metadata={"Software": "opticonv"})
