"""A conducting sheet that loses heat downwards, -l^2 laplace(T) + T = q, by finite differences.

Five-point scheme, insulated edges, LU factors.  Two uses: heaters of a pixel grid, where l is a
third of a pitch, and the chip as a whole, where it is half of its side.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

Floats = NDArray[np.float64]

CELLS, PITCHES = 21, 11
"""Cells per pitch, and pitches a side, of the sheet with heaters."""
MIDDLE = PITCHES // 2
DECAY, HEATER = 0.34, 3
"""Decay length [pitches] and heater width [cells]: what the profile's numbers ask for."""


@cache
def factorised(side: int, length: float):  # type: ignore[no-untyped-def]
    """LU factors for a square of `side` cells, with the decay length in cells."""
    ones = np.ones(side)
    line = sparse.diags_array([-ones[1:], 2 * ones, -ones[1:]], offsets=[-1, 0, 1]).tolil()
    line[0, 0] = line[-1, -1] = 1.0
    laplacian = sparse.kron(line, sparse.eye_array(side)) + sparse.kron(
        sparse.eye_array(side), line
    )
    return splu((length**2 * laplacian + sparse.eye_array(side**2)).tocsc())


def temperature(source: tuple[int, int], decay_pitches: float = DECAY) -> Floats:
    """Mean over every heater for unit power in the heater of one pitch, (PITCHES, PITCHES)."""
    lead = (CELLS - HEATER) // 2
    inside = slice(lead, lead + HEATER)
    power = np.zeros((PITCHES, CELLS, PITCHES, CELLS))
    power[source[0], inside, source[1], inside] = 1.0
    lu = factorised(CELLS * PITCHES, decay_pitches * CELLS)
    field = lu.solve(power.ravel()).reshape(power.shape)
    return np.asarray(field[:, inside, :, inside].mean((1, 3)))


@cache
def shares(decay_pitches: float = DECAY) -> Floats:
    """Temperatures for a source in the middle, over its own."""
    seen = temperature((MIDDLE, MIDDLE), decay_pitches)
    return np.asarray(seen / seen[MIDDLE, MIDDLE])


def chip_rise(power: Floats, length_grids: float, cells: int = 4) -> Floats:
    """Temperature of a chip at its pixels for a power per pixel, mean 1 for a total power of 1.

    `cells` of the scheme to a pixel and axis; the pixel's power is spread over it, its temperature
    averaged.
    """
    n = len(power)
    lu = factorised(n * cells, length_grids * n * cells)
    spread = np.kron(power, np.ones((cells, cells))) * n**2
    return np.asarray(lu.solve(spread.ravel()).reshape(n, cells, n, cells).mean((1, 3)))
