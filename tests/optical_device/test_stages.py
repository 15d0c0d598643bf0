from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optical_device import lens
from optical_device.drift import Drift, drift_of
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile
from optical_device.stages import (
    Surroundings,
    chip_field,
    chip_temperature_k,
    heater_powers,
    sensor_readings,
    spectrum,
    steady_phases,
    surroundings,
)
from optical_device.thermal import heat

N = 6


def _fabricated(name: str = "lab", **overrides: Any) -> Fabrication:
    return fabricate(load_profile(name, **{"device__n": N, **overrides}), 7)


def _drive(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.integers(0, 2**14, (2, 2, N, N)) / (2**14 - 1)


def test_powers_are_of_the_converters_voltage(rng: np.random.Generator) -> None:
    f = _fabricated(modulator__resistance_slope_per_mw=0.0)
    u = _drive(rng)
    straight = dataclasses.replace(
        f, dac_bow=np.zeros_like(f.dac_bow), dac_bit_error=np.zeros_like(f.dac_bit_error)
    )
    ratio = np.sqrt(heater_powers(f, u) / heater_powers(straight, u))
    lsb = (ratio - 1) * u * (2**14 - 1)
    # 24 converters, each code off by its bow (1 LSB RMS) and four weights (0.3 LSB RMS each), none
    # beyond 5 sigmas.
    assert 0.3 < np.sqrt(np.mean(lsb**2)) < 3.0
    assert np.max(np.abs(lsb)) < 5 * (1.0 + 8 * 0.3)


@pytest.mark.parametrize("layout", ["mft", "4f"])
def test_theta_feels_its_chips_substrate_and_phi_does_not(
    layout: str, rng: np.random.Generator
) -> None:
    f = _fabricated(device__layout=layout, thermal__substrate_k_px_per_w=300.0 * N**2)
    power = rng.random((2, 2, N, N))
    warmed = steady_phases(f, power)
    bare = np.pi * heat(power, f.links, f.partner, f.ring) / f.p_pi_mw
    np.testing.assert_allclose(warmed[:, 1], bare[:, 1], rtol=1e-14)
    rise = (warmed - bare)[:, 0] / f.ambient_rad_per_k
    by_chip = power.sum(axis=1) if layout == "4f" else power.sum(axis=(0, 1))[None]
    means = np.broadcast_to(by_chip.sum(axis=(-2, -1)) * f.substrate_k_per_mw[0, 0], (2,))
    np.testing.assert_allclose(rise.mean(axis=(-2, -1)), means, rtol=1e-10)
    assert np.ptp(rise[0]) > 1e-3 * rise[0].mean()
    temperature = chip_temperature_k(f, power, 0.25)
    assert temperature == pytest.approx(298.25 + means.max(), rel=1e-13)


def test_the_surroundings_are_the_drifts_of_the_moment() -> None:
    f = _fabricated()
    value, _ = drift_of(f, 10**12)
    around = surroundings(f, 10**12)
    assert around.ambient_k == value[Drift.AMBIENT]
    assert around.gradient_row_k == value[Drift.GRADIENT_ROW]
    assert around.gradient_column_k == value[Drift.GRADIENT_COLUMN]
    assert around.wavelength_pm == value[Drift.WAVELENGTH]


def test_theta_follows_temperature_gradient_and_wavelength() -> None:
    # Couplers without an unheated arm: the field's phase is that of theta.
    f = _fabricated()
    zero = np.zeros((2, N, N))
    f = dataclasses.replace(f, b0=zero, b1=zero + 1.0)
    psi = np.zeros((2, 2, N, N))
    still = chip_field(f, psi, Surroundings())
    moved = chip_field(f, psi, Surroundings(0.5, -0.4, 0.3, 20.0))
    x = np.arange(N) - N // 2
    kelvin = 0.5 - 0.4 * x[:, None] / N + 0.3 * x / N
    expected = 2 * (f.ambient_rad_per_k * kelvin - f.wavelength_rad_per_pm * 20.0)
    np.testing.assert_allclose(np.angle(moved / still), expected, atol=1e-13)


def test_several_frames_have_surroundings_of_their_own(rng: np.random.Generator) -> None:
    f = _fabricated("lab4f", lens__follows_wavelength=True)
    psi, values = rng.random((3, 2, 2, N, N)), rng.standard_normal((4, 3))
    around = Surroundings(*values)
    together = spectrum(f, chip_field(f, psi, around), around.wavelength_pm)
    for i in range(3):
        alone = spectrum(f, chip_field(f, psi[i], Surroundings(*values[:, i])), values[3, i])
        np.testing.assert_allclose(together[i], alone, atol=1e-13)


def test_4f_transforms_between_its_chips(rng: np.random.Generator) -> None:
    f = _fabricated("lab4f")
    psi = rng.random((2, 2, N, N))
    x = np.arange(N)
    matrix = np.exp(-2j * np.pi * np.outer(x, x) / N) / np.sqrt(N)

    def chip(s: int) -> NDArray[np.complex128]:
        theta, phi = psi[s] + f.static_phase_rad[s]
        return np.asarray((f.b0[s] + f.b1[s] * np.exp(1j * theta)) * np.exp(1j * phi))

    between = f.middle_map * (matrix @ (f.input_map * chip(0)) @ matrix.T)
    camera = f.output_map * (matrix @ (between * chip(1)) @ matrix.T)
    field = chip_field(f, psi, Surroundings())
    np.testing.assert_allclose(field, between * chip(1), atol=1e-13)
    np.testing.assert_allclose(spectrum(f, field), camera, atol=1e-13)


def test_a_turned_camera_sees_a_turned_spectrum(rng: np.random.Generator) -> None:
    f = _fabricated("ideal", lens__camera_rotation_mrad=10.0, lens__magnification_error=0.01)
    assert f.rotation_rad != 0.0
    assert f.magnification != 1.0
    z = rng.standard_normal((N, N)) + 1j * rng.standard_normal((N, N))
    before, after = lens.axis_maps(N)
    matrix = lens.camera_matrix(f.rotation_rad, f.magnification)
    expected = after * lens.turned_transform(before * z, matrix)
    np.testing.assert_allclose(spectrum(f, before * z), expected, atol=1e-14)
    upright = dataclasses.replace(f, rotation_rad=0.0, magnification=1.0)
    np.testing.assert_allclose(
        spectrum(upright, before * z), after * lens.transform(before * z), atol=1e-15
    )


def test_the_wavelength_scales_the_spectrum_only_where_it_is_followed(
    rng: np.random.Generator,
) -> None:
    z = rng.standard_normal((N, N)) + 0j
    rigid, follows = _fabricated("ideal"), _fabricated("ideal", lens__follows_wavelength=True)
    assert np.array_equal(spectrum(rigid, z, 5e4), spectrum(rigid, z))
    # 1550 pm of 1550 nm: a spectrum one part in a thousand larger.
    scaled = lens.turned_transform(z, lens.camera_matrix(0.0, 1.0, 1e-3))
    expected = follows.output_map * scaled
    np.testing.assert_allclose(spectrum(follows, z, 1550.0), expected, atol=1e-14)
    assert np.max(np.abs(spectrum(follows, z, 1550.0) - spectrum(rigid, z))) > 1e-4


def test_sensors_read_the_chip_and_the_laser(rng: np.random.Generator) -> None:
    f = _fabricated()
    power, normals = rng.random((2, 2, N, N)), np.array([0.7, -1.3])
    value, _ = drift_of(f, 10**10)
    temperature_k, laser_mw = sensor_readings(f, power, 10**10, normals, 5.0)
    rise_k = f.substrate_k_per_mw[0, 0] * power.sum()
    expected = 298.0 + value[Drift.AMBIENT] + rise_k + f.sensor_offset_k + 0.005 * 0.7
    assert temperature_k == pytest.approx(expected, rel=1e-14)
    expected = 5.0 * (1 + value[Drift.LASER_POWER]) * f.monitor_gain * (1 - 1e-3 * 1.3)
    assert laser_mw == pytest.approx(expected, rel=1e-14)
