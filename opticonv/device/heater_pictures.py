"""Pictures of the four heater planes: a test frame that shows how heat spreads; a photograph."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optical_device.fabrication import Fabrication
from optical_device.thermal import diagonal_link, ring_kernel
from opticonv.device.drawing import draw_plane, grid_figure
from opticonv.device.specimen import HeaterFrame, Program, heater_frame

__all__ = ["draw_photograph_heaters", "draw_test_heaters", "heater_test_frame"]

PLANES = ((0, 0, "stage a, θ"), (0, 1, "stage a, φ"), (1, 0, "stage b, θ"), (1, 1, "stage b, φ"))
WINDOW = 24
"""Side of what is shown of a test frame [px]."""


def heater_test_frame(n: int) -> NDArray[np.float64]:
    """Relative voltages (2, 2, N, N): single heaters, a block, a line; all others off.

    Stage a θ has all of them, stage a φ none, so that what it shows is heat of its neighbour; stage
    b has heaters apart from each other in θ, and a frame of them in φ.
    """
    drive = np.zeros((2, 2, n, n))
    first, side = _window(n)
    inside = drive[:, :, first : first + side, first : first + side]
    quarter = max(side // 4, 1)
    inside[0, 0, quarter, quarter] = 1.0
    inside[0, 0, quarter, 2 * quarter : 3 * quarter] = 1.0
    inside[0, 0, 2 * quarter : 3 * quarter, quarter : 2 * quarter] = 1.0
    inside[1, 0, quarter // 2 :: quarter, quarter // 2 :: quarter] = 1.0
    edges = [quarter, min(3 * quarter, side - 1)]
    inside[1, 1, edges[0] : edges[1] + 1, edges] = 1.0
    inside[1, 1, edges, edges[0] : edges[1] + 1] = 1.0
    return drive


def _window(n: int) -> tuple[int, int]:
    """First pixel and side of the shown part of a grid."""
    side = min(n, WINDOW)
    return (n - side) // 2, side


def draw_test_heaters(fabrication: Fabrication) -> Figure:
    """Power, phase, a cut through it, and what the next frame still has of it."""
    n = fabrication.profile.device.n
    drive = heater_test_frame(n)
    frame = heater_frame(fabrication, drive)
    first, side = _window(n)
    part = np.s_[first : first + side, first : first + side]
    row = first + max(side // 4, 1)
    rows = [
        (
            "heater power [mW]",
            frame.power_mw,
            Normalize(0.0, float(frame.power_mw.max())),
            "inferno",
        ),
        ("phase by heat, ∝ warming [rad]", frame.phase_rad, _log_norm(frame.phase_rad), "viridis"),
        ("left in the next frame [rad]", frame.left_rad, _log_norm(frame.left_rad), "viridis"),
    ]
    where = f"centre {side}×{side} of {n}×{n}" if side < n else f"all {n}×{n}"
    figure, axes = grid_figure(
        f"Heaters at full code in a test frame, {fabrication.serial}: {where}, "
        "logarithmic phase, grey: no heat\n"
        f"crosstalk nominally {_links(fabrication)}; settled "
        f"{fabrication.profile.timing.settle_us:g} µs, memory ε = {fabrication.memory:.1e}",
        (4, 4),
        (3.0, 2.9),
    )
    for at, (label, values, norm, cmap) in zip((0, 1, 3), rows, strict=True):
        for axis, (stage, heater, name) in zip(axes[at], PLANES, strict=True):
            plane = np.where(values[stage, heater] > 0.0, values[stage, heater], np.nan)
            image = draw_plane(
                axis, plane[part], name, cmap, norm, corner=(first, first),
                labels=("row [px]", "column [px]") if name == PLANES[0][2] else ("", "column [px]"),
            )  # fmt: skip
            if at == 1:
                axis.axhline(row, color="white", linewidth=0.7, linestyle=":")
        figure.colorbar(image, ax=axes[at], label=label, shrink=0.9, pad=0.01)
    columns = np.arange(first, first + side)
    for axis, (stage, heater, name) in zip(axes[2], PLANES, strict=True):
        _draw_cut(axis, columns, frame, (stage, heater, row), f"{name}: row {row}")
    axes[2, 0].set_ylabel("phase [rad]", fontsize=8)
    axes[2, 1].legend(fontsize=7, loc="upper right")  # the emptiest of the four
    return figure


def _draw_cut(
    axis: Axes, columns: NDArray[np.int64], frame: HeaterFrame, at: tuple[int, int, int], title: str
) -> None:
    positive = np.where(frame.phase_rad > 0.0, frame.phase_rad, np.nan)
    own = np.where(frame.own_rad > 0.0, frame.own_rad, np.nan)
    axis.plot(
        columns, positive[at][columns], "o-", markersize=3, linewidth=0.8, label="with crosstalk"
    )
    axis.plot(columns, own[at][columns], "x", markersize=5, color="C3", label="own power alone")
    axis.set_yscale("log")
    axis.set_xlim(columns[0] - 0.5, columns[-1] + 0.5)
    if np.any(frame.phase_rad > 0.0):
        norm = _log_norm(frame.phase_rad)
        axis.set_ylim(0.5 * float(norm.vmin or 1.0), 3.0 * float(norm.vmax or 1.0))
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("column [px]", fontsize=8)
    axis.grid(alpha=0.3)
    axis.tick_params(labelsize=7)


def _log_norm(values: NDArray[np.float64]) -> LogNorm:
    positive = values[values > 0.0]
    if positive.size == 0:
        return LogNorm(1e-3, 1.0)
    largest = float(positive.max())
    return LogNorm(min(float(positive.min()), 0.5 * largest), largest)


def _links(fabrication: Fabrication) -> str:
    heat = fabrication.profile.thermal
    diagonal = diagonal_link(heat.link_nearest, heat.heat_length_pitches)
    ring = ring_kernel(heat.link_nearest, heat.heat_length_pitches)
    return (
        f"{100 * heat.link_nearest:g} % to the sides, {100 * diagonal:.2g} % diagonally, "
        f"{100 * ring[0]:.2g} % two pixels away, {100 * heat.link_partner:g} % θ to φ"
    )


def draw_photograph_heaters(fabrication: Fabrication, program: Program, basis: str) -> Figure:
    """Power, phase, and the part of it that crosstalk makes, in a frame of a photograph.

    `basis` says what the codes were made from.
    """
    frame = heater_frame(fabrication, program.drive()[1])
    foreign = frame.phase_rad - frame.own_rad
    rows = (
        ("heater power [mW]", frame.power_mw, "inferno"),
        ("phase by heat, ∝ warming [rad]", frame.phase_rad, "viridis"),
        ("of it by crosstalk [rad]", foreign, "magma"),
    )
    random = fabrication.profile.modulator.static_phase_range_rad > 0.0
    total_w = 1e-3 * frame.power_mw.sum(axis=(1, 2, 3))
    figure, axes = grid_figure(
        f"Heaters in a frame of a photograph, {fabrication.serial}, {basis}\n"
        f"{total_w[0]:.2f} W in stage a, {total_w[1]:.2f} W in stage b"
        + ("; heaters make up for their pixels' static phases, which are random" if random else ""),
        (3, 4),
        (3.0, 3.1),
    )
    for at, (label, values, cmap) in enumerate(rows):
        norm = Normalize(0.0, float(values.max()) or 1.0)
        for axis, (stage, heater, name) in zip(axes[at], PLANES, strict=True):
            plane, unit = values[stage, heater], label[label.index("[") + 1 : -1]
            image = draw_plane(
                axis, plane, f"{name}: mean {plane.mean():.3g} {unit}", cmap, norm,
                labels=(
                    "row [px]" if axis is axes[at][0] else "", "column [px]" if at == 2 else "",
                ),
            )  # fmt: skip
        figure.colorbar(image, ax=axes[at], label=label, shrink=0.9, pad=0.01)
    return figure
