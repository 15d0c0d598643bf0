"""A picture of the light behind the chip: what it should be, and what codes really make of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optical_device import lens
from optical_device.fabrication import Fabrication
from opticonv.device.drawing import decibels, draw_plane, grid_figure, percent
from opticonv.device.gauge import aligned_to
from opticonv.device.known_codes import edge_filter
from opticonv.device.specimen import Program, camera_spectrum, light_leaving_chip

__all__ = ["draw_both_chips", "draw_fields", "field_error"]

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
        "tilt and phase fitted to the wanted field: the calibration may choose them\n"
        "amplitudes at equal power",
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


def draw_both_chips(
    fabrication: Fabrication, picture: NDArray[np.float64], programs: Sequence[tuple[str, Program]]
) -> Figure:
    """Layout 4f: picture on the first chip, filter on the second, and what the camera sees.

    Parameters
    ----------
    fabrication : Fabrication
    picture : (N, N)
        On the first chip, largest magnitude 1.
    programs
        What the codes were made from, and the codes.
    """
    n = len(picture)
    wanted, spectrum = picture.astype(np.complex128), edge_filter(n)
    before, after = lens.axis_maps(n)
    filtered = np.fft.ifft2(np.fft.fft2(wanted) * np.fft.ifftshift(spectrum))
    seen = np.roll(filtered[::-1, ::-1], 1, axis=(0, 1))
    columns = [("wanted", "", wanted, spectrum, seen)]
    for name, program in programs:
        first = aligned_to(wanted, light_leaving_chip(fabrication, program, 0))
        second = light_leaving_chip(fabrication, program, 1) / (before * after)
        camera = camera_spectrum(fabrication, program)
        camera = np.vdot(camera, seen) / np.linalg.norm(camera) ** 2 * camera
        error = f", error {percent(field_error(first, wanted))}"
        columns.append((name, error, first, aligned_to(spectrum, second), camera))
    figure, axes = grid_figure(
        f"Both chips of {fabrication.serial}: a photograph without its mean, a filter for upright "
        "edges,\nand their convolution on the camera, turned by 180°\n"
        "tilt and phase fitted to what is wanted; shown at equal power",
        (4, len(columns)),
        (3.5, 2.9),
    )
    peak = float(np.abs(seen).max())
    bars = (
        ("chip a, amplitude", "inferno", Normalize(0.0, 1.0)),
        ("chip b, amplitude", "inferno", Normalize(0.0, 1.0)),
        ("chip b, phase [rad]", "twilight", Normalize(-np.pi, np.pi)),
        ("camera, field (real part)", "RdBu_r", Normalize(-peak, peak)),
    )
    pixels = ("row [px]", "column [px]")
    frequencies = ("row freq. [1/grid]", "column freq. [1/grid]")
    for column, (name, error, first, second, camera) in enumerate(columns):
        off = "" if column == 0 else f"error {percent(field_error(second, spectrum))}"
        miss = "" if column == 0 else f"error {percent(field_error(camera, seen))}"
        planes = (
            (np.abs(_at_power_of(wanted, first)), f"{name}{error}", 0, pixels),
            (np.abs(_at_power_of(spectrum, second)), off, -(n // 2), frequencies),
            (np.angle(second), "", -(n // 2), frequencies),
            (np.real(_at_power_of(seen, camera)), miss, 0, pixels),
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


def _at_power_of(
    target: NDArray[np.complex128], field: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    return np.asarray(field * (np.linalg.norm(target) / np.linalg.norm(field)))
