"""The reference arm: its level on the camera, and what errors of its phase steps do.

With the steps at ``k pi / 2 + error_k`` the four-step combination measures, to first order,
``Y = y (1 - i (p + q) / 2) + i (p - q) / 2 conj(y)``, ``p = (error_0 + error_2) / 2`` and
``q = (error_1 + error_3) / 2``: a factor, which the output map absorbs, and a small leak of the
conjugate, which is one complex number for the whole camera.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.frames import CalibrationDevice
from driver.errors import CalibrationError

__all__ = ["conjugate_leak", "measure_reference", "remove_leak"]

FRAMES = 16

FAINTEST = 0.05
"""Reference beam below which a calibration is refused, of its nominal level."""


def measure_reference(device: CalibrationDevice, black_dn: RealArray) -> RealArray:
    """Reference beam alone, black subtracted, (N, N) [DN].

    Raises
    ------
    CalibrationError
        The beam is too faint to measure a field by.
    """
    size = device.info.grid[0]
    codes = np.zeros((FRAMES, 2, 2, size, size), device.info.code_dtype)
    counts = device.expose(codes, reference="only")
    level: RealArray = counts[:, 0].astype(np.float64).mean(0) - black_dn
    nominal = device.info.nominal
    expected = nominal.reference_rate_photons_per_us * nominal.qe / nominal.gain_e_per_dn
    expected *= device.info.timing.exposure_us
    if np.mean(level) < FAINTEST * expected:
        raise CalibrationError(
            f"the reference beam gives {np.mean(level):.1f} DN, the data sheet says about "
            f"{expected:.0f} DN: is the laser on?"
        )
    return level


def conjugate_leak(measured: ComplexArray, predicted: ComplexArray, leak: complex) -> complex:
    """Leak that explains what `leak` leaves of ``measured - predicted`` (regression)."""
    mirrored = np.conj(predicted)
    rest = measured - predicted - np.complex64(leak) * mirrored
    power = float(np.vdot(mirrored, mirrored).real)
    return complex(leak + np.vdot(mirrored, rest) / power) if power else leak


def remove_leak(measured: ComplexArray, leak: complex) -> ComplexArray:
    """Solve ``Y = y + leak conj(y)`` for y: ``(Y - leak conj(Y)) / (1 - |leak|^2)``."""
    clean: ComplexArray = (measured - np.complex64(leak) * np.conj(measured)) / np.float32(
        1 - abs(leak) ** 2
    )
    return clean
