"""How heat spreads between heaters, at the boundary, against a finite-difference sheet.

Phases are read as a laboratory would: four exposures, one inverse transform.  The device has a
perfect lens and no static phases, and heat of the near kernel alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boundary import FORMS, Floats, behind_chip, four_steps, opened, phase_of
from numpy.typing import NDArray
from scipy.special import k0
from sheet import CELLS, DECAY, MIDDLE, PITCHES, shares, temperature

from optical_device.profile import load_profile

N = PITCHES
NEAREST = 0.02

SPREADS = {
    "device__n": N,
    "thermal__link_nearest": NEAREST,
    "thermal__heat_length_pitches": DECAY,
}


def phi_codes(phase_rad: Floats) -> NDArray[np.float32]:
    """Two frames: all cold; stage a's phi heaters at powers of these phases (in [0, 2.8 pi])."""
    codes = np.zeros((2, 2, 2, *phase_rad.shape), np.float32)
    codes[1, 0, 1] = np.sqrt(phase_rad / (2.8 * np.pi))
    return codes


def phases_seen(form: str, codes: NDArray[np.float32], **options: Any) -> Floats:
    """Phase behind each pixel in the last frame against the first, (N, N) in (-pi, pi]."""
    with opened(form, "ideal", 7, **options) as device:
        fields = behind_chip(four_steps(device.expose(codes, launch_step=12)))
    return np.angle(fields[-1] / fields[0])


@pytest.mark.parametrize("form", FORMS)
def test_one_heater_warms_two_rings_as_on_the_sheet(form: str) -> None:
    power = np.zeros((N, N))
    power[MIDDLE, MIDDLE] = 2.0 * np.pi
    codes = phi_codes(power)
    seen = phases_seen(form, codes, **SPREADS) / phase_of(codes[1, 0, 1]).max()
    seen[MIDDLE, MIDDLE] = 0.0  # its own turn, a whole one
    sheet = shares() / shares()[MIDDLE, MIDDLE + 1]
    sheet[MIDDLE, MIDDLE] = 0.0
    near = np.zeros((N, N), bool)
    near[MIDDLE - 2 : MIDDLE + 3, MIDDLE - 2 : MIDDLE + 3] = True
    # float32 counts of a field of 121 emitters: 1e-6 rad of 2 pi.
    assert np.abs(seen[~near]).max() < 1e-6
    # The two are one kernel: heaters 1/7 pitch wide against points, and the scheme's own error,
    # (cell / l)^2 / 24 = 0.1 % per decay length: 0.4 % to the diagonals, 0.8 % at 2.8 pitches.
    np.testing.assert_allclose(seen[near] / NEAREST, sheet[near], atol=1e-4, rtol=0.01)
    # What is left out, from the third ring on, is 0.035 % of a heater's own heat; without the
    # second ring it was 0.64 %.
    own = shares()[MIDDLE, MIDDLE + 1] / NEAREST
    rest = shares()[~near].sum() / own
    assert rest == pytest.approx(3.5e-4, rel=0.05)
    second = shares()[near].sum() - shares()[MIDDLE - 1 : MIDDLE + 2, MIDDLE - 1 : MIDDLE + 2].sum()
    assert second / own == pytest.approx(6.1e-3, rel=0.02)


def test_the_profiles_two_numbers_are_those_of_one_sheet() -> None:
    """A decay length of 0.34 pitches and heaters of 1/7 pitch give the profile's nearest link."""
    thermal = load_profile("lab").thermal
    assert thermal.heat_length_pitches == DECAY
    # The profile's figure has one digit: to half of it.
    assert shares()[MIDDLE, MIDDLE + 1] == pytest.approx(thermal.link_nearest, abs=0.005)
    # Across the diagonal: 0.5 %, as the older choice of two free numbers had it.
    diagonal = shares()[MIDDLE + 1, MIDDLE + 1] / shares()[MIDDLE, MIDDLE + 1]
    assert diagonal == pytest.approx(0.25, rel=0.02)


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_of_heaters_is_the_sheet(form: str) -> None:
    # Random powers on 7 x 7 heaters in the middle, summed on the sheet; edges two pitches away
    # mirror K0(5 / 0.34) of it: nothing.
    inner = slice(2, N - 2)
    power = np.zeros((N, N))
    power[inner, inner] = np.random.default_rng(8).uniform(0.0, 2 * np.pi, (N - 4, N - 4))
    codes = phi_codes(power)
    own = phase_of(codes[1, 0, 1])
    options = SPREADS | {"thermal__link_nearest": float(shares()[MIDDLE, MIDDLE + 1])}
    seen = phases_seen(form, codes, **options)
    field = sum(own[r, c] * temperature((r, c)) for r, c in np.argwhere(own > 0.0))
    field = field / temperature((MIDDLE, MIDDLE))[MIDDLE, MIDDLE]
    error = np.angle(np.exp(1j * (seen - field)))
    # The third ring and on: 3.5e-4 of 2 pi at full power all around, 1.1e-3 rad of half of it, and
    # 0.4 % of the diagonals' 0.5 %.  Without the second ring up to 20 mrad would be missing.
    assert np.abs(error).max() < 1.5e-3
    ring_free = phases_seen(form, codes, **options | {"thermal__heat_length_pitches": 0.2})
    assert np.abs(np.angle(np.exp(1j * (ring_free - field)))).max() > 0.01


def test_the_finite_differences_are_the_green_function_of_the_sheet() -> None:
    # Away from a small heater T ~ K0(r / l).  The scheme's decay per unit of r / l is off by
    # (cell / l)^2 / 24 = 0.1 %: 1 % at the third neighbour; the heater's width adds its
    # (w / l)^2 / 24 to either side, 0.8 %.
    seen = shares()[MIDDLE, MIDDLE + 1 : MIDDLE + 4]
    expected = k0(np.arange(1, 4) / DECAY)
    np.testing.assert_allclose(seen[1:] / seen[0], expected[1:] / expected[0], rtol=0.02)
    diagonal = shares()[MIDDLE + 1, MIDDLE + 1] / seen[0]
    assert diagonal == pytest.approx(k0(np.sqrt(2) / DECAY) / expected[0], rel=0.02)
    assert CELLS * DECAY > 7  # cells per decay length


def test_the_sheet_is_reciprocal_as_the_links_are() -> None:
    here, there = (MIDDLE, MIDDLE), (MIDDLE + 1, MIDDLE - 1)
    assert temperature(here)[there] == pytest.approx(temperature(there)[here], rel=1e-9)


def test_longer_decay_would_need_more_rings() -> None:
    # Of all crosstalk, what two rings leave out: 0.33 % at 0.34 pitches, 7 % at twice that.
    for decay, low, high in ((DECAY, 0.0, 0.005), (2 * DECAY, 0.05, 0.15)):
        seen = shares(decay)
        around = slice(MIDDLE - 2, MIDDLE + 3)
        rest = seen.sum() - seen[around, around].sum()
        assert low < rest / (seen.sum() - 1.0) < high


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
