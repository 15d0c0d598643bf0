"""Thermal links: from what each pixel feels of its neighbours to one symmetric table.

The heaters' fit finds, for every pixel and direction, a link of its own.  Heat diffusion is
reciprocal, so both ends of a link share one coefficient c; what makes their views differ is that
heaters of unequal resistance turn equal codes into unequal powers: with strength a (true over
nominal power at equal code), pixel i feels ``c a_j / a_i`` of j.  The logarithm of the ratio of
both views is thus ``2 (ln a_j - ln a_i)``: the strengths follow from a least-squares problem on
the graph of links, and c is the mean of both views after their strengths are divided out.  Half
the noise of c goes with the averaging.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver.calibration.calibration import RealArray
from driver.calibration.model import DIRECTIONS, neighbour

__all__ = ["SymmetricLinks", "directed_links", "symmetrise"]

STRENGTH_SIGMA = 0.02
"""Scatter of the heaters' powers at equal code, a prior: thin-film resistors hold a few per cent.

An assumption of the fit, not a datum of any profile.  It needs no care: between 0.01 and 0.05 the
links' error stays the same to three digits, and convolution errors move by less than 0.3 %.
"""

ROUNDS = 400
"""Jacobi rounds of the strengths' normal equations; each shrinks the error by 1.8 % or more."""


@dataclass(slots=True)
class SymmetricLinks:
    """Reciprocal coefficients (2, 2, 4, N, N) and heater strengths (2, 2, N, N)."""

    coefficient: RealArray
    strength: RealArray
    apart: float = 0.0
    """RMS by which a link's two views differ from their mean, strengths divided out."""
    pairs: int = 0
    """Links that there are two views of."""


def symmetrise(
    links: RealArray, mean: RealArray, sigma: RealArray, information: RealArray
) -> SymmetricLinks:
    """Reciprocal links and strengths that explain links fitted one way.

    Parameters
    ----------
    links
        (2, 2, 8, N, N): posterior mean of what a pixel feels in each direction.
    mean, sigma
        (2, 2, 4): the population's mean and scatter that the fit took as prior.
    information
        (2, 2, 4): the data's share f in the posterior, ``sigma^2 / (sigma^2 + v)`` with v the
        variance of the data alone.

    Notes
    -----
    A posterior ``L = m + f (data - m)`` gives back the data; of two views with variance v each,
    the posterior is ``m + 2 f / (1 + f) (data - m)``.
    """
    log_strength = _log_strength(links, mean, sigma, information)
    strength = np.exp(log_strength)
    coefficient = np.zeros((*links.shape[:2], 4, *links.shape[3:]))
    squares, pairs = 0.0, 0
    for index in range(4):
        offset = DIRECTIONS[index]
        inside = _inside(strength, offset)
        ratio = np.where(inside, neighbour(strength, offset) / strength, 1.0)
        back = neighbour(links[:, :, index + 4], offset)
        centre = mean[:, :, index, None, None]
        gain = 2 / (1 + information[:, :, index, None, None])
        both = 0.5 * (links[:, :, index] / ratio + back * ratio)
        value = centre + gain * (both - centre)
        coefficient[:, :, index] = np.where(inside, value, 0.0)
        apart = 0.5 * (links[:, :, index] / ratio - back * ratio)
        squares += float(np.sum(inside * apart**2))
        pairs += 4 * int(inside.sum())
    return SymmetricLinks(coefficient, strength, float(np.sqrt(squares / max(pairs, 1))), pairs)


def directed_links(symmetric: SymmetricLinks) -> RealArray:
    """What each pixel feels in each of the 8 directions, (2, 2, 8, N, N)."""
    strength, coefficient = symmetric.strength, symmetric.coefficient
    links = np.zeros((*strength.shape[:2], 8, *strength.shape[2:]))
    for index in range(4):
        down, right = DIRECTIONS[index]
        link = coefficient[:, :, index]
        links[:, :, index] = link * neighbour(strength, (down, right)) / strength
        links[:, :, index + 4] = neighbour(link * strength, (-down, -right)) / strength
    return links


def _inside(like: RealArray, offset: tuple[int, int]) -> RealArray:
    """Which pixels have a neighbour at `offset`, (N, N) bool."""
    return neighbour(np.ones(like.shape[-2:]), offset) > 0


def _log_strength(
    links: RealArray, mean: RealArray, sigma: RealArray, information: RealArray
) -> RealArray:
    """Logarithm of the strengths, (2, 2, N, N): weighted least squares with a prior of 0."""
    shape = (*links.shape[:2], *links.shape[3:])
    differences: list[tuple[tuple[int, int], RealArray, RealArray]] = []
    diagonal = np.full(shape, 1 / STRENGTH_SIGMA**2)
    for index in range(4):
        offset = DIRECTIONS[index]
        centre, share = mean[:, :, index, None, None], information[:, :, index, None, None]
        known = (centre > 0) & (share > 1e-3)
        share = np.where(known, share, 1.0)
        inside = _inside(links, offset) & known
        back = neighbour(links[:, :, index + 4], offset)
        scale = np.where(known, 2 * centre * share, 1.0)
        difference = np.where(inside, (links[:, :, index] - back) / scale, 0.0)
        noise = sigma[:, :, index, None, None] ** 2 * (1 - share) / share
        variance = np.maximum(2 * noise / np.where(known, 2 * centre, 1.0) ** 2, 1e-8)
        weight = np.where(inside, 1 / variance, 0.0)
        differences.append((offset, difference, weight))
        back_offset = (-offset[0], -offset[1])
        diagonal = diagonal + weight + neighbour(weight, back_offset)
    value = np.zeros(shape)
    for _ in range(ROUNDS):
        total = np.zeros(shape)
        for offset, difference, weight in differences:
            back_offset = (-offset[0], -offset[1])
            total += weight * (neighbour(value, offset) - difference)
            total += neighbour(weight * (value + difference), back_offset)
        value = total / diagonal
    return value
