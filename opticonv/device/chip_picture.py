"""A picture of a chip's own temperature: rise by its power, drift across it, and what they turn."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optical_device import thermal
from optical_device.fabrication import Fabrication
from optical_device.stages import chip_temperature_k, heater_powers, surroundings
from opticonv.device.drawing import draw_plane, grid_figure
from opticonv.device.drift_picture import HOUR_S
from opticonv.device.specimen import Program

__all__ = ["chip_planes", "draw_chip_temperature", "quarter_load"]

Floats = NDArray[np.float64]


def quarter_load(n: int) -> Floats:
    """Relative voltages (2, 2, N, N): a quarter of the chip at full power, the rest off."""
    drive = np.zeros((2, 2, n, n))
    drive[..., : (n + 1) // 2, : (n + 1) // 2] = 1.0
    return drive


def chip_planes(fabrication: Fabrication, power_mw: Floats) -> list[tuple[str, Floats, Floats]]:
    """Name, power per pixel [mW] and rise above the carrier [K] of each chip, (N, N) each."""
    chips = 2 if fabrication.profile.device.layout == "4f" else 1
    powers = np.asarray(thermal.chip_powers(power_mw, chips))
    rises = np.asarray(thermal.substrate_rise(powers, fabrication.substrate_k_per_mw))
    names = ("chip a", "chip b") if chips == 2 else ("chip",)
    return list(zip(names, powers, rises, strict=True))


def draw_chip_temperature(fabrication: Fabrication, program: Program, basis: str) -> Figure:
    """Power, rise of the substrate, drift across the chip and the phase that all of it makes."""
    n = fabrication.profile.device.n
    loads = [(f"photograph, {basis}", program.drive()[1])]
    loads.append(("one quarter at full power", quarter_load(n)))
    rows = [
        (f"{load}, {name}", power, rise, _mean_k(fabrication, drive))
        for load, drive in loads
        for name, power, rise in chip_planes(
            fabrication, np.asarray(heater_powers(fabrication, drive))
        )
    ]
    heat = fabrication.profile.thermal
    limit = "none" if math.isinf(heat.interlock_k) else f"{heat.interlock_k:g} K"
    figure, axes = grid_figure(
        f"Temperature of the chip above its carrier ({heat.ambient_k:g} K), {fabrication.serial}\n"
        f"{fabrication.profile.substrate_k_per_w:g} K/W nominally, heat reaches "
        f"{heat.substrate_length_grids:g} of the chip's side; interlock at {limit} "
        "(mean of the hotter chip)",
        (len(rows), 4),
        (3.5, 3.1),
    )
    drift_k = _drift_across(fabrication)
    for index, (row, (name, power, rise, mean_k)) in enumerate(zip(axes, rows, strict=True)):
        turned = fabrication.ambient_rad_per_k * (rise + 1e-3 * drift_k)
        over = "\nTRIPS the interlock" if mean_k > heat.interlock_k else ""
        planes = [
            (power, f"{name}\n{1e-3 * power.sum():.3g} W", "power per pixel [mW]", "inferno"),
            (rise, f"rise, mean {rise.mean():.3g} K, chip at {mean_k:.2f} K{over}", "rise [K]",
             "magma"),
            (turned, f"phase of θ by rise and drift,\n{turned.min():.3g} to {turned.max():.3g} rad",
             "phase [rad]", "viridis"),
            (drift_k, "ambient and gradient drift\nafter one hour", "change [mK]", "RdBu_r"),
        ]  # fmt: skip
        for axis, (plane, title, label, cmap) in zip(row, planes, strict=True):
            if index and plane is drift_k:  # the same for all
                axis.set_axis_off()
                continue
            norm = _norm(plane, symmetric=cmap == "RdBu_r", from_zero=cmap == "inferno")
            _draw(figure, axis, plane, title, label, cmap, norm)
    return figure


def _mean_k(fabrication: Fabrication, drive: Floats) -> float:
    power = heater_powers(fabrication, drive)
    return float(chip_temperature_k(fabrication, power, 0.0))


def _drift_across(fabrication: Fabrication) -> Floats:
    """Change of the temperature over the chip an hour after opening, (N, N) [mK]."""
    n = fabrication.profile.device.n
    first, last = (surroundings(fabrication, round(t * 1e9)) for t in (0.0, HOUR_S))
    x = (np.arange(n) - n // 2) / n
    change = last.ambient_k - first.ambient_k + 0.0 * np.add.outer(x, x)
    change = change + (last.gradient_row_k - first.gradient_row_k) * x[:, None]
    return np.asarray(1e3 * (change + (last.gradient_column_k - first.gradient_column_k) * x))


def _norm(plane: Floats, *, symmetric: bool, from_zero: bool) -> Normalize:
    low, high = float(plane.min()), float(plane.max())
    if symmetric:
        reach = max(abs(low), abs(high)) or 1.0
        return Normalize(-reach, reach)
    if from_zero or high <= low:
        return Normalize(0.0, high or 1.0)
    return Normalize(low, high)


def _draw(
    figure: Figure, axis: Axes, plane: Floats, title: str, label: str, cmap: str, norm: Normalize
) -> None:
    image = draw_plane(axis, plane, title, cmap, norm, labels=("row [px]", "column [px]"))
    bar = figure.colorbar(image, ax=axis, shrink=0.85, pad=0.02)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
