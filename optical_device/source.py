"""Light sources: laser power, launch attenuator, splitting tree and reference beam.

Functions take NumPy or torch arrays (`array_api_compat`) and keep their kind, device and gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

__all__ = [
    "REFERENCE_STEPS",
    "STEP_ANGLES_RAD",
    "launch_amplitude",
    "reference_amplitudes",
    "reference_beam",
    "relative_power",
    "signal_amplitude",
]

Array = Any

REFERENCE_STEPS = 4
"""Steps of the longest sequence."""

STEP_ANGLES_RAD: dict[str, tuple[float | None, ...]] = {
    "four_step": (0.0, 0.5 * math.pi, math.pi, 1.5 * math.pi),
    "three_step": (None, 0.0, 0.5 * math.pi),
    "intensity": (None,),
}
"""Set phases alpha_k of the reference by detection [rad]; None: blocked, r_k = 0."""


def relative_power(laser_mw: float, laser_nominal_mw: float, power_drift: float) -> float:
    """Laser power in units of the nominal one, p = (P / P_nominal) (1 + drift)."""
    return laser_mw / laser_nominal_mw * (1.0 + power_drift)


def launch_amplitude(step: Array, launch_step_db: float) -> Array:
    """Nominal amplitude of the launch attenuator's step l, 10^(-step_db l / 20)."""
    return 10.0 ** (-launch_step_db / 20.0 * step)


def signal_amplitude(launch_gain: Array, signal_rate: float, power: float) -> Array:
    """Factor of the spectrum, g_l sqrt(rate p) [sqrt(photons/us)]."""
    return launch_gain * (signal_rate * power) ** 0.5


def reference_amplitudes(
    step_phase_rad: Array, drift_rad: Array, reference_rate: float, power: float, fraction: float
) -> Array:
    """Complex amplitude of the reference at its centre, one per step [sqrt(photons/us)].

    r_k = sqrt(rate p fraction) exp(i (alpha_k + psi_ref(t_k))), alpha_k as set, with its error.

    Parameters
    ----------
    step_phase_rad, drift_rad : (..., steps)
        Set phase of each step, and drift of the path at its time [rad].
    """
    xp = array_namespace(step_phase_rad, drift_rad)
    amplitude = (reference_rate * power * fraction) ** 0.5
    return amplitude * xp.exp(1j * (step_phase_rad + drift_rad))


def reference_beam(
    n: int, waist_px: float, centre_px: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float64]:
    """Amplitude of the Gaussian reference beam, exp(-r^2 / w^2), shape (n, n).

    r is the distance from pixel (n//2, n//2) displaced by `centre_px` (row, column); w the radius
    at 1/e of the amplitude [px].
    """
    row, column = (np.arange(n) - n // 2 - shift for shift in centre_px)
    return np.exp(-(row[:, None] ** 2 + column[None, :] ** 2) / waist_px**2)
