"""Heat: crosstalk between heaters, phase from power, and the memory of the frame before.

Functions take NumPy or torch arrays (`array_api_compat`) and keep their kind, device and gradient.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

from array_api_compat import array_namespace

__all__ = ["Link", "heat", "memory", "phases", "remember"]

Array = Any


class Link(IntEnum):
    """Order of the four planes that describe all eight neighbours (each link serves both ways)."""

    EAST = 0
    SOUTH = 1
    SOUTH_EAST = 2
    SOUTH_WEST = 3


OFFSETS = {
    Link.EAST: (0, 1),
    Link.SOUTH: (1, 0),
    Link.SOUTH_EAST: (1, 1),
    Link.SOUTH_WEST: (1, -1),
}
"""(row, column) step from a pixel to the neighbour at the other end of a link."""


def heat(power_mw: Array, links: Array, partner: Array) -> Array:
    """Heat that reaches each heater, Q_i = P_i + sum_j c_ij P_j + partner P_other [mW].

    The coefficients are symmetric, c_ij = c_ji: the Green's function of heat conduction is
    reciprocal.  Form and size: arXiv 2404.10589.

    Parameters
    ----------
    power_mw : (..., 2, 2, N, N)
        Power by stage and heater (theta, phi).
    links : (2, 2, 4, N, N)
        By stage, heater and `Link`: coefficient between a pixel and that neighbour; 0 where the
        neighbour lies outside the grid.
    partner : (2, N, N)
        Coefficient between the two heaters of a pixel, by stage.
    """
    xp = array_namespace(power_mw, links)
    total = power_mw + partner[:, None, :, :] * xp.flip(power_mw, axis=-3)
    for link, (row, column) in OFFSETS.items():
        c = links[:, :, int(link), :, :]
        there, back = (-row, -column), (row, column)
        total = total + c * xp.roll(power_mw, there, axis=(-2, -1))
        # A link that would leave the grid is 0, so nothing wraps around here either.
        total = total + xp.roll(c * power_mw, back, axis=(-2, -1))
    return total


def phases(heat_mw: Array, p_pi_mw: Array) -> Array:
    """Phase of a heated waveguide, psi = pi Q / P_pi [rad]."""
    return heat_mw * (math.pi / p_pi_mw)


def memory(settle_us: float, tau_us: float) -> float:
    """Share of the frame before that is left after settling, eps = exp(-settle / tau)."""
    return math.exp(-settle_us / tau_us) if tau_us > 0.0 else 0.0


def remember(steady: Array, previous: Array, eps: float) -> Array:
    """Phases at the exposures of a frame, psi = (1 - eps) steady + eps previous [rad].

    First-order heating with one frame of memory: `previous` is the steady state of the frame
    before; the neglected second-order term is eps^2.
    """
    return steady + eps * (previous - steady)
