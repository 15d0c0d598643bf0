"""Charts of time and energy, and of how cost grows with the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
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
    assumed: Assumptions,
) -> Figure:
    """Time above, energy below, by network; the host measured, devices by their data sheets."""
    figure = new_figure(2.4 + 1.0 * len(hosts), 7.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    names = list(hosts)
    places = np.arange(len(names))
    host_s = np.array([hosts[name].convolutions_s for name in names])
    arithmetic_j = [counts[name].gemm * HOROWITZ_J_PER_MAC for name in names]
    square: dict[str, Any] = {"linestyle": "", "marker": "s", "color": COLOURS["black"]}
    upper.plot(places, host_s, label="this host, measured", **square)
    lower.plot(places, assumed.host_w * host_s, label="this host, measured time", **square)
    lower.plot(
        places, arithmetic_j, label="GEMM arithmetic alone, 45 nm", linestyle="", marker="_",
        markersize=16, color=COLOURS["black"],
    )  # fmt: skip
    devices = list(dict.fromkeys(cost.device for cost in costs))
    for index, (device, colour) in enumerate(zip(devices, DEVICE_COLOURS, strict=False)):
        mine = [cost for cost in costs if cost.device == device]
        x = places + 0.13 * (index + 1)
        light: dict[str, Any] = {"linestyle": "", "marker": "o", "color": colour}
        hollow = {**light, "markerfacecolor": "none"}
        upper.plot(x, [cost.light_s for cost in mine], label=f"{device}: light", **light)
        upper.plot(x, [cost.electronics_s for cost in mine], label="its electronics", **hollow)
        lower.plot(x, [cost.light_j for cost in mine], label=f"{device}: light", **light)
        lower.plot(x, [cost.electronics_j for cost in mine], label="its electronics", **hollow)
    upper.set_ylabel("time per picture [s]", fontsize=8)
    lower.set_ylabel("energy per picture [J]", fontsize=8)
    lower.set_xticks(places + 0.2, names, fontsize=8)
    for axes in (upper, lower):
        axes.set_yscale("log")
        tidy(axes)
        axes.tick_params(axis="x", length=0)
        for edge in places[1:] - 0.3:
            axes.axvline(edge, color="#e0e0e0", linewidth=0.6)
        axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.suptitle(
        f"Convolutions of one picture, {assumed.precision!r}: devices by timing and power model, "
        f"host measured (at {assumed.host_w:g} W)",
        fontsize=10,
    )
    return figure


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
                    x,
                    y,
                    label=f"{label}: $n^{{{slope:.2f}}}$",
                    linewidth=1.4,
                    markersize=4,
                    **style,
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
    {"color": COLOURS["red"], "marker": "x", "linestyle": "--"},
)
