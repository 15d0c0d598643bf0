"""Comparing two fields up to what no camera can tell: a complex factor and a tilt.

A tilt of the field behind the chip is a shift of its spectrum on the camera; calibration takes the
camera's pixels for the origin, so that the tilt is its own to choose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["aligned_to"]

Complexes = NDArray[np.complex128]

_PADDING = 8
_ROUNDS = 3


def aligned_to(target: Complexes, field: Complexes) -> Complexes:
    """The field times the factor c e^{i(kr r + kq q)} that brings it closest to the target, (N, N).

    The tilt (kr, kq) maximises |sum conj(target) field e^{...}|: coarsely by a transform padded
    eight times, then by fitting a plane to the remaining phase; c is the least squares one.
    """
    n = target.shape[0]
    row, column = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    product = np.conj(target) * field
    power = np.abs(np.fft.fft2(product, s=(_PADDING * n, _PADDING * n)))
    peak = np.unravel_index(int(power.argmax()), power.shape)
    step = 2.0 * np.pi / (_PADDING * n)
    kr, kq = (-step * float(p) for p in peak)
    weight = np.abs(product).ravel()
    basis = np.stack([row.ravel(), column.ravel(), np.ones(n * n)], axis=1) * weight[:, None]
    for _ in range(_ROUNDS):
        turned = product * np.exp(1j * (kr * row + kq * column))
        rest = np.angle(turned * np.conj(turned.sum())).ravel()
        slope = np.linalg.lstsq(basis, rest * weight, rcond=None)[0]
        kr, kq = kr - float(slope[0]), kq - float(slope[1])
    turned = field * np.exp(1j * (kr * row + kq * column))
    brightness = float(np.sum(np.abs(turned) ** 2))
    factor = np.vdot(turned, target) / brightness if brightness > 0.0 else 0.0
    return np.asarray(factor * turned)
