"""A picture of the light behind the chip: what it should be, and what codes really make of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optical_device.fabrication import Fabrication
from opticonv.device.drawing import decibels, draw_plane, grid_figure, percent
from opticonv.device.gauge import aligned_to
from opticonv.device.specimen import Program, camera_spectrum, light_leaving_chip

__all__ = ["draw_fields", "field_error"]

FLOOR_DB = -60.0


def field_error(field: NDArray[np.complex128], target: NDArray[np.complex128]) -> float:
    """Relative RMS error of an aligned field."""
    return float(np.linalg.norm(field - target) / np.linalg.norm(target))


def draw_fields(
    fabrication: Fabrication, target: NDArray[np.float64], programs: Sequence[tuple[str, Program]]
) -> Figure:
    """Amplitude, phase and spectrum on the camera, by what the codes were made from.

    Parameters
    ----------
    fabrication : Fabrication
    target : (N, N)
        The picture on the chip, largest magnitude 1.
    programs
        What the codes were made from, and the codes.
    """
    wanted = target.astype(np.complex128)
    true_spectrum = np.fft.fft2(wanted, norm="ortho")
    columns = [("wanted", wanted, wanted, true_spectrum)]
    for name, program in programs:
        light = light_leaving_chip(fabrication, program)
        seen = camera_spectrum(fabrication, program)
        columns.append((name, light, aligned_to(wanted, light), seen))
    figure, axes = grid_figure(
        f"Light behind the chip, {fabrication.serial}: photograph without its mean\n"
        "tilt and phase fitted to the wanted field: they are\n"
        "the calibration's to choose; amplitudes at equal power",
        (3, len(columns)),
        (3.5, 3.0),
    )
    bars = (
        ("amplitude, wanted peak = 1", "inferno", Normalize(0.0, 1.0)),
        ("phase [rad]", "twilight", Normalize(-np.pi, np.pi)),
        ("on camera [dB of its peak]", "viridis", Normalize(FLOOR_DB, 0.0)),
    )
    size = np.linalg.norm(wanted)
    pixels = ("row [px]", "column [px]")
    frequencies = ("row freq. [1/grid]", "column freq. [1/grid]")
    for column, (name, light, field, seen) in enumerate(columns):
        power = np.fft.fftshift(np.abs(seen) ** 2)
        error = "" if column == 0 else f", error {percent(field_error(field, wanted))}"
        largest = "" if column == 0 else f"largest on the chip {np.abs(light).max():.2f}"
        planes = (
            (np.abs(field) * (size / np.linalg.norm(field)), f"{name}{error}", 0, pixels),
            (np.angle(field), largest, 0, pixels),
            (decibels(power, float(power.max())), "", -(len(power) // 2), frequencies),
        )
        for at, (plane, title, corner, labels) in enumerate(planes):
            label, cmap, norm = bars[at]
            image = draw_plane(
                axes[at, column], plane, title, cmap, norm, corner=(corner, corner),
                labels=(labels[0] if column == 0 else "", labels[1]),
            )  # fmt: skip
            if column == len(columns) - 1:
                figure.colorbar(image, ax=axes[at], label=label, shrink=0.9, pad=0.01)
    return figure
