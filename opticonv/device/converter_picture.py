"""A picture of the heater converters: integral and differential non-linearity."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optical_device.fabrication import Fabrication
from optical_device.modulator import CODED_BITS, converted_drive
from opticonv.device.drawing import grid_figure

__all__ = ["draw_converters", "integral_nonlinearity"]

SHOWN = 4
"""Converters drawn by themselves; of the others, the band that they fill."""
CODES = 2048

Floats = NDArray[np.float64]


def integral_nonlinearity(fabrication: Fabrication, codes: NDArray[np.int64]) -> Floats:
    """Voltage of codes less the straight line between end points [LSB], (codes, converters)."""
    bits = fabrication.profile.device.dac_bits
    bow, bit_error = fabrication.dac_bow, fabrication.dac_bit_error
    u = codes / (2**bits - 1)
    drive = np.broadcast_to(u[:, None, None, None, None], (len(u), *bow.shape, 1))
    given = np.asarray(converted_drive(drive, bits, bow, bit_error))
    return (given - drive).reshape(len(u), -1) * (2**bits - 1)


def draw_converters(fabrication: Fabrication) -> Figure:
    """Curves of some rows, and steps at the codes where a leading bit comes on."""
    profile = fabrication.profile
    bits, mod = profile.device.dac_bits, profile.modulator
    last = 2**bits - 1
    major = np.arange(1, 2**CODED_BITS) * 2 ** (bits - CODED_BITS)
    codes = np.union1d(np.linspace(0, last, CODES).round().astype(np.int64), [*major, *(major - 1)])
    curves = integral_nonlinearity(fabrication, codes)
    steps = integral_nonlinearity(fabrication, major)
    steps = steps - integral_nonlinearity(fabrication, major - 1)
    figure, axes = grid_figure(
        f"Heater converters of {fabrication.serial}: one per stage, heater and row, "
        f"{curves.shape[1]} in all, {bits} bits\n"
        f"nominally a bow of {mod.dac_bow_lsb:g} LSB RMS at half scale, "
        f"{mod.dac_bit_weight_lsb:g} LSB RMS of each leading bit's weight",
        (1, 2),
        (6.0, 3.4),
    )
    left, right = axes[0]
    left.fill_between(
        codes, curves.min(1), curves.max(1), color="0.88", label=f"all {curves.shape[1]}"
    )
    spread = np.sqrt(np.mean(curves**2, axis=1))
    left.plot(codes, spread, "k--", linewidth=1.0, label="RMS")
    left.plot(codes, -spread, "k--", linewidth=1.0)
    for row in range(min(SHOWN, fabrication.dac_bow.shape[-1])):
        left.plot(codes, curves[:, row], linewidth=0.9, label=f"stage a, θ, row {row}")
    left.set_ylabel("integral non-linearity [LSB]", fontsize=8)
    left.set_xlabel("code", fontsize=8)
    left.set_title("output less the straight line between its ends", fontsize=9)
    left.legend(fontsize=7, loc="upper right", ncols=2)
    low, high = left.get_ylim()
    left.set_ylim(low, high + 0.35 * (high - low))
    places = np.arange(1, 2**CODED_BITS)
    right.plot(places, steps, ".", color="0.75", markersize=3)
    right.plot(places, np.sqrt(np.mean(steps**2, axis=1)), "k_", markersize=14, label="RMS")
    lowest = np.array([(k & -k).bit_length() for k in places.tolist()])
    expected = mod.dac_bit_weight_lsb * np.sqrt(lowest)
    right.plot(places, expected, "C3x", markersize=5, label="by the profile")
    right.axhline(0.0, color="0.5", linewidth=0.6)
    right.set_xticks(places)
    right.set_xlabel(
        f"code at which a leading bit comes on [2$^{{{bits - CODED_BITS}}}$]", fontsize=8
    )
    right.set_ylabel("differential non-linearity [LSB]", fontsize=8)
    right.set_title("uneven steps at major transitions; below −1 LSB: not monotonic", fontsize=9)
    right.legend(fontsize=7, loc="upper right")
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=7)
    return figure
