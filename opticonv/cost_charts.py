"""Charts of time and energy, and of how cost grows with the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opticonv.costing import HOROWITZ_J_PER_MAC, Assumptions, NetworkCost
from opticonv.count_charts import COLOURS, new_figure, tidy

if TYPE_CHECKING:
    from opticonv.counting import NetworkCount
    from opticonv.host import HostLatency
    from opticonv.scaling import Growth

__all__ = ["draw_costs", "draw_growth"]

DEVICE_COLOURS = (COLOURS["orange"], COLOURS["red"], COLOURS["green"], COLOURS["purple"])


def draw_costs(
    counts: dict[str, NetworkCount],
    hosts: dict[str, HostLatency],
    costs: Sequence[NetworkCost],
    host_watts: float,
    assumed: Assumptions,
) -> Figure:
    """Time above, energy below, by network; the host measured, devices by their data sheets."""
    figure = new_figure(2.4 + 1.05 * len(hosts), 6.8)
    upper, lower = figure.subplots(2, 1, sharex=True)
    devices = list(dict.fromkeys(cost.device for cost in costs))
    names = list(hosts)
    times = {"this host, measured": [hosts[name].convolutions_s for name in names]}
    joules = {
        "this host, measured": [host_watts * hosts[name].convolutions_s for name in names],
    }
    for device in devices:
        of_device = [cost for cost in costs if cost.device == device]
        times[f"{device}, light"] = [cost.light_s for cost in of_device]
        joules[f"{device}, light"] = [cost.energy_j for cost in of_device]
    colours = (COLOURS["blue"], *DEVICE_COLOURS)
    _grouped(upper, times, colours)
    _grouped(lower, joules, colours)
    places = np.arange(len(names))
    for place, name in zip(places, names, strict=True):
        electronics = [cost.electronics_s for cost in costs if cost.network == name]
        upper.hlines(max(electronics), place - 0.42, place + 0.42, color="black", linewidth=1)
        floor = counts[name].gemm * HOROWITZ_J_PER_MAC
        lower.hlines(floor, place - 0.42, place + 0.42, color="black", linewidth=1)
    upper.plot([], [], color="black", linewidth=1, label="encoding, decoding, products, at most")
    lower.plot([], [], color="black", linewidth=1, label="GEMM arithmetic alone, 45 nm")
    upper.set_ylabel("time per picture [s]", fontsize=8)
    lower.set_ylabel("energy per picture [J]", fontsize=8)
    lower.set_xticks(places, names, fontsize=8)
    for axes in (upper, lower):
        axes.legend(fontsize=7, frameon=False, ncols=3, loc="upper left")
        axes.margins(y=0.3)
    figure.suptitle(
        f"Convolutions of one picture: timing and power model, precision {assumed.precision!r}; "
        f"host at {assumed.host_w:g} W",
        fontsize=10,
    )
    return figure


def _grouped(axes: Axes, groups: dict[str, list[float]], colours: Sequence[str]) -> None:
    width = 0.84 / len(groups)
    for index, ((label, values), colour) in enumerate(zip(groups.items(), colours, strict=False)):
        places = np.arange(len(values)) + (index - (len(groups) - 1) / 2) * width
        axes.bar(places, values, 0.92 * width, color=colour, label=label)
    axes.set_yscale("log")
    tidy(axes)


def draw_growth(growths: Sequence[Growth]) -> Figure:
    """One column a row of layers, MACs above and seconds below, against pixels."""
    figure = new_figure(5.2 * len(growths), 7.6)
    grid = figure.subplots(2, len(growths), sharex=True, squeeze=False)
    for column, growth in enumerate(growths):
        for axes, curves in ((grid[0, column], growth.macs), (grid[1, column], growth.seconds)):
            for style, (label, values) in zip(_STYLES, curves.items(), strict=False):
                points = [(n, v) for n, v in zip(growth.pixels, values, strict=True) if v]
                x, y = np.array(points, float).T
                slope = np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0]
                axes.plot(
                    x, y, label=f"{label}: n^{slope:.2f}", linewidth=1.4, markersize=4, **style
                )
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            tidy(axes)
            axes.legend(fontsize=7, frameon=False, loc="upper left")
            axes.margins(y=0.25)
        grid[0, column].set_title(growth.title, fontsize=9, loc="left")
        grid[1, column].set_xticks(
            growth.pixels, [f"{round(n**0.5)}²" for n in growth.pixels], fontsize=8
        )
        grid[1, column].set_xlabel("picture, n pixels", fontsize=8)
    grid[0, 0].set_ylabel("MACs left to electronics (counted)", fontsize=8)
    grid[1, 0].set_ylabel("seconds (host measured, light by its data sheet)", fontsize=8)
    figure.suptitle(growths[0].heading, fontsize=10)
    return figure


_STYLES: tuple[dict[str, str], ...] = (
    {"color": COLOURS["black"], "marker": "s"},
    {"color": COLOURS["blue"], "marker": "^"},
    {"color": COLOURS["orange"], "marker": "o"},
    {"color": COLOURS["red"], "marker": "D"},
)
