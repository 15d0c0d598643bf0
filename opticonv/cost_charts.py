"""Charts of time and energy, of where light pays, and of how cost grows with the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opticonv.costing import HOROWITZ_J_PER_MAC, Assumptions, LayerCost, NetworkCost
from opticonv.count_charts import COLOURS, new_figure, tidy
from opticonv.networks import title_of

if TYPE_CHECKING:
    from driver import DeviceInfo
    from opticonv.counting import NetworkCount
    from opticonv.host import HostLatency
    from opticonv.scaling import Growth

__all__ = ["draw_break_even", "draw_costs", "draw_growth"]

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
    lower.plot(
        places, assumed.host_w * host_s, label=f"this host at {assumed.host_w:g} W", **square
    )
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
        electronics = f"{device}: electronics"
        upper.plot(x, [cost.electronics_s for cost in mine], label=electronics, **hollow)
        lower.plot(x, [cost.light_j for cost in mine], label=f"{device}: light", **light)
        lower.plot(x, [cost.electronics_j for cost in mine], label=electronics, **hollow)
    upper.set_ylabel("time per picture [s]", fontsize=8)
    lower.set_ylabel("energy per picture [J]", fontsize=8)
    lower.set_xticks(places + 0.2, [title_of(name) for name in names], fontsize=8)
    figure.align_ylabels()
    for axes in (upper, lower):
        axes.set_yscale("log")
        tidy(axes)
        axes.tick_params(axis="x", length=0)
        for edge in places[1:] - 0.3:
            axes.axvline(edge, color="#e0e0e0", linewidth=0.6)
        axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.suptitle(
        f"Convolutions of one picture, precision {assumed.precision!r}: devices by timing and "
        f"power model, the host measured on {_threads(assumed.threads)}",
        fontsize=10,
    )
    return figure


def draw_break_even(
    rows: Mapping[str, Sequence[LayerCost]],
    infos: Mapping[str, DeviceInfo],
    of: Mapping[str, Callable[[LayerCost], int]],
    assumed: Assumptions,
) -> Figure:
    """One column a row of ever larger layers: time above, energy below, one layer at a time.

    Where a device's curve passes below the host's better one, light pays.
    """
    figure = new_figure(1.8 + 3.4 * len(rows), 6.6)
    grid = figure.subplots(2, len(rows), sharex="col", sharey="row", squeeze=False)
    host_w = assumed.host_w
    for column, (title, costs) in enumerate(rows.items()):
        upper, lower = grid[:, column]
        x = [of[title](cost) for cost in costs]
        for style, label, seconds in (
            (_STYLES[0], "this host, direct", [cost.direct_s for cost in costs]),
            (_STYLES[1], "this host, FFT", [cost.fourier_s for cost in costs]),
        ):
            upper.plot(x, seconds, label=label, **_LINE, **style)
            lower.plot(x, [host_w * s for s in seconds], label=label, **_LINE, **style)
        for (name, info), colour in zip(infos.items(), DEVICE_COLOURS, strict=False):
            light = {"color": colour, "marker": "o", "label": f"{name}: light"}
            seconds = [cost.plans[name].device_time_s(info.timing) for cost in costs]
            energies = [cost.plans[name].energy_j(info.timing, info.power_w) for cost in costs]
            upper.plot(x, seconds, **_LINE, **light)
            lower.plot(x, energies, **_LINE, **light)
        what, _, layer = title.partition(", ")
        upper.set_title(layer, fontsize=9, loc="left")
        lower.set_xlabel(f"{what} [pixels a side]", fontsize=8)
        for axes in (upper, lower):
            _log_axes(axes, x)
    grid[0, 0].set_ylabel("time per layer and picture [s]", fontsize=8)
    grid[1, 0].set_ylabel("energy per layer and picture [J]", fontsize=8)
    figure.align_ylabels()
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False
    )
    figure.suptitle(
        f"Where light pays, precision {assumed.precision!r}: light by timing and power model, "
        f"the host measured on {_threads(assumed.threads)}, at {host_w:g} W",
        fontsize=10,
    )
    return figure


def _threads(number: int) -> str:
    return "1 thread" if number == 1 else f"{number} threads"


def _log_axes(axes: Axes, ticks: Sequence[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    tidy(axes)


def draw_growth(growths: Sequence[Growth]) -> Figure:
    """One column a row of layers, MACs above and seconds below, against pixels.

    The exponents in the legends are those of the last three sizes.
    """
    figure = new_figure(5.2 * len(growths), 7.6)
    grid = figure.subplots(2, len(growths), sharex=True, squeeze=False)
    for column, growth in enumerate(growths):
        for axes, curves in ((grid[0, column], growth.macs), (grid[1, column], growth.seconds)):
            for style, (label, values) in zip(_STYLES, curves.items(), strict=False):
                points = [(n, v) for n, v in zip(growth.pixels, values, strict=True) if v]
                x, y = np.array(points, float).T
                slope = np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0]
                axes.plot(x, y, label=f"{label}: $n^{{{slope:.2f}}}$", **_LINE, **style)
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
    grid[1, 0].set_ylabel("time [s]: host measured, light by its timing model", fontsize=8)
    figure.align_ylabels()
    figure.suptitle(growths[0].heading, fontsize=10)
    return figure


_LINE: dict[str, Any] = {"linewidth": 1.4, "markersize": 4}

_STYLES: tuple[dict[str, str], ...] = (
    {"color": COLOURS["black"], "marker": "s"},
    {"color": COLOURS["blue"], "marker": "^"},
    {"color": COLOURS["orange"], "marker": "o"},
    {"color": COLOURS["red"], "marker": "D"},
    {"color": COLOURS["red"], "marker": "x", "linestyle": "--"},
)
