from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from optical_device.fabrication import Fabrication
from optical_device.thermal import (
    MODES,
    OFFSETS,
    RING_DISTANCES,
    chip_powers,
    diagonal_link,
    heat,
    memory,
    phases,
    remember,
    ring_kernel,
    sheet_kernel,
    substrate_rise,
    substrate_table,
)


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


def _k0(x: float) -> float:
    """Modified Bessel function by its integral, int_0^inf exp(-x cosh t) dt."""
    return float(quad(lambda t: math.exp(-x * math.cosh(t)), 0.0, 12.0, epsabs=0.0)[0])


@pytest.mark.parametrize("length", [0.2, 0.34, 1.0])
@pytest.mark.parametrize("distance", [1.0, math.sqrt(2.0), *RING_DISTANCES])
def test_near_heat_is_that_of_a_sheet(distance: float, length: float) -> None:
    expected = _k0(distance / length) / _k0(1.0 / length)
    assert sheet_kernel(distance, length) == pytest.approx(expected, rel=1e-7)


def test_a_short_sheet_heats_nobody_beyond_one_pitch() -> None:
    assert sheet_kernel(1.0, 0.0) == 1.0
    assert sheet_kernel(math.sqrt(2.0), 0.0) == 0.0
    # K0 itself underflows at 1/l = 1000; its ratio must not.
    assert 0.0 <= sheet_kernel(math.sqrt(2.0), 1e-3) < 1e-150
    assert sheet_kernel(1.0, 1e-3) == 1.0


def test_the_laboratorys_links_follow_from_its_sheet() -> None:
    # The published quarter at the diagonal is what 0.34 pitches were chosen for.
    assert diagonal_link(0.02, 0.34) == pytest.approx(0.005, rel=0.01)
    assert ring_kernel(0.02, 0.34).tolist() == [
        0.02 * sheet_kernel(rho, 0.34) for rho in (2.0, 5**0.5, 8**0.5)
    ]
    assert not ring_kernel(0.0, 0.34).any()


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_the_ring_is_sixteen_heaters_two_away(n: int, rng: np.random.Generator) -> None:
    power, ring = rng.random((3, 2, 2, n, n)), np.array([0.5, 0.25, 0.125])
    links, partner = np.zeros((2, 2, 4, n, n)), np.zeros((2, n, n))
    expected = power.copy()
    for r in range(n):
        for q in range(n):
            for dr in range(-2, 3):
                for dq in range(-2, 3):
                    if max(abs(dr), abs(dq)) == 2 and 0 <= r + dr < n and 0 <= q + dq < n:
                        weight = {4: 0.5, 5: 0.25, 8: 0.125}[dr**2 + dq**2]
                        expected[..., r, q] += weight * power[..., r + dr, q + dq]
    # Sums of 17 numbers of order 1.
    np.testing.assert_allclose(heat(power, links, partner, ring), expected, atol=1e-14)
    assert np.array_equal(heat(power, links, partner), power)


def test_the_power_of_a_chip_is_that_of_its_stages(rng: np.random.Generator) -> None:
    power = rng.random((3, 2, 2, 4, 4))
    assert chip_powers(power, 1).shape == (3, 1, 4, 4)
    np.testing.assert_allclose(chip_powers(power, 1)[:, 0], power.sum(axis=(1, 2)), rtol=1e-14)
    np.testing.assert_allclose(chip_powers(power, 2), power.sum(axis=2), rtol=1e-14)


def _neumann_laplacian(n: int) -> np.ndarray:
    """Second difference along an axis of n cells with insulated ends, per grid side squared."""
    laplacian = -2.0 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = -1.0
    return laplacian * n**2


@pytest.mark.parametrize("length", [0.2, 0.5, 2.0])
def test_the_substrate_is_the_insulated_sheets_lowest_modes(
    length: float, rng: np.random.Generator
) -> None:
    n, k_per_w = 20, 0.3
    power = rng.random((n, n))
    one, line = np.eye(n), _neumann_laplacian(n)
    system = np.eye(n * n) - length**2 * (np.kron(line, one) + np.kron(one, line))
    # Cells of area 1/n^2 of the grid: with R total power for the mean, q = R P n^2.
    exact = np.linalg.solve(system, 1e-3 * k_per_w * n**2 * power.ravel()).reshape(n, n)
    cosine = np.cos(np.pi * np.outer(np.arange(MODES), np.arange(n) + 0.5) / n)
    cosine *= np.sqrt(np.where(np.arange(MODES) == 0, 1.0, 2.0) / n)[:, None]
    lowest = cosine.T @ (cosine @ exact @ cosine.T) @ cosine
    rise = substrate_rise(power, substrate_table(k_per_w, length))
    assert rise.mean() == pytest.approx(1e-3 * k_per_w * power.sum(), rel=1e-12)
    # The cells' modes are the same cosines; their eigenvalues (2 n sin(x))^2, x = pi p/(2 n), fall
    # short of (pi p)^2 by at most x^2/3: of a mode's weight, and so of the sum of all varying ones.
    bound = (np.pi * (MODES - 1) / (2 * n)) ** 2 / 3
    varying = np.linalg.norm(lowest - lowest.mean())
    assert np.linalg.norm(rise - lowest) < bound * varying
    # What is left out weighs at most 1/(1 + 9 (pi L)^2) of a mean of like excitation.
    left_out = np.linalg.norm(exact - lowest) / np.linalg.norm(power - power.mean())
    assert left_out <= 1e-3 * k_per_w * n**2 / (1 + (1 - bound * 3) * (MODES * np.pi * length) ** 2)


def test_the_substrate_is_reciprocal_and_takes_batches(rng: np.random.Generator) -> None:
    table = substrate_table(0.3, 0.5)
    x, y = rng.random((2, 7, 7))
    forward, backward = np.sum(y * substrate_rise(x, table)), np.sum(x * substrate_rise(y, table))
    assert forward == pytest.approx(backward, rel=1e-13)
    both = substrate_rise(np.stack([x, y]), table)
    np.testing.assert_allclose(both[1], substrate_rise(y, table), rtol=1e-13)
    assert not substrate_rise(x, substrate_table(0.0, 0.5)).any()


def test_phase_is_pi_at_p_pi() -> None:
    np.testing.assert_allclose(phases(np.array([0.0, 0.5, 1.0]), 0.5), [0, np.pi, 2 * np.pi])


def test_memory_of_the_frame_before() -> None:
    assert memory(800.0, 100.0) == math.exp(-8.0)
    assert memory(800.0, 0.0) == 0.0
    steady, previous = np.array([2.0]), np.array([1.0])
    assert remember(steady, previous, 0.25).tolist() == [1.75]
    assert remember(steady, previous, 0.0).tolist() == [2.0]
