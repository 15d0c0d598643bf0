from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optical_device.fabrication import Fabrication
from optical_device.modulator import (
    cold_power,
    coupler_amplitudes,
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
