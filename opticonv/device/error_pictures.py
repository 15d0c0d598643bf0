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
        {"without error": study.exact, **_labelled(study.alone, study.alone_rms())},
        study.exact,
        f"Spectrum of a photograph on the camera of {study.serial} with one error at a time, "
        "uncorrected\ncodes for a device without errors; RMS error against it, common factor apart",
        "|S|² [dB of the peak without error]",
        ("viridis", FLOOR_DB),
    )


def draw_errors_alone(study: ErrorStudy) -> Figure:
    """What is wrong in the spectrum with each error by itself."""
    return _draw(
        {"spectrum without error": study.exact, **_labelled(study.errors(), study.alone_rms())},
        study.exact,
        f"What one error at a time does to the spectrum on the camera of {study.serial}, "
        "uncorrected\ncodes for a device without errors; RMS error against it, common factor apart",
        "|ΔS|² [dB of the peak without error]",
        ("magma", ERROR_FLOOR_DB),
    )


def draw_errors_removed(study: ErrorStudy) -> Figure:
    """The spectrum with all errors, and what changes in it when each one is taken away."""
    return _draw(
        {"with all errors": study.every, **_labelled(study.changes, study.changes_rms())},
        study.every,
        f"What changes on the camera when one error is taken out of {study.serial}, noise apart\n"
        f"{study.basis}, kept: they make up for errors that are large here; RMS change, "
        "common factor apart",
        "|ΔS|² [dB of the peak with all errors]",
        ("magma", ERROR_FLOOR_DB),
    )


def _labelled(spectra: Mapping[str, Complexes], rms: Mapping[str, float]) -> dict[str, Complexes]:
    return {f"{name}: {percent(rms[name])}": spectrum for name, spectrum in spectra.items()}


def _draw(
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
    middle = -(of.shape[0] // 2)
    for index, (name, spectrum) in enumerate(panels.items()):
        axis = axes.flat[index]
        image = draw_plane(
            axis, np.fft.fftshift(decibels(np.abs(spectrum) ** 2, peak)), name, cmap, norm,
            corner=(middle, middle),
            labels=(
                "row freq. [1/grid]" if index % COLUMNS == 0 else "",
                "column freq. [1/grid]" if index + COLUMNS >= len(panels) else "",
            ),
        )  # fmt: skip
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    figure.colorbar(image, ax=axes, label=label, shrink=0.5, pad=0.01, extend="min")
    return figure
