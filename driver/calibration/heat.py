"""Heat that reaches further than the next pixel: the second ring of neighbours, and the substrate.

The second ring has three coefficients, by distance.  The substrate's rise above its carrier is a
sum of the first 3 x 3 cosine modes of a plate with insulated edges, each driven by its moment of
the frame's power.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.calibration import RealArray
from driver.info import NominalValues

__all__ = [
    "MODES",
    "cosines",
    "mode_moments",
    "nominal_substrate",
    "ring_row",
    "warmth_row",
]

MODES = 3
"""Cosine modes of the substrate along each axis."""

RING_DISTANCES = (2.0, 5.0**0.5, 8.0**0.5)
"""Distances of the second ring's pixels: (0, 2), (1, 2) and (2, 2) [pitches]."""


def nominal_substrate(nominal: NominalValues) -> RealArray:
    """Phase of theta per moment of power by the data sheet, (3, 3) [rad/mW]."""
    return nominal.ambient_rad_per_k * np.array(nominal.substrate_k_per_mw)


def ring_row(power: RealArray, row: int, ring: RealArray) -> RealArray:
    """Heat of one row's pixels from the second ring, (N, frames) of power (N, N, frames) [mW]."""

    def line(at: int) -> RealArray | float:
        return power[at] if 0 <= at < len(power) else 0.0

    straight, knight, corner = (power.dtype.type(value) for value in ring)
    far = line(row - 2) + line(row + 2)
    near = line(row - 1) + line(row + 1)
    side = straight * power[row] + knight * near + corner * far
    heat: RealArray = straight * far + np.zeros_like(power[row])
    if np.ndim(far):
        heat[1:] += knight * far[:-1]  # type: ignore[index]
        heat[:-1] += knight * far[1:]  # type: ignore[index]
    heat[2:] += side[:-2]
    heat[:-2] += side[2:]
    return heat


def cosines(size: int) -> RealArray:
    """``cos(pi p (r + 1/2) / N)``, (3, N)."""
    return np.cos(np.pi * np.arange(MODES)[:, None] * (np.arange(size) + 0.5) / size)


def mode_moments(power: RealArray) -> RealArray:
    """Moments of the power of all heaters (2, 2, N, N, frames), (3, 3, frames) float64 [mW]."""
    waves = cosines(power.shape[2]).astype(power.dtype)
    by_row = np.array([waves @ power[:, :, row].sum((0, 1)) for row in range(power.shape[2])])
    return np.einsum("pr,rmf->pmf", waves, by_row).astype(np.float64)


def warmth_row(row: int, substrate: RealArray, moments: RealArray, size: int) -> RealArray:
    """Phase of theta in one row by the substrate's warmth, (N, frames) float32 [rad]."""
    waves = cosines(size)
    across = np.einsum("p,pm,pmf->mf", waves[:, row], substrate, moments)
    return (waves.T @ across).astype(np.float32)
