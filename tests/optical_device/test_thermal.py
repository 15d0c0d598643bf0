from __future__ import annotations

import math

import numpy as np

from optical_device.fabrication import Fabrication
from optical_device.thermal import OFFSETS, heat, memory, phases, remember


def _impulse(fabrication: Fabrication, at: tuple[int, int, int, int]) -> np.ndarray:
    n = fabrication.profile.device.n
    power = np.zeros((2, 2, n, n))
    power[at] = 1.0
    return np.asarray(heat(power, fabrication.links, fabrication.partner))


def test_crosstalk_is_reciprocal(lab: Fabrication, rng: np.random.Generator) -> None:
    x, y = rng.random((2, 2, 2, 16, 16))
    forward = np.sum(y * heat(x, lab.links, lab.partner))
    backward = np.sum(x * heat(y, lab.links, lab.partner))
    # Sums of 1024 products of order 1: rounding below 1024 eps.
    np.testing.assert_allclose(forward, backward, rtol=1024 * np.finfo(float).eps)


def test_heat_reaches_eight_neighbours_and_the_partner_only(lab: Fabrication) -> None:
    q = _impulse(lab, (0, 1, 7, 9))
    assert q[0, 1, 7, 9] == 1.0
    nearest, diagonal = [], []
    for row in range(16):
        for column in range(16):
            down, right = abs(row - 7), abs(column - 9)
            value = q[0, 1, row, column]
            if down + right == 1:
                nearest.append(value)
            elif (down, right) == (1, 1):
                diagonal.append(value)
            elif (down, right) != (0, 0):
                assert value == 0.0
    # 10 % scatter, kept within 5 sigmas.
    assert len(nearest) == len(diagonal) == 4
    assert all(0.01 < value < 0.03 for value in nearest)
    assert all(0.0025 < value < 0.0075 for value in diagonal)
    partner = q[0, 0]
    assert 0.005 < partner[7, 9] < 0.015
    assert np.count_nonzero(partner) == 1
    assert not q[1].any()


def test_nothing_wraps_around_the_edges(lab: Fabrication) -> None:
    for corner in [(0, 0), (0, 15), (15, 0), (15, 15)]:
        q = _impulse(lab, (1, 0, *corner))[1, 0]
        assert np.count_nonzero(q) == 4
        rows, columns = np.nonzero(q)
        assert np.all(np.abs(rows - corner[0]) <= 1)
        assert np.all(np.abs(columns - corner[1]) <= 1)


def test_a_link_lies_where_its_name_says(lab: Fabrication) -> None:
    for link, (down, right) in OFFSETS.items():
        q = _impulse(lab, (0, 0, 5, 6))[0, 0]
        assert q[5 + down, 6 + right] == lab.links[0, 0, int(link), 5, 6]
        assert q[5 - down, 6 - right] == lab.links[0, 0, int(link), 5 - down, 6 - right]


def test_heat_adds_and_never_cools(lab: Fabrication, rng: np.random.Generator) -> None:
    power = rng.random((2, 2, 16, 16))
    q = heat(power, lab.links, lab.partner)
    assert np.all(q >= power)
    # At most 4 nearest, 4 diagonal and a partner, each 50 % above nominal: 16.5 % of the largest.
    assert np.all(q - power <= 1.5 * (4 * 0.02 + 4 * 0.005 + 0.01) * power.max())


def test_phase_is_pi_at_p_pi() -> None:
    np.testing.assert_allclose(phases(np.array([0.0, 0.5, 1.0]), 0.5), [0, np.pi, 2 * np.pi])


def test_memory_of_the_frame_before() -> None:
    assert memory(800.0, 100.0) == math.exp(-8.0)
    assert memory(800.0, 0.0) == 0.0
    steady, previous = np.array([2.0]), np.array([1.0])
    assert remember(steady, previous, 0.25).tolist() == [1.75]
    assert remember(steady, previous, 0.0).tolist() == [2.0]
