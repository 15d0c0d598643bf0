from __future__ import annotations

import numpy as np

from optical_device.draw import Draw
from optical_device.profile_sections import LARGEST_DEVIATION


def test_a_component_draws_the_same_whatever_was_drawn_before() -> None:
    one, other = Draw(7), Draw(7)
    other.uniform("another", (5,))
    assert np.array_equal(one.normal("mirror", (3,)), other.normal("mirror", (3,)))
    assert not np.array_equal(one.normal("mirror", (3,)), one.normal("prism", (3,)))
    assert not np.array_equal(one.normal("mirror", (3,)), Draw(8).normal("mirror", (3,)))


def test_a_shape_only_says_how_many() -> None:
    assert np.array_equal(Draw(7).normal("mirror", (2, 3)).ravel(), Draw(7).normal("mirror", (6,)))


def test_normals_are_kept_from_turning_factors_negative() -> None:
    draws = Draw(7).normal("many", (4_000_000,))
    # Of 4e6 normals about 2.3 lie beyond 5 sigmas; this seed has some.
    assert np.abs(draws).max() == LARGEST_DEVIATION
    assert abs(draws.std() - 1.0) < 6.11 / np.sqrt(2 * draws.size)


def test_around_one_is_a_number_or_an_array() -> None:
    draw = Draw(7)
    assert isinstance(draw.around_one("mirror", 0.1), float)
    assert draw.around_one("mirror", 0.0) == 1.0
    assert draw.around_one("mirror", 0.1, (2, 2)).shape == (2, 2)
