"""Codes from full knowledge of a specimen: what a perfect calibration would write.

A specimen of layout 4f has its pictures made with these codes, without a calibration.  The
specimen's own equations are turned round: transmissions to phases of both heaters, these to powers
that make up for each other's heat, powers to voltages.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optical_device import lens, modulator
from optical_device.fabrication import Fabrication
from optical_device.stages import steady_phases

__all__ = ["convolution_codes", "edge_filter"]

Complexes = NDArray[np.complex128]
Floats = NDArray[np.float64]

_LOWEST_RAD = 0.35 * np.pi
"""Of heater phases: neighbours' heat alone must not pass it."""
_ROUNDS = 30
"""Each leaves some tenth of the error of the one before: crosstalk is that strong."""


def edge_filter(n: int, sigma_px: float = 1.5) -> Complexes:
    """Spectrum of a filter that finds upright edges, about pixel (n//2, n//2), largest size 1.

    Derivative of a Gaussian along the rows, i k e^(-sigma^2 (k^2 + l^2) / 2), odd and so imaginary.
    """
    k = 2.0 * np.pi * (np.arange(n) - n // 2) / n
    smooth = np.exp(-0.5 * (sigma_px * k) ** 2)
    spectrum = 1j * np.outer(smooth, k * smooth)
    return np.asarray(spectrum / np.abs(spectrum).max())


def convolution_codes(
    fabrication: Fabrication, pictures: Complexes, spectrum: Complexes
) -> NDArray[np.generic]:
    """Codes (F, 2, 2, N, N) that put pictures on the first chip and a filter on the second.

    Parameters
    ----------
    fabrication
        A device of layout 4f.
    pictures : (F, N, N)
    spectrum : (N, N)
        Of the filter, about pixel (N//2, N//2).
    """
    n = fabrication.profile.device.n
    before, after = lens.axis_maps(n)
    first = pictures * before / fabrication.input_map
    second = np.broadcast_to(spectrum * before * after / fabrication.middle_map, first.shape)
    phases = np.stack(
        [_arm_phases(fabrication, stage, t) for stage, t in enumerate((first, second))], axis=1
    )
    return _codes(fabrication, _drive(fabrication, _window(phases - fabrication.static_phase_rad)))


def _arm_phases(fabrication: Fabrication, stage: int, target: Complexes) -> Floats:
    """Phases theta and phi (F, 2, N, N) that make a stage transmit in proportion to `target`."""
    b0, b1 = fabrication.b0[stage], fabrication.b1[stage]
    sizes = np.abs(target)
    brightest = np.min((b0 + b1) / np.maximum(sizes, 1e-12), axis=(-2, -1), keepdims=True)
    cosine = ((brightest * sizes) ** 2 - b0**2 - b1**2) / (2.0 * b0 * b1)
    theta = np.arccos(np.clip(cosine, -1.0, 1.0))
    phi = np.angle(target) - np.angle(b0 + b1 * np.exp(1j * theta))
    return np.stack([theta, phi], axis=1)


def _window(phases: Floats) -> Floats:
    """The same phases, a turn long from the lowest one on."""
    return np.asarray(np.mod(phases - _LOWEST_RAD, 2.0 * np.pi) + _LOWEST_RAD)


def _drive(fabrication: Fabrication, wanted: Floats) -> Floats:
    """Voltages over full scale for steady heater phases (F, 2, 2, N, N)."""
    per_rad = fabrication.p_pi_mw / np.pi
    power = wanted * per_rad
    for _ in range(_ROUNDS):
        power = np.maximum(power + (wanted - steady_phases(fabrication, power)) * per_rad, 0.0)
    cold = power * (1.0 + fabrication.resistance_slope_per_mw * power)
    bits = fabrication.profile.device.dac_bits
    volts = np.minimum(np.sqrt(cold / fabrication.power_full_mw), 1.0)
    asked = volts
    for _ in range(3):  # the converter's error is some 1e-4 of full scale
        given = modulator.converted_drive(
            asked, bits, fabrication.dac_bow, fabrication.dac_bit_error
        )
        asked = np.clip(asked + volts - given, 0.0, 1.0)
    return np.asarray(asked)


def _codes(fabrication: Fabrication, drive: Floats) -> NDArray[np.generic]:
    bits = fabrication.profile.device.dac_bits
    if not bits:
        return drive.astype(np.float32)
    return np.rint(drive * (2**bits - 1)).astype(np.uint16)
