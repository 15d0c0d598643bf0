"""Modulators: DAC code to heater power, and phases to the transmission of a Mach-Zehnder stage.

Functions take NumPy or torch arrays (`array_api_compat`) and keep their kind, device and gradient.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, is_torch_array

from optical_device.camera import round_straight_through

__all__ = [
    "CODED_BITS",
    "cold_power",
    "converted_drive",
    "coupler_amplitudes",
    "coupler_errors",
    "drive_fraction",
    "heater_power",
    "quantise_drive",
    "stage_transmission",
]

Array = Any

CODED_BITS = 4
"""Leading bits of a converter whose weights have errors of their own."""


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


def converted_drive(u: Array, dac_bits: int, bow: Array, bit_error: Array) -> Array:
    """Relative voltage that a real converter gives,

    u' = g u + 4 B u (1 - u) + sum_k delta_k bit_k(code),    g = 1 - sum_k delta_k.

    B is the bow of the transfer curve, its integral non-linearity at half scale; delta_k the error
    of the weight of leading bit k (0: most significant), which makes the steps at major transitions
    uneven.  The factor g fits the end points, u'(0) = 0 and u'(1) = 1.  The gradient to u is that
    of g u + 4 B u (1 - u).  Source: Kester (ed.), The Data Conversion Handbook, chapter 2.

    Parameters
    ----------
    u : (..., 2, 2, N, N) relative voltages asked for, code / (2^bits - 1)
    dac_bits : at least `CODED_BITS`, or 0: no converter, u' = u
    bow : (2, 2, N) by stage, heater and row, one converter each [full scale]
    bit_error : (2, 2, N, CODED_BITS) [full scale]
    """
    if not dac_bits:
        return u
    xp = array_namespace(u, bow, bit_error)
    gain = 1.0 - xp.sum(bit_error, axis=-1)[..., None]
    smooth = gain * u + 4.0 * bow[..., None] * u * (1.0 - u)
    if dac_bits < CODED_BITS:
        return smooth
    code = xp.round((u.detach() if is_torch_array(u) else u) * (2**dac_bits - 1))
    for k in range(CODED_BITS):
        weight = 2 ** (dac_bits - 1 - k)
        bit = xp.floor(code / weight) - 2.0 * xp.floor(code / (2 * weight))
        smooth = smooth + bit_error[..., k][..., None] * bit
    return smooth


def cold_power(u: Array, power_full_mw: Array) -> Array:
    """Heater power at cold resistance, P0 = P_full u^2 [mW] (V^2 / R0)."""
    return power_full_mw * u**2


def heater_power(cold_mw: Array, resistance_slope_per_mw: Array) -> Array:
    """Heater power with R = R0 (1 + beta P) [mW].

    P = P0 / (1 + beta P) solved for P:  P = 2 P0 / (1 + sqrt(1 + 4 beta P0)).
    """
    xp = array_namespace(cold_mw)
    return 2.0 * cold_mw / (1.0 + xp.sqrt(1.0 + 4.0 * resistance_slope_per_mw * cold_mw))


def coupler_errors(extinction_db: Array, sign: Array, common: Array) -> tuple[Array, Array]:
    """Errors d1, d2 of a stage's two couplers that give an extinction exactly.

    d1 = m - d, d2 = m + d: m is what the couplers have in common, and d follows from the ratio of
    the arms q = b1/b0 that the extinction sets.  With x = +-10^(-dB/20) = (1 - q)/(1 + q) and
    k = (b0^2 - b1^2)/(b0^2 + b1^2) = (1 - q^2)/(1 + q^2) = 2 x/(1 + x^2),

        k = d/(1/4 + d^2 - m^2),    d = [1 - sqrt(1 - k^2 (1 - 4 m^2))]/(2 k),

    written here without its cancellation, so that k = 0 is no special case.

    Parameters
    ----------
    extinction_db : positive, inf for perfect extinction [dB]
    sign : of b0 - b1
    common : m, below 1/2 in size
    """
    x = sign * 10.0 ** (-extinction_db / 20.0)
    k = 2.0 * x / (1.0 + x**2)
    share = 1.0 - 4.0 * common**2
    d = 0.5 * k * share / (1.0 + (1.0 - k**2 * share) ** 0.5)
    return common - d, common + d


def coupler_amplitudes(d1: Array, d2: Array, transmission: Array) -> tuple[Array, Array]:
    """Amplitudes of the two arms of a stage whose couplers split 1/2 -+ d.

    b0 = sqrt(eta (1/2 - d1) (1/2 + d2)),  b1 = sqrt(eta (1/2 + d1) (1/2 - d2)): cross port of two
    lossless couplers in series around arms of power transmission eta.  The extinction is
    ((b0 + b1) / (b0 - b1))^2; `coupler_errors` gives d1 and d2 of an extinction.
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
