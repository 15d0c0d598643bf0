"""Slow drifts as functions of device time: a sum of sinusoids that can be evaluated at any t."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

__all__ = [
    "TONES",
    "Drift",
    "amplitudes_of_rate",
    "amplitudes_of_value",
    "drift",
    "drift_of",
    "tones",
]

TONES = 12

Array = Any
Floats = NDArray[np.float64]


class Drift(IntEnum):
    """Channels, in the order of the first axis of the drift arrays."""

    REFERENCE_PHASE = 0
    """[rad]"""
    LASER_POWER = 1
    """Relative."""
    AMBIENT = 2
    """[K]"""
    GRADIENT_ROW = 3
    """Of the temperature, across the rows of the grid [K]."""
    GRADIENT_COLUMN = 4
    """Of the temperature, across the columns of the grid [K]."""
    WAVELENGTH = 5
    """[pm]"""


def tones(lowest_hz: float, highest_hz: float) -> Floats:
    """Angular frequencies of the tones, spaced evenly in log f [rad/s], shape (TONES,)."""
    return 2.0 * np.pi * np.geomspace(lowest_hz, highest_hz, TONES)


def amplitudes_of_rate(rate_rms: float, omega: Floats) -> Floats:
    """Amplitudes a_j ~ 1 / omega_j whose derivative has the given RMS over time.

    RMS(x')^2 = sum_j (a_j omega_j)^2 / 2, so a_j = rate sqrt(2 / TONES) / omega_j.  Amplitudes as
    1/f at frequencies even in log f make a power spectrum of 1/f^3 per hertz, or 1/f^2 per decade.
    """
    return rate_rms * np.sqrt(2.0 / omega.size) / omega


def amplitudes_of_value(value_rms: float, omega: Floats) -> Floats:
    """Amplitudes a_j ~ 1 / omega_j whose sum has the given RMS over time."""
    shape = 1.0 / omega
    return value_rms * shape / np.sqrt(np.sum(shape**2) / 2.0)


def drift(t_s: float, amplitude: Array, omega: Array, phase: Array) -> tuple[Array, Array]:
    """Value and slope of every channel, x(t) = sum_j a_j sin(omega_j t + phase_j).

    Parameters
    ----------
    t_s : float
        Device time [s].
    amplitude, omega, phase : (..., TONES)
        Amplitudes in the channel's unit, angular frequencies [rad/s], phases [rad].

    Returns
    -------
    value, slope : (...)
        In the channel's unit, and per second.
    """
    xp = array_namespace(amplitude, omega, phase)
    angle = omega * t_s + phase
    value = xp.sum(amplitude * xp.sin(angle), axis=-1)
    slope = xp.sum(amplitude * omega * xp.cos(angle), axis=-1)
    return value, slope


def drift_of(fabrication: Any, time_ns: int) -> tuple[Array, Array]:
    """Value and slope of every channel of a `Fabrication` at a device time [ns], (6,) each."""
    return drift(
        time_ns * 1e-9,
        fabrication.drift_amplitude,
        fabrication.drift_omega_rad_per_s,
        fabrication.drift_phase_rad,
    )
