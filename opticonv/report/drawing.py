"""Charts as inline SVG whose colours are the page's, in its light and its dark scheme."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from opticonv.report.charts import Chart, Series

__all__ = ["svg_of"]

INK, MUTED, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = tuple(f"#0505{number:02x}" for number in range(1, 7))
"""Colours that stand for the page's: `STYLE` has what replaces them."""

STYLE = {INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--paper"} | {
    colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)
}

MARKERS = "osD^vP"
DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)),
)  # fmt: skip

WIDTH, TEXT, SMALL = 3.7, 8.0, 7.0
"""Of a chart [inch] and its text [points]: 360 pixels wide, 11 pixels of text on a phone."""

PREFIXES = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"


def svg_of(chart: Chart, name: str) -> Markup:
    """The chart as an ``<svg>`` element; its ids begin with `name`, which no other chart has."""
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}
    with matplotlib.rc_context(settings):
        figure = _lines(chart) if chart.kind == "lines" else _rows(chart)
        file = io.BytesIO()
        blank = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=blank)
    return Markup(_page_form(file.getvalue().decode(), name))


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(labelsize=TEXT, color=MUTED, labelcolor=INK, length=3)
    axes.set_axisbelow(True)
    return figure, axes


def _legend(figure: Figure, axes: Axes, number: int) -> None:
    if number < 2:
        return
    handles, labels = axes.get_legend_handles_labels()
    longest = max(map(len, labels))
    columns = min(number, max(1, 52 // (longest + 6)))
    figure.legend(
        handles, labels, loc="outside upper left", ncols=columns, fontsize=TEXT, frameon=False,
        labelcolor=INK, handlelength=2.4, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip


def _lines(chart: Chart) -> Figure:
    figure, axes = _figure(2.9)
    for number, series in enumerate(chart.series):
        points = [(x, y) for x, y in zip(series.x, series.y, strict=True) if y is not None]
        x, y = np.array(points, np.float64).reshape(-1, 2).T
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        if series.low and series.high:
            axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.18, lw=0)
        axes.plot(
            x, y, color=colour, marker=marker, markersize=4.5, linewidth=1.6, label=series.label,
            linestyle=DASHES[number % len(DASHES)], markeredgecolor=colour,
        )  # fmt: skip
    if chart.log_x:
        axes.set_xscale("log")
        _plain_ticks(axes, "x", "", [x for series in chart.series for x in series.x])
    if chart.log_y:
        axes.set_yscale("log")
        _plain_ticks(axes, "y", "", [y for series in chart.series for y in series.y if y])
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_xlabel(chart.axis, fontsize=TEXT, color=INK)
    axes.set_ylabel(chart.value, fontsize=TEXT, color=INK)
    _legend(figure, axes, len(chart.series))
    return figure


def _rows(chart: Chart) -> Figure:
    """Bars or dots: categories from the top, values to the right."""
    number, kinds = len(chart.categories), len(chart.series)
    bars = chart.kind == "bars"
    figure, axes = _figure(0.95 + number * (0.1 + 0.17 * kinds if bars else 0.34))
    places = np.arange(number, dtype=float)
    for index, series in enumerate(chart.series):
        values = np.array([np.nan if y is None else y for y in series.y])
        colour = SERIES[index % len(SERIES)]
        if bars:
            height = 0.82 / kinds
            at = places + (index - (kinds - 1) / 2) * height
            axes.barh(
                at, values - chart.base, 0.88 * height, left=chart.base, color=colour,
                label=series.label,
            )  # fmt: skip
            _annotate(axes, at, series, chart.base)
        else:
            axes.plot(
                values, places, linestyle="", marker=MARKERS[index % len(MARKERS)], color=colour,
                markersize=6.5, label=series.label, markeredgecolor=PAPER, markeredgewidth=0.6,
            )  # fmt: skip
    if chart.log_y:
        axes.set_xscale("log")
        found = [y for series in chart.series for y in series.y if y]
        _plain_ticks(axes, "x", chart.unit, [*found, chart.base] if chart.base else found)
    if bars:
        axes.axvline(chart.base, color=MUTED, linewidth=1)
        axes.margins(x=0.14)
    else:
        axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.grid(axis="x", color=RULE, linewidth=0.7)
    axes.set_yticks(places, chart.categories)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(number - 0.5, -0.5)
    axes.set_xlabel(chart.value, fontsize=TEXT, color=INK)
    _legend(figure, axes, kinds)
    return figure


def _annotate(axes: Axes, at: np.ndarray, series: Series, base: float) -> None:
    for place, value in zip(at, series.y, strict=True):
        if value is None:
            continue
        ahead = value >= base
        axes.annotate(
            f"{value:#.2g}" if 0.01 <= value < 10 else f"{value:.3g}",
            (value, place), xytext=(2.5 if ahead else -2.5, 0), textcoords="offset points",
            ha="left" if ahead else "right", va="center_baseline", fontsize=SMALL, color=INK,
        )  # fmt: skip


def _plain_ticks(axes: Axes, which: str, unit: str, values: Sequence[float]) -> None:
    """Ticks at 1, 2, 5 or at powers of ten, written out or with a unit's prefix."""
    positive = [value for value in values if value > 0]
    low, high = np.log10(min(positive)), np.log10(max(positive))
    steps = (1, 2, 5) if high - low < 2 else (1,)
    every = 1 if high - low < 5 else 3
    exponents = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    ticks = [m * 10.0**e for e in exponents if e % every == 0 for m in steps]
    axis = axes.xaxis if which == "x" else axes.yaxis
    inside = [tick for tick in ticks if 0.8 * min(positive) <= tick <= 1.25 * max(positive)]
    axis.set_major_locator(FixedLocator(inside))
    axis.set_major_formatter(lambda value, _: _written(value, unit))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(FixedLocator([]))


def _written(value: float, unit: str) -> str:
    if not unit or unit == "×":
        return f"{value:g}{unit}"
    power = 3 * int(np.floor(np.log10(value) / 3 + 1e-9))
    power = min(max(power, -9), 0 if unit == "s" else 12)
    return f"{value / 10.0**power:g} {PREFIXES[power]}{unit}"


def _page_form(text: str, name: str) -> str:
    """An SVG file's content as an element of an HTML page.

    Its style sheet would hold for the whole page and goes; so do ids that nothing refers to, and
    the others get `name` before them.
    """
    root = ElementTree.fromstring(text[text.index("<svg") :])
    for parent in root.iter():
        for child in [c for c in parent if c.tag in (f"{_SVG}style", f"{_SVG}metadata")]:
            parent.remove(child)
    wanted = set(re.findall(r"(?:url\(|href=\")#([^\")]+)", text))
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if element.get("id") in wanted:
            element.set("id", f"{name}-{element.get('id')}")
        else:
            element.attrib.pop("id", None)
        if (target := element.attrib.pop(_HREF, None)) is not None:
            element.set("href", f"#{name}-{target[1:]}")
        if (clip := element.get("clip-path")) is not None:
            element.set("clip-path", clip.replace("#", f"#{name}-"))
        if (path := element.get("d")) is not None:
            element.set("d", " ".join(path.split()))
        if (style := element.get("style")) is not None:
            element.set("style", _in_page_colours(style))
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return ElementTree.tostring(root, encoding="unicode")


def _in_page_colours(style: str) -> str:
    style = re.sub(r"font: ([0-9.]+px)[^;]*", r"font-size: \1", style)
    style = re.sub(r"font-family: [^;]*;?", "", style)
    return re.sub(r"#0[0-9a-f]{5}", lambda found: f"var({STYLE.get(found[0], '--ink')})", style)
