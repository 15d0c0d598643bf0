"""Heat against its own equations: settling as an ordinary, spreading as a partial one."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.sparse.linalg import splu
from scipy.special import k0

from driver import open_device
from optical_device.profile import load_profile
from optical_device.thermal import heat, memory, remember

Floats = NDArray[np.float64]


@pytest.mark.parametrize("time_constants", [4.0, 5.5, 8.0])
def test_a_step_of_heat_arrives_as_one_minus_an_exponential(time_constants: float) -> None:
    # The whole field turned by one phase, seen through four-step detection at the axis: from cold,
    # psi(s) = psi (1 - e^{-s / tau}).
    n, phase = 8, 5.0
    options = {"device__n": n, "thermal__tau_us": 800.0 / time_constants}
    codes = np.zeros((3, 2, 2, n, n), np.float32)
    codes[1:, 0, 1] = math.sqrt(phase / (2.8 * np.pi))
    with open_device("emulator:ideal", seed=7, threads=1, **options) as device:
        counts = device.expose(codes, launch_step=20)[..., n // 2, n // 2].astype(float)
    y = (counts[:, 0] - counts[:, 2]) + 1j * (counts[:, 1] - counts[:, 3])
    turned = np.mod(np.angle(y / y[0]), 2 * np.pi)
    # float32: some 1e-6 rad.
    assert turned[1] == pytest.approx(phase * (1 - math.exp(-time_constants)), abs=1e-5)
    assert turned[2] == pytest.approx(phase, abs=1e-5)


@pytest.mark.parametrize("time_constants", [4.0, 8.0])
def test_one_frame_of_memory_is_the_differential_equation(time_constants: float) -> None:
    """tau dpsi/dt = psi_steady - psi, integrated over 30 frames that never settle for long."""
    rng = np.random.default_rng(5)
    steady = 2 * np.pi * rng.random(30)
    exact, psi = [], 0.0
    for wanted in steady:

        def slope(_: float, psi: Floats, wanted: float = wanted) -> Floats:
            return wanted - psi

        run = solve_ivp(slope, (0.0, time_constants), [psi], rtol=1e-10, atol=1e-12)
        psi = float(run.y[0, -1])
        exact.append(psi)
    eps = memory(time_constants, 1.0)
    before = np.concatenate([[0.0], steady[:-1]])
    seen = remember(steady, before, eps)
    # Left out is what the frame before the last one left, eps^2 of at most 2 pi: 2 mrad at the
    # 4 time constants below which profiles are refused, 0.7 urad at the laboratory's 8.
    assert np.abs(seen - exact).max() < eps**2 * 2 * np.pi
    assert np.abs(seen - exact).max() > 0.1 * eps**2 * 2 * np.pi


def test_later_exposures_would_be_closer_to_settled_than_the_model_says() -> None:
    """What the one phase per frame leaves out: settling goes on while the camera works."""
    timing = load_profile("lab").timing
    tau = load_profile("lab").thermal.tau_us
    eps = memory(timing.settle_us, tau)
    middles = timing.settle_us + timing.exposure_us / 2
    middles += np.arange(4) * (timing.exposure_us + timing.readout_us)
    left = np.exp(-middles / tau)
    # The model's memory is an upper bound: 2.1 mrad of 2 pi where the first exposure would see
    # 1.3 and the others, from 750 us on, under 1 urad.
    assert np.all(left < eps)
    assert 2 * np.pi * eps == pytest.approx(2.1e-3, rel=0.01)
    assert 2 * np.pi * left[0] == pytest.approx(1.28e-3, rel=0.01)
    assert 2 * np.pi * left[1] < 1e-6


# ---- heaters on a sheet that loses heat to the substrate: -l^2 laplace(T) + T = q ---------------

CELLS, PITCHES = 21, 9
"""Cells per pitch, and pitches a side, of the finite-difference sheet."""
MIDDLE = PITCHES // 2
DECAY, HEATER = 0.34, 3
"""Decay length [pitches] and heater width [cells]: what the profile's two numbers ask for."""


@cache
def factorised(decay_pitches: float):  # type: ignore[no-untyped-def]
    """LU factors of the five-point scheme with insulated edges."""
    side = CELLS * PITCHES
    ones = np.ones(side)
    line = sparse.diags_array([-ones[1:], 2 * ones, -ones[1:]], offsets=[-1, 0, 1]).tolil()
    line[0, 0] = line[-1, -1] = 1.0
    laplacian = sparse.kron(line, sparse.eye_array(side)) + sparse.kron(
        sparse.eye_array(side), line
    )
    length = decay_pitches * CELLS
    return splu((length**2 * laplacian + sparse.eye_array(side**2)).tocsc())


def temperature(source: tuple[int, int], decay_pitches: float = DECAY) -> Floats:
    """Mean over every heater for unit power in the heater of one pitch, (PITCHES, PITCHES)."""
    lead = (CELLS - HEATER) // 2
    inside = slice(lead, lead + HEATER)
    power = np.zeros((PITCHES, CELLS, PITCHES, CELLS))
    power[source[0], inside, source[1], inside] = 1.0
    field = factorised(decay_pitches).solve(power.ravel()).reshape(power.shape)
    return np.asarray(field[:, inside, :, inside].mean((1, 3)))


def shares(decay_pitches: float = DECAY) -> Floats:
    """Temperatures for a source in the middle, over its own."""
    seen = temperature((MIDDLE, MIDDLE), decay_pitches)
    return np.asarray(seen / seen[MIDDLE, MIDDLE])


def test_the_finite_differences_are_the_green_function_of_the_sheet() -> None:
    # Away from a small heater T ~ K0(r / l).  The scheme's decay per unit of r / l is off by
    # (cell / l)^2 / 24 = 0.1 %: 1 % at the third neighbour; the heater's width adds its
    # (w / l)^2 / 24 to either side, 0.8 %.
    seen = shares()[MIDDLE, MIDDLE + 1 : MIDDLE + 4]
    expected = k0(np.arange(1, 4) / DECAY)
    np.testing.assert_allclose(seen[1:] / seen[0], expected[1:] / expected[0], rtol=0.02)
    diagonal = shares()[MIDDLE + 1, MIDDLE + 1] / seen[0]
    assert diagonal == pytest.approx(k0(np.sqrt(2) / DECAY) / expected[0], rel=0.02)


def test_the_sheet_is_reciprocal_as_the_links_are() -> None:
    here, there = (MIDDLE, MIDDLE), (MIDDLE + 1, MIDDLE - 1)
    assert temperature(here)[there] == pytest.approx(temperature(there)[here], rel=1e-9)


def test_nearest_and_diagonal_links_are_those_of_one_sheet() -> None:
    """One decay length and one heater width give both numbers of the profile."""
    thermal = load_profile("lab").thermal
    seen = shares()
    nearest, diagonal = seen[MIDDLE, MIDDLE + 1], seen[MIDDLE + 1, MIDDLE + 1]
    # The profile's figures have one digit: to half of it.
    assert nearest == pytest.approx(thermal.link_nearest, abs=0.005)
    assert diagonal == pytest.approx(thermal.link_diagonal, abs=0.0005)
    # Their ratio hangs on the decay length alone; with twice of it the diagonals are far warmer.
    ratio = thermal.link_diagonal / thermal.link_nearest
    assert diagonal / nearest == pytest.approx(ratio, rel=0.02)
    wide = shares(2 * DECAY)
    assert wide[MIDDLE + 1, MIDDLE + 1] / wide[MIDDLE, MIDDLE + 1] > 1.5 * ratio


def test_what_eight_neighbours_leave_out() -> None:
    # The rest of the sheet, second neighbours and on: 0.7 % of a heater's own heat, 6 % of its
    # crosstalk.  With twice the decay length it would be 40 % of it, and eight links too few.
    parts = []
    for decay in (DECAY, 2 * DECAY):
        seen = shares(decay)
        around = slice(MIDDLE - 1, MIDDLE + 2)
        near = seen[around, around].sum() - 1.0
        parts.append((near, seen.sum() - 1.0 - near))
    (near, far), (wide_near, wide_far) = parts
    assert far < 0.01
    assert far / near == pytest.approx(0.065, abs=0.01)
    assert wide_far / wide_near > 0.3


def test_a_frame_of_links_is_the_sheet_to_what_is_left_out() -> None:
    # A frame of random power by superposition on the sheet, against the model with the sheet's own
    # two coefficients.  The chip goes on for one pitch beyond the heaters.
    n = PITCHES - 2
    power = np.random.default_rng(8).random((n, n))
    sources = [(r, c) for r in range(n) for c in range(n)]
    field = sum(power[r, c] * temperature((r + 1, c + 1)) for r, c in sources)
    field = field[1:-1, 1:-1] / temperature((MIDDLE, MIDDLE))[MIDDLE, MIDDLE]
    links = np.zeros((2, 2, 4, n, n))
    links[0, 0, :2] = shares()[MIDDLE, MIDDLE + 1]
    links[0, 0, 2:] = shares()[MIDDLE + 1, MIDDLE + 1]
    links[0, 0, [0, 2], :, -1] = links[0, 0, 1:, -1] = links[0, 0, 3, :, 0] = 0.0
    powers = np.zeros((2, 2, n, n))
    powers[0, 0] = power
    error = np.abs(field - heat(powers, links, np.zeros((2, n, n)))[0, 0])
    # All heat left out is 0.7 % of a heater's own, so 1 mW all around gives 0.007 mW; the chip's
    # edge, a pitch and a half away, mirrors K0(3 / 0.34) / K0(0.15 / 0.34 / 4) of it: nothing.
    assert 0.001 < error.max() < 0.01


def test_heaters_at_a_cut_edge_would_be_warmer_than_the_model_says() -> None:
    # An insulated edge half a pitch away acts as a heater of the same power one pitch away: one
    # more nearest link on a side, two and a diagonal in a corner, of a heater's *own* power.
    own = temperature((MIDDLE, MIDDLE))[MIDDLE, MIDDLE]
    seen = shares()
    nearest, diagonal = seen[MIDDLE, MIDDLE + 1], seen[MIDDLE + 1, MIDDLE + 1]
    side = temperature((MIDDLE, 0))[MIDDLE, 0] / own - 1.0
    corner = temperature((0, 0))[0, 0] / own - 1.0
    assert side == pytest.approx(nearest, rel=0.02)
    assert corner == pytest.approx(2 * nearest + diagonal, rel=0.02)


def test_the_partner_link_needs_the_trench_that_the_profile_claims() -> None:
    # On the bare sheet, theta and phi heaters half a pitch apart would heat each other far more
    # than neighbours do.  The profile's partner is half of a neighbour: a trench, not the sheet.
    thermal = load_profile("lab").thermal
    on_the_sheet = thermal.link_nearest * k0(0.5 / DECAY) / k0(1.0 / DECAY)
    assert on_the_sheet > 10 * thermal.link_partner
