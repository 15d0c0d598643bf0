"""Links and strengths: one-way views made, taken apart again, and the noise they average."""

from __future__ import annotations

import numpy as np

from driver.calibration.model import DIRECTIONS, neighbour
from driver.calibration.reciprocity import SymmetricLinks, directed_links, symmetrise

SIZE = 16
MEAN = np.broadcast_to(np.array([0.02, 0.02, 0.005, 0.005]), (2, 2, 4))
SIGMA = 0.1 * MEAN


def fabricated(rng, spread=0.01):
    links = MEAN[..., None, None] + SIGMA[..., None, None] * rng.standard_normal(
        (2, 2, 4, SIZE, SIZE)
    )
    for index in range(4):
        links[:, :, index] *= neighbour(np.ones((SIZE, SIZE)), DIRECTIONS[index])
    return SymmetricLinks(links, np.exp(spread * rng.standard_normal((2, 2, SIZE, SIZE))))


def test_views_of_both_ends_are_reciprocal():
    """c_ij a_j / a_i times c_ij a_i / a_j is c_ij squared, whatever the strengths."""
    made = fabricated(np.random.default_rng(0))
    views = directed_links(made)
    for index in range(4):
        back = neighbour(views[:, :, index + 4], DIRECTIONS[index])
        np.testing.assert_allclose(views[:, :, index] * back, made.coefficient[:, :, index] ** 2)


def test_no_link_leads_outside():
    views = directed_links(fabricated(np.random.default_rng(1)))
    for index, offset in enumerate(DIRECTIONS):
        outside = neighbour(np.ones((SIZE, SIZE)), offset) == 0
        assert not np.any(views[:, :, index, outside])


def test_noiseless_views_give_back_links_and_strengths():
    """With all information (share 1) what is lost is the strengths' mean, a gauge that the prior
    sets to 0: sigma / N = 0.01 / 16; and second order of (c - mean) / mean times a's differences:
    0.1 * 0.014 of a difference, 5 sigma."""
    made = fabricated(np.random.default_rng(2))
    share = np.full((2, 2, 4), 0.999)
    found = symmetrise(directed_links(made), MEAN, SIGMA, share)
    ratio = found.strength / made.strength
    assert np.max(np.abs(ratio - 1)) < 5 * 0.01 / SIZE + 5 * 0.1 * 0.014
    np.testing.assert_allclose(found.coefficient, made.coefficient, rtol=0, atol=0.01 * 0.02)


def test_symmetry_averages_noise_and_strengths_explain_asymmetry():
    """Views with noise v: the mean of both ends leaves v / 2.  Ignoring strengths would leave
    1.4 % of 0.02 besides."""
    rng = np.random.default_rng(3)
    made = fabricated(rng)
    noise = 1.5e-4
    views = directed_links(made)
    views += noise * rng.standard_normal(views.shape) * (views != 0)
    share = SIGMA**2 / (SIGMA**2 + noise**2)
    centre = np.concatenate([MEAN, MEAN], 2)[..., None, None]
    shrunk = centre + np.concatenate([share, share], 2)[..., None, None] * (views - centre)
    found = symmetrise(np.where(views != 0, shrunk, 0.0), MEAN, SIGMA, share)
    error = (found.coefficient - made.coefficient)[made.coefficient != 0]
    assert np.sqrt(np.mean(error**2)) < noise / np.sqrt(2) * 1.05
    untouched = np.std(np.log(made.strength))
    assert np.std(np.log(found.strength / made.strength)) < 0.6 * untouched


def test_a_chip_without_crosstalk_has_unit_strengths():
    zero = np.zeros((2, 2, 4))
    found = symmetrise(np.zeros((2, 2, 8, SIZE, SIZE)), zero, zero, zero)
    assert not np.any(found.coefficient)
    np.testing.assert_array_equal(found.strength, 1.0)
