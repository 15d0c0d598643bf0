"""The forward model against the golden physics, and its parts against direct formulas."""

from __future__ import annotations

import numpy as np
import pytest

from driver.calibration.model import (
    DIRECTIONS,
    chip_of,
    cold_power_mw,
    fourier,
    fourier_inverse,
    heater_power_mw,
    neighbour,
    unit_phasor,
)
from driver.calibration.nominal import nominal_calibration
from optical_device.stages import Surroundings, chip_field, heater_powers, steady_phases


def test_field_equals_the_golden_chip(specimen, perfect_calibration_of):
    """The model does not know the converters' errors: a bow of 1 LSB RMS at half scale, and 0.3 LSB
    of each of four leading bits, half of which are on, 0.4 together.  With 1.1 LSB, 2 psi du / u =
    2 * 4.4 * 6.6e-5 / 0.7 rad of each of four heaters, 1.7e-3 together.  256 converters' RMS is
    within 10 % of that; and it takes the second ring in nominal powers, 1e-4 rad of a heater."""
    info = specimen.device.info
    codes = np.random.default_rng(0).integers(0, 2**14, (2, 2, 2, *info.grid), dtype=np.uint16)
    chip = chip_of(perfect_calibration_of(specimen), info)
    ours = np.moveaxis(chip.heated(cold_power_mw(codes, info).astype(float)).field(), -1, 0)
    psi = steady_phases(specimen.truth, heater_powers(specimen.truth, codes / info.code_max))
    golden = chip_field(specimen.truth, psi, Surroundings())
    error = np.sqrt(np.mean(np.abs(ours - golden) ** 2) / np.mean(np.abs(golden) ** 2))
    assert error < 1.1 * 1.7e-3


def test_single_precision_model_agrees_with_double(specimen):
    """Phases reach 4 * 8.8 rad; float32 resolves 35 rad to 4e-6, and a few operations lose bits."""
    info = specimen.device.info
    chip = chip_of(specimen.calibration, info)
    codes = np.full((1, 2, 2, *info.grid), 9000, np.uint16)
    cold = cold_power_mw(codes, info)
    double = chip.heated(cold.astype(float)).field()
    single = chip.single().heated(cold).field()
    assert single.dtype == np.complex64
    assert np.max(np.abs(single - double)) < 3e-5 * np.max(np.abs(double))


def test_power_of_a_hot_resistor_balances_voltage():
    """V^2 = P R0 (1 + beta P), P0 = V^2 / R0."""
    cold = np.linspace(0, 1.4, 11)
    power = heater_power_mw(cold, 0.0357)
    np.testing.assert_allclose(power * (1 + 0.0357 * power), cold, rtol=1e-14)


def test_cold_power_leaves_the_codes_alone(specimen):
    """Float codes of an unquantised device are no scratch memory (frames-last needs a copy)."""
    info = nominal_info = specimen.device.info
    codes = np.moveaxis(np.full((2, 2, *nominal_info.grid, 1), 0.5, np.float32), -1, 0)
    before = codes.copy()
    cold_power_mw(codes, info)
    np.testing.assert_array_equal(codes, before)


@pytest.mark.parametrize("direction", range(8))
def test_neighbour_looks_where_it_says(direction):
    values = np.arange(12.0).reshape(3, 4) + 1
    down, right = DIRECTIONS[direction]
    seen = neighbour(values, (down, right))
    for r in range(3):
        for c in range(4):
            inside = 0 <= r + down < 3 and 0 <= c + right < 4
            assert seen[r, c] == (values[r + down, c + right] if inside else 0)


def test_opposite_directions_are_four_apart():
    for index in range(4):
        assert DIRECTIONS[index + 4] == tuple(-step for step in DIRECTIONS[index])


def test_fourier_is_the_orthonormal_transform_of_the_first_axes():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((8, 8, 3)) + 1j * rng.standard_normal((8, 8, 3))
    np.testing.assert_allclose(fourier(z)[..., 1], np.fft.fft2(z[..., 1], norm="ortho"), atol=1e-12)
    np.testing.assert_allclose(fourier_inverse(fourier(z)), z, atol=1e-12)


def test_unit_phasor_keeps_precision():
    phase = np.array([0.0, 0.5, -2.0], np.float32)
    assert unit_phasor(phase).dtype == np.complex64
    np.testing.assert_allclose(unit_phasor(phase.astype(float)), np.exp(1j * phase.astype(float)))


def test_nominal_model_of_equal_heaters_is_uniform(specimen):
    """All heaters of the interior alike: no pixel of the interior differs from another."""
    info = specimen.device.info
    chip = chip_of(nominal_calibration(info), info)
    heat = chip.heat(np.ones((2, 2, *info.grid, 1)))[:, :, 2:-2, 2:-2]
    nominal = info.nominal
    total = 1 + 4 * nominal.link_nearest + 4 * nominal.link_diagonal + nominal.link_partner
    straight, knight, corner = nominal.link_ring
    total += 4 * straight + 8 * knight + 4 * corner
    np.testing.assert_allclose(heat, total, rtol=1e-12)
