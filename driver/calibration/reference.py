"""The reference arm: its level on the camera, and what errors of its phase steps do.

With the steps at ``k pi / 2 + error_k`` the four-step combination measures, to first order,
``Y = y (1 - i (p + q) / 2) + i (p - q) / 2 conj(y)``, ``p = (error_0 + error_2) / 2`` and
``q = (error_1 + error_3) / 2``: a factor, which the output map absorbs, and a small leak of the
conjugate, which is one complex number for the whole camera.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.calibration import ComplexArray
from driver.errors import CalibrationError
from driver.info import DeviceInfo

__all__ = ["check_beam", "conjugate_leak", "remove_leak"]

FAINTEST = 0.05
"""Reference beam below which a calibration is refused, of its nominal level."""


def check_beam(info: DeviceInfo, level_dn: float) -> None:
    """Refuse a reference beam of that mean level [DN] if it is too faint to measure a field by.

    Raises
    ------
    CalibrationError
    """
    nominal = info.nominal
    expected = nominal.reference_rate_photons_per_us * nominal.qe / nominal.gain_e_per_dn
    expected *= info.timing.exposure_us
    if level_dn < FAINTEST * expected:
        raise CalibrationError(
            f"the reference beam gives {level_dn:.1f} DN, the data sheet says about "
            f"{expected:.0f} DN: is the laser on?"
        )


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
