"""Plots of a routine on paper: one PNG of all of them, side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from driver.calibration.calibration import RealArray
from driver.calibration.report import Histogram, Panel, Picture, Plot, number

__all__ = ["png_of"]

_WIDTH, _HEIGHT, _DPI = 4.6, 3.5, 100
_BINS = 48
_COLOURS = ("#1f5fa8", "#c8553d", "#2e8b57", "#8a5fa8")


def png_of(plots: Sequence[Plot], columns: int = 3) -> bytes:
    """One picture of all plots, as a PNG file's bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = max(len(plots), 1)
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(_WIDTH * columns, _HEIGHT * rows), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    for index, plot in enumerate(plots):
        axes = figure.add_subplot(rows, columns, index + 1)
        axes.set_title(plot.title, fontsize=10)
        axes.tick_params(labelsize=8)
        if isinstance(plot, Panel):
            _draw_panel(axes, plot)
        elif isinstance(plot, Picture):
            _draw_picture(figure, axes, plot)
        else:
            _draw_histogram(axes, plot)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _draw_panel(axes: Any, panel: Panel) -> None:
    for line, colour in zip(panel.lines, _COLOURS * len(panel.lines), strict=False):
        if not line.points:
            axes.plot(line.x, line.y, color=colour, label=line.label, linewidth=1.2)
        elif line.sigma is None:
            axes.plot(line.x, line.y, ".", color=colour, label=line.label, markersize=4)
        else:
            axes.errorbar(
                line.x, line.y, line.sigma, fmt="o", color=colour, label=line.label,
                markersize=3, linewidth=1, capsize=2,
            )  # fmt: skip
    if panel.log:
        axes.set_yscale("log")
    axes.set_xlabel(panel.x_label, fontsize=9)
    axes.set_ylabel(panel.y_label, fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _draw_picture(figure: Any, axes: Any, picture: Picture) -> None:
    values = np.asarray(picture.values, np.float64)
    low, high = _span(picture, values)
    image = axes.imshow(
        values, vmin=low, vmax=high, cmap="twilight" if picture.cyclic else "viridis",
        interpolation="nearest",
    )  # fmt: skip
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label(picture.unit, fontsize=9)
    bar.ax.tick_params(labelsize=8)
    axes.set_xlabel("column", fontsize=9)
    axes.set_ylabel("row", fontsize=9)


def _span(picture: Picture, values: RealArray) -> tuple[float, float]:
    """Values at the ends of the colours."""
    if picture.span is not None:
        return picture.span
    if picture.cyclic:
        return -np.pi, np.pi
    low, high = np.nanpercentile(values, [0.5, 99.5])
    return (low, high) if low < high else (float(np.nanmin(values)), float(np.nanmax(values)))


def _draw_histogram(axes: Any, histogram: Histogram) -> None:
    pooled = np.concatenate([np.ravel(values) for _, values in histogram.samples])
    low, high = np.percentile(pooled, [0.1, 99.9])
    if low == high:
        low, high = low - 0.5, high + 0.5
    for (label, values), colour in zip(
        histogram.samples, _COLOURS * len(histogram.samples), strict=False
    ):
        spread = _mean_and_scatter(values)
        axes.hist(
            np.clip(np.ravel(values), low, high), np.linspace(low, high, _BINS),
            histtype="step", color=colour, label=f"{label}: {spread}", linewidth=1.2,
        )  # fmt: skip
    axes.set_xlabel(histogram.x_label, fontsize=9)
    axes.set_ylabel("pixels", fontsize=9)
    axes.legend(fontsize=8)


def _mean_and_scatter(values: RealArray) -> str:
    """Mean ± standard deviation, the mean to a hundredth of that or to four digits."""
    mean, scatter = float(np.mean(values)), float(np.std(values))
    if scatter > 0:
        places = 2 - int(np.floor(np.log10(scatter)))
        mean = round(mean, places) + 0.0
    return f"{number(mean)} ± {number(float(f'{scatter:.2g}'))}"
