from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optical_device.fabrication import Fabrication
from optical_device.modulator import (
    CODED_BITS,
    cold_power,
    converted_drive,
    coupler_amplitudes,
    coupler_errors,
    drive_fraction,
    heater_power,
    quantise_drive,
    stage_transmission,
)


def test_drive_fraction_spans_zero_to_one() -> None:
    codes = np.array([0, 1, 16383], dtype=np.uint16)
    assert drive_fraction(codes, 14).tolist() == [0.0, 1 / 16383, 1.0]
    floats = np.array([0.0, 0.3, 1.0], dtype=np.float32)
    assert drive_fraction(floats, 0).tolist() == floats.tolist()


def test_quantised_drive_is_the_nearest_code() -> None:
    u = np.array([0.0, 0.49 / 15, 0.51 / 15, 1.0])
    np.testing.assert_allclose(quantise_drive(u, 4), [0.0, 0.0, 1 / 15, 1.0], rtol=1e-15)
    assert quantise_drive(u, 0) is u


def _converter(bits: int, bow: float, *errors: float) -> tuple[np.ndarray, np.ndarray]:
    """Voltages of every code of one converter, as asked for and as given."""
    u = np.arange(2**bits) / (2**bits - 1)
    bend, weights = np.full((2, 2, 1), bow), np.broadcast_to(errors, (2, 2, 1, CODED_BITS))
    wide = np.broadcast_to(u, (2, 2, 1, u.size))
    return u, np.asarray(converted_drive(wide, bits, bend, weights))[1, 0, 0]


def test_a_converter_without_errors_and_no_converter_give_what_is_asked() -> None:
    u, given = _converter(12, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert np.array_equal(given, u)
    wide = np.full((2, 2, 3, 3), 0.3)
    assert converted_drive(wide, 0, np.ones((2, 2, 3)), np.ones((2, 2, 3, 4))) is wide


def test_the_bow_is_the_error_at_half_scale_and_none_at_the_ends() -> None:
    u, given = _converter(10, 3e-3, 0.0, 0.0, 0.0, 0.0)
    inl = given - u
    assert inl[0] == 0.0
    assert inl[-1] == pytest.approx(0.0, abs=1e-16)
    # The largest code pair about u = 1/2 misses it by half a step: 4 B / 4 (1 - 1/1023^2).
    assert inl.max() == pytest.approx(3e-3, rel=1e-6)
    assert inl[256] == pytest.approx(4 * 3e-3 * u[256] * (1 - u[256]), rel=1e-10)


@pytest.mark.parametrize("bits", [CODED_BITS, 10, 16])
def test_bit_errors_show_at_the_transitions_of_their_bits(bits: int) -> None:
    errors = (4e-3, -2e-3, 1e-3, 5e-4)
    _, given = _converter(bits, 0.0, *errors)
    lsb, gain = 1 / (2**bits - 1), 1 - sum(errors)
    assert given[0] == 0.0
    # By hand: all bits set, g + sum of errors.
    assert given[-1] == pytest.approx(1.0, abs=1e-15)
    half = 2 ** (bits - 1)
    # From 0111... to 1000... the most significant weight replaces all the others.
    expected = gain * lsb + errors[0] - sum(errors[1:])
    assert given[half] - given[half - 1] == pytest.approx(expected, abs=1e-15)
    # From 0011... to 0100...
    quarter = half // 2
    expected = gain * lsb + errors[1] - errors[2] - errors[3]
    assert given[quarter] - given[quarter - 1] == pytest.approx(expected, abs=1e-15)
    steps = np.diff(given)
    within = np.setdiff1d(np.arange(2**bits - 1), np.arange(1, 16) * 2**bits // 16 - 1)
    np.testing.assert_allclose(steps[within], gain * lsb, atol=1e-15)


def test_the_fourth_bits_weight_is_the_smallest_that_errs() -> None:
    u, given = _converter(8, 0.0, 0.0, 0.0, 0.0, 1e-3)
    difference = given - (1 - 1e-3) * u
    set_bit = np.arange(256) // 16 % 2 == 1
    np.testing.assert_allclose(difference, np.where(set_bit, 1e-3, 0.0), atol=1e-15)


def test_power_is_quadratic_in_voltage() -> None:
    assert cold_power(np.array([0.0, 0.5, 1.0]), 1.4).tolist() == [0.0, 0.35, 1.4]


@given(cold=st.floats(0.0, 10.0), slope=st.floats(0.0, 1.0))
def test_heater_power_solves_the_resistance_equation(cold: float, slope: float) -> None:
    power = float(heater_power(np.float64(cold), slope))
    # P (1 + beta P) = P0; a few roundings of a well-conditioned formula.
    assert power * (1.0 + slope * power) == pytest.approx(cold, rel=8 * np.finfo(float).eps)
    assert 0.0 <= power <= cold


def test_extinction_follows_the_coupler_error() -> None:
    d, eta = np.array([0.02, -0.02, 0.05]), 0.8
    b0, b1 = coupler_amplitudes(-d, d, eta)
    zero = np.zeros(3)
    bright = stage_transmission(zero, zero, b0, b1)
    dark = stage_transmission(zero + np.pi, zero, b0, b1)
    # b0 + b1 = sqrt(eta) and b0 - b1 = 2 d sqrt(eta): extinction 1 / (4 d^2).
    np.testing.assert_allclose(np.abs(bright) ** 2, eta, rtol=1e-12)
    np.testing.assert_allclose(np.abs(bright / dark) ** 2, 1 / (4 * d**2), rtol=1e-12)


@given(
    extinction_db=st.floats(0.1, 80.0),
    sign=st.sampled_from([-1.0, 1.0]),
    common=st.floats(-0.25, 0.25),
)
def test_coupler_errors_give_the_extinction_whatever_they_have_in_common(
    extinction_db: float, sign: float, common: float
) -> None:
    d1, d2 = coupler_errors(np.float64(extinction_db), sign, common)
    assert 0.5 * (d1 + d2) == pytest.approx(common, abs=1e-15)
    b0, b1 = coupler_amplitudes(d1, d2, 1.0)
    # The ratio of powers is (1 - x)/(1 + x) squared for x = 10^(-dB/20); the subtraction in
    # 1/2 - d - m loses at most a factor of 1/(1/2 - d - |m|) of eps where the dark arm is weak.
    x = sign * 10 ** (-extinction_db / 20)
    assert b1**2 * (1 + x) ** 2 == pytest.approx(b0**2 * (1 - x) ** 2, abs=1e-14)


def test_coupler_errors_are_those_of_the_published_form() -> None:
    extinction_db, m = np.array([15.0, 25.0, 30.0]), np.array([0.03, -0.05, 0.0])
    d1, d2 = coupler_errors(extinction_db, np.ones(3), m)
    ratio = 10 ** (extinction_db / 20)
    q = (ratio - 1) / (ratio + 1)
    k = (1 - q**2) / (1 + q**2)
    d = (1 - np.sqrt(1 - k**2 * (1 - 4 * m**2))) / (2 * k)
    # The published form subtracts numbers near 1 and divides by 4 k^2 d ~ 1e-3: 1e-13 of rounding.
    np.testing.assert_allclose((d2 - d1) / 2, d, rtol=1e-12)
    assert np.array_equal(coupler_errors(np.array([np.inf]), 1.0, 0.1), ([0.1], [0.1]))


def test_couplers_in_general_conserve_energy() -> None:
    d1, d2 = np.meshgrid(np.linspace(-0.4, 0.4, 9), np.linspace(-0.4, 0.4, 9))
    b0, b1 = coupler_amplitudes(d1, d2, np.ones_like(d1))
    # Cauchy-Schwarz: sqrt(ab) + sqrt((1-a)(1-b)) <= 1.
    assert np.all(b0 + b1 <= 1.0 + 1e-15)


def test_lab_extinctions_are_foundry_values(lab: Fabrication) -> None:
    extinction_db = 20 * np.log10((lab.b0 + lab.b1) / np.abs(lab.b0 - lab.b1))
    assert extinction_db.min() >= 25.0 - 1e-9
    assert extinction_db.max() <= 30.0 + 1e-9
    assert np.ptp(extinction_db) > 4.0
    share = np.mean(lab.b0 > lab.b1)
    # Fair signs: standard deviation sqrt(1/4/n), 6.11 of them.
    assert abs(share - 0.5) < 6.11 * 0.5 / np.sqrt(lab.b0.size)


def test_phi_turns_and_theta_dims() -> None:
    theta, phi = np.array([0.0, np.pi]), np.array([0.3, -1.2])
    t = stage_transmission(theta, phi, 0.5, 0.5)
    assert t[0] == pytest.approx(np.exp(0.3j), abs=1e-15)
    assert abs(t[1]) < 1e-15
