"""Modulators: DAC code to heater power, and phases to the transmission of a Mach-Zehnder stage.

Functions take NumPy or torch arrays (`array_api_compat`) and keep their kind, device and gradient.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

from optical_device.camera import round_straight_through

__all__ = [
    "cold_power",
    "coupler_amplitudes",
    "drive_fraction",
    "heater_power",
    "quantise_drive",
    "stage_transmission",
]

Array = Any


def drive_fraction(codes: Array, dac_bits: int, dtype: Any = None) -> Array:
    """Relative heater voltage u = code / (2^bits - 1); with ``dac_bits=0`` the code is u itself.

    Parameters
    ----------
    codes : (..., N, N) integers, or floating point with ``dac_bits=0``
    dtype : floating-point type of the result; the namespace's float64 by default
    """
    xp = array_namespace(codes)
    u = xp.astype(codes, xp.float64 if dtype is None else dtype)
    return u / (2**dac_bits - 1) if dac_bits else u


def quantise_drive(u: Array, dac_bits: int) -> Array:
    """Relative voltage as the DAC gives it; the gradient is that of the identity (twin only)."""
    if not dac_bits:
        return u
    levels = 2**dac_bits - 1
    return round_straight_through(u * levels) / levels


def cold_power(u: Array, power_full_mw: Array) -> Array:
    """Heater power at cold resistance, P0 = P_full u^2 [mW] (V^2 / R0)."""
    return power_full_mw * u**2


def heater_power(cold_mw: Array, resistance_slope_per_mw: Array) -> Array:
    """Heater power with R = R0 (1 + beta P) [mW].

    P = P0 / (1 + beta P) solved for P:  P = 2 P0 / (1 + sqrt(1 + 4 beta P0)).
    """
    xp = array_namespace(cold_mw)
    return 2.0 * cold_mw / (1.0 + xp.sqrt(1.0 + 4.0 * resistance_slope_per_mw * cold_mw))


def coupler_amplitudes(d1: Array, d2: Array, transmission: Array) -> tuple[Array, Array]:
    """Amplitudes of the two arms of a stage whose couplers split 1/2 -+ d.

    b0 = sqrt(eta (1/2 - d1) (1/2 + d2)),  b1 = sqrt(eta (1/2 + d1) (1/2 - d2)): cross port of two
    lossless couplers in series around arms of power transmission eta.  The extinction is
    ((b0 + b1) / (b0 - b1))^2; with d1 = -d2 = -d it is 1 / (4 d^2) and b0 + b1 = sqrt(eta).
    """
    xp = array_namespace(d1, d2)
    b0 = xp.sqrt(transmission * (0.5 - d1) * (0.5 + d2))
    b1 = xp.sqrt(transmission * (0.5 + d1) * (0.5 - d2))
    return b0, b1


def stage_transmission(theta: Array, phi: Array, b0: Array, b1: Array) -> Array:
    """Complex amplitude transmission of a stage, t = (b0 + b1 exp(i theta)) exp(i phi).

    Parameters
    ----------
    theta, phi : (..., N, N) phases [rad]
    b0, b1 : (N, N) amplitudes of the two arms, insertion loss included
    """
    xp = array_namespace(theta, phi)
    return (b0 + b1 * xp.exp(1j * theta)) * xp.exp(1j * phi)
