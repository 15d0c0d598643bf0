"""Frames taken for calibration: what was set, and the complex spectrum that came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.model import cold_power_mw
from driver.info import DeviceInfo

__all__ = ["CalibrationDevice", "Record", "four_step_spectrum", "stepped_spectrum", "take"]


class CalibrationDevice(Protocol):
    """What the laboratory needs of a device: the boundary, and the data sheet."""

    @property
    def info(self) -> DeviceInfo:
        """Identity and data sheet."""

    def expose(
        self,
        codes: NDArray[Any],
        reference: str = "steps",
        exposure_us: float | None = None,
        *,
        laser: str = "on",
        launch_step: int | NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Counts of frames of codes (n, 2, 2, N, N): (n, [E,] steps, N, N)."""

    def telemetry(self) -> Any:
        """Clock and counters: `device_time_s` and `frames` are read."""


@dataclass(slots=True)
class Record:
    """Frames of a measurement, frames last.

    `cold` (2, 2, N, N, F) float32: power at the nominal cold resistance [mW]; `spectrum` (N, N, F)
    complex64 [DN]; `trusted` (N, N, F) bool: no step of the bin was saturated.
    """

    cold: RealArray
    spectrum: ComplexArray
    trusted: NDArray[np.bool_]


def stepped_spectrum(
    counts: NDArray[Any], saturation_dn: float, reference_dn: RealArray | None
) -> tuple[ComplexArray, NDArray[np.bool_]]:
    """Y of exposures with the reference's steps, and which bins are unsaturated.

    `counts` (..., 4, N, N) as :func:`four_step_spectrum` says; of three steps, the first has no
    reference and ``Y = [(I1 - I0 - R) + i (I2 - I0 - R)] / 2`` with the level R of the reference
    beam alone, (N, N) [DN].
    """
    if counts.shape[-3] == 4:
        return four_step_spectrum(counts, saturation_dn)
    assert reference_dn is not None
    steps = np.moveaxis(counts, -3, 0).astype(np.float32)
    dark = steps[0] + reference_dn.astype(np.float32)
    spectrum = np.empty(steps.shape[1:], np.complex64)
    spectrum.real = (steps[1] - dark) / 2
    spectrum.imag = (steps[2] - dark) / 2
    return spectrum, np.all(steps < saturation_dn, axis=0)


def four_step_spectrum(
    counts: NDArray[Any], saturation_dn: float
) -> tuple[ComplexArray, NDArray[np.bool_]]:
    """``Y = [(I0 - I2) + i (I1 - I3)] / 4`` and which bins are unsaturated.

    `counts` (..., 4, N, N) [DN]; both results (..., N, N).  Black level, dark signal and the
    intensities of signal and reference alone cancel in the differences.
    """
    steps = np.moveaxis(counts, -3, 0).astype(np.float32)
    spectrum = np.empty(steps.shape[1:], np.complex64)
    spectrum.real = (steps[0] - steps[2]) / 4
    spectrum.imag = (steps[1] - steps[3]) / 4
    return spectrum, np.all(steps < saturation_dn, axis=0)


def take(
    device: CalibrationDevice,
    codes: NDArray[Any],
    launch_step: int,
    saturation_dn: float,
    reference_dn: RealArray | None = None,
) -> Record:
    """Expose frames of `codes` (n, 2, 2, N, N) at one launch step."""
    counts = device.expose(codes, reference="steps", launch_step=launch_step)
    spectrum, trusted = stepped_spectrum(counts, saturation_dn, reference_dn)
    return Record(
        cold=cold_power_mw(codes, device.info),
        spectrum=np.ascontiguousarray(np.moveaxis(spectrum, 0, -1)),
        trusted=np.ascontiguousarray(np.moveaxis(trusted, 0, -1)),
    )
