"""What a seed makes of the chip: converters, couplers, and the links between heaters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optical_device import thermal
from optical_device.draw import Draw
from optical_device.modulator import CODED_BITS, coupler_amplitudes, coupler_errors
from optical_device.profile import Profile

__all__ = ["converters", "couplers", "links"]

Floats = NDArray[np.float64]


def converters(profile: Profile, draw: Draw) -> tuple[Floats, Floats]:
    """Bow (2, 2, N) and bit errors (2, 2, N, CODED_BITS) of each row's converters [full scale]."""
    mod, bits, n = profile.modulator, profile.device.dac_bits, profile.device.n
    lsb = 1.0 / (2**bits - 1) if bits else 0.0
    bow = mod.dac_bow_lsb * lsb * draw.normal("dac bow", (2, 2, n))
    return bow, mod.dac_bit_weight_lsb * lsb * draw.normal("dac bits", (2, 2, n, CODED_BITS))


def couplers(profile: Profile, draw: Draw) -> tuple[Floats, Floats]:
    """Arm amplitudes (2, N, N): extinction uniform in dB, of either sign, and scattered loss."""
    mod = profile.modulator
    shape = (2, profile.device.n, profile.device.n)
    low, high = mod.extinction_min_db, mod.extinction_max_db
    extinction_db = low + (high - low) * draw.uniform("extinction", shape) if low < high else low
    sign = np.where(draw.uniform("extinction sign", shape) < 0.5, -1.0, 1.0)
    common = mod.coupler_common_spread * draw.normal("coupler common", shape)
    d1, d2 = coupler_errors(np.asarray(extinction_db), sign, common)
    loss = 10.0 ** (-mod.insertion_loss_db / 10.0)
    loss *= draw.around_one("insertion lot", mod.insertion_lot_spread)
    return coupler_amplitudes(
        d1, d2, loss * draw.around_one("insertion", mod.insertion_scatter, shape)
    )


def links(profile: Profile, draw: Draw) -> Floats:
    """Thermal coefficients to four neighbours (2, 2, 4, N, N), `thermal.Link`; 0 off the grid."""
    heat, n = profile.thermal, profile.device.n
    links = draw.around_one("links", heat.link_scatter, (2, 2, len(thermal.Link), n, n))
    links *= draw.around_one("links lot", heat.link_lot_spread)
    row, column = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    for link, (down, right) in thermal.OFFSETS.items():
        kernel = thermal.sheet_kernel(np.hypot(down, right), heat.heat_length_pitches)
        inside = (row + down < n) & (column + right < n) & (column + right >= 0)
        links[:, :, int(link)] *= heat.link_nearest * kernel * inside
    return np.asarray(links)
