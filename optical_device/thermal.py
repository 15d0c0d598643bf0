"""Heat: crosstalk between heaters, the substrate's warming, phase, memory of the frame before.

Near heaters share the heat of a conducting sheet that loses it to the substrate below; the
substrate itself, warmer than its carrier, gives every heater the slowly varying rest.

Functions take NumPy or torch arrays (`array_api_compat`) and keep their kind, device and gradient.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray
from scipy.special import k0e

__all__ = [
    "MODES",
    "OFFSETS",
    "RING_DISTANCES",
    "Link",
    "chip_powers",
    "diagonal_link",
    "heat",
    "memory",
    "phases",
    "remember",
    "ring_kernel",
    "sheet_kernel",
    "substrate_rise",
    "substrate_table",
]

Array = Any

MODES = 3
"""Cosine modes of the substrate per axis."""

RING_DISTANCES = (2.0, math.sqrt(5.0), math.sqrt(8.0))
"""Of the heaters two rows or columns away [pitches], in the order of the ring's coefficients."""


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


def sheet_kernel(distance_pitches: float, heat_length_pitches: float) -> float:
    """Heat at a distance over that at one pitch, k(rho) = K0(rho/l)/K0(1/l).

    K0 is the Green's function of a sheet that conducts sideways and loses heat downwards,
    -l^2 lap T + T = q (modified Bessel function of the second kind, order 0; Carslaw and Jaeger,
    Conduction of Heat in Solids, section 10).  l = 0: nothing beyond one pitch.
    """
    rho, length = distance_pitches, heat_length_pitches
    if length == 0.0:
        return 1.0 if rho <= 1.0 else 0.0
    # k0e(x) = e^x K0(x), which doesn't underflow.
    return float(k0e(rho / length) / k0e(1.0 / length) * math.exp((1.0 - rho) / length))


def ring_kernel(link_nearest: float, heat_length_pitches: float) -> NDArray[np.float64]:
    """Coefficients of the second ring of heaters by `RING_DISTANCES`, shape (3,)."""
    kernel = [sheet_kernel(rho, heat_length_pitches) for rho in RING_DISTANCES]
    return link_nearest * np.array(kernel)


def diagonal_link(link_nearest: float, heat_length_pitches: float) -> float:
    """Coefficient to a diagonal neighbour, that of the nearest times k(sqrt 2)."""
    return link_nearest * sheet_kernel(math.sqrt(2.0), heat_length_pitches)


def heat(power_mw: Array, links: Array, partner: Array, ring: Array | None = None) -> Array:
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
    ring : (3,)
        Coefficients of the 16 heaters two rows or columns away, by `RING_DISTANCES`; none by
        default.
    """
    xp = array_namespace(power_mw, links)
    total = power_mw + partner[:, None, :, :] * xp.flip(power_mw, axis=-3)
    for link, (row, column) in OFFSETS.items():
        c = links[:, :, int(link), :, :]
        there, back = (-row, -column), (row, column)
        total = total + c * xp.roll(power_mw, there, axis=(-2, -1))
        # A link that would leave the grid is 0, so nothing wraps around here either.
        total = total + xp.roll(c * power_mw, back, axis=(-2, -1))
    return total if ring is None else total + _ring_heat(power_mw, ring)


def _ring_heat(power_mw: Array, ring: Array) -> Array:
    """Heat of the second ring, from sums over both neighbours one and two steps away by axis."""
    row_1, row_2 = (_both_ways(power_mw, step, -2) for step in (1, 2))
    straight = row_2 + _both_ways(power_mw, 2, -1)
    oblique = _both_ways(row_2, 1, -1) + _both_ways(row_1, 2, -1)
    return ring[0] * straight + ring[1] * oblique + ring[2] * _both_ways(row_2, 2, -1)


def _both_ways(x: Array, step: int, axis: int) -> Array:
    """x(i - step) + x(i + step) along an axis, 0 outside the grid."""
    xp = array_namespace(x)
    x = xp.moveaxis(x, axis, 0)
    edge = xp.zeros_like(x[:step, ...])
    before = xp.concat([edge, x], axis=0)[: x.shape[0], ...]
    after = xp.concat([x, edge], axis=0)[-x.shape[0] :, ...]
    return xp.moveaxis(before + after, 0, axis)


def chip_powers(power_mw: Array, chips: int) -> Array:
    """Power of each pixel of each chip [mW], (..., chips, N, N), of (..., 2, 2, N, N) heaters.

    One chip holds both stages, two chips one each.
    """
    xp = array_namespace(power_mw)
    by_stage = xp.sum(power_mw, axis=-3)
    return xp.sum(by_stage, axis=-3, keepdims=True) if chips == 1 else by_stage


def substrate_table(k_per_w: float, length_grids: float) -> NDArray[np.float64]:
    """Temperature rise of a chip's lowest cosine modes per power, R_pm [K/mW], (MODES, MODES).

    A chip that conducts sideways, loses heat to its carrier and has insulated edges,
    -L^2 lap T + T = q (L in grid sides), has the eigenmodes cos(pi p (r + 1/2)/N)
    cos(pi m (q + 1/2)/N) with 1 + (pi L)^2 (p^2 + m^2) for eigenvalues (Carslaw and Jaeger, section
    5).  Normalised so that the mean rise is R times the total power:

        R_pm = R (2 - [p = 0]) (2 - [m = 0])/(1 + (pi L)^2 (p^2 + m^2)).

    A mode that is left out, p or m >= MODES, weighs at most 1/(1 + MODES^2 pi^2 L^2) of the mean.
    """
    order = np.arange(MODES)
    weight = np.where(order == 0, 1.0, 2.0)
    decay = 1.0 + (np.pi * length_grids) ** 2 * (order[:, None] ** 2 + order[None, :] ** 2)
    return 1e-3 * k_per_w * np.outer(weight, weight) / decay


def substrate_rise(power_mw: Array, table_k_per_mw: Array) -> Array:
    """Temperature rise of chips above their carrier by their own power [K].

    T(r, q) = sum_pm R_pm C_p(r) C_m(q) M_pm,    M_pm = sum_rq C_p(r) C_m(q) P(r, q),
    C_p(r) = cos(pi p (r + 1/2)/N).

    Parameters
    ----------
    power_mw : (..., N, N) power of each pixel
    table_k_per_mw : (MODES, MODES), `substrate_table`
    """
    xp = array_namespace(power_mw, table_k_per_mw)
    on = {"dtype": table_k_per_mw.dtype, "device": device(table_k_per_mw)}
    n = power_mw.shape[-1]
    place = (xp.arange(n, **on) + 0.5) * (math.pi / n)
    modes = xp.cos(xp.arange(MODES, **on)[:, None] * place)
    moments = modes @ power_mw @ modes.T
    return modes.T @ (table_k_per_mw * moments) @ modes


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
