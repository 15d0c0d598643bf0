"""Pictures of the spectrum on the camera with and without each error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from opticonv.device.drawing import decibels, draw_plane, grid_figure, percent
from opticonv.device.error_study import ErrorStudy

__all__ = ["draw_errors_alone", "draw_errors_removed", "draw_spectra_alone"]

COLUMNS = 6
FLOOR_DB = -70.0
"""Of spectra."""
ERROR_FLOOR_DB = -100.0
"""Of differences of spectra."""

Complexes = NDArray[np.complex128]


def draw_spectra_alone(study: ErrorStudy) -> Figure:
    """The spectrum without error, and with each one by itself."""
    return _draw(
        study,
        {"without error": study.exact, **_labelled(study.alone, study.alone_rms())},
        study.exact,
        f"{_what(study)} on the camera of {study.serial} with one error at a time, "
        "uncorrected\ncodes for a device without errors; RMS error against it, common factor apart",
        "|S|² [dB of the peak without error]",
        ("viridis", FLOOR_DB),
    )


def draw_errors_alone(study: ErrorStudy) -> Figure:
    """What is wrong in the spectrum with each error by itself."""
    return _draw(
        study,
        {"all, without error": study.exact, **_labelled(study.errors(), study.alone_rms())},
        study.exact,
        f"{_what(study)} on the camera of {study.serial}: what one error at a time does to it, "
        "uncorrected\ncodes for a device without errors; RMS error against it, common factor apart",
        "|ΔS|² [dB of the peak without error]",
        ("magma", ERROR_FLOOR_DB),
    )


def draw_errors_removed(study: ErrorStudy) -> Figure:
    """The spectrum with all errors, and what changes in it when each one is taken away."""
    return _draw(
        study,
        {"with all errors": study.every, **_labelled(study.changes, study.changes_rms())},
        study.every,
        f"What changes on the camera when one error is taken out of {study.serial}, noise apart\n"
        f"{study.basis}, kept: they make up for errors that are large here; RMS change, "
        "common factor apart",
        "|ΔS|² [dB of the peak with all errors]",
        ("magma", ERROR_FLOOR_DB),
    )


def _what(study: ErrorStudy) -> str:
    if study.layout == "4f":
        return "Upright edges of a photograph"
    return "Spectrum of a photograph"


def _labelled(spectra: Mapping[str, Complexes], rms: Mapping[str, float]) -> dict[str, Complexes]:
    return {f"{name}: {percent(rms[name])}": spectrum for name, spectrum in spectra.items()}


def _draw(
    study: ErrorStudy,
    panels: Mapping[str, Complexes],
    of: Complexes,
    title: str,
    label: str,
    scale: tuple[str, float],
) -> Figure:
    peak = float(np.max(np.abs(of) ** 2))
    rows = -(-len(panels) // COLUMNS)
    figure, axes = grid_figure(title, (rows, min(COLUMNS, len(panels))), (2.45, 2.45))
    cmap, norm = scale[0], Normalize(scale[1], 0.0)
    is_picture = study.layout == "4f"
    corner = 0 if is_picture else -(of.shape[0] // 2)
    axes_of = ("row", "column") if is_picture else ("row freq.", "column freq.")
    unit = "[px]" if is_picture else "[1/grid]"
    for index, (name, spectrum) in enumerate(panels.items()):
        axis = axes.flat[index]
        plane = decibels(np.abs(spectrum) ** 2, peak)
        image = draw_plane(
            axis, plane if is_picture else np.fft.fftshift(plane), name, cmap, norm,
            corner=(corner, corner),
            labels=(
                f"{axes_of[0]} {unit}" if index % COLUMNS == 0 else "",
                f"{axes_of[1]} {unit}" if index + COLUMNS >= len(panels) else "",
            ),
        )  # fmt: skip
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    figure.colorbar(image, ax=axes, label=label, shrink=0.5, pad=0.01, extend="min")
    return figure
