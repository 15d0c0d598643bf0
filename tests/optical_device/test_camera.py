from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from optical_device.camera import (
    POISSON_BELOW_E_PER_DN,
    dark_rate,
    digital_numbers,
    mean_electrons,
    noisy_electrons,
    photon_rate,
    poisson_electrons,
    poisson_quantile,
    quantise_counts,
    round_straight_through,
    shot_noise_is_poisson,
)
from optical_device.fabrication import fabricate
from optical_device.golden import GoldenDevice
from optical_device.noise import Stream, camera_normals, camera_uniforms
from optical_device.profile import load_profile

UNIFORMS = (np.concatenate([np.arange(8), np.linspace(8, 2**24 - 9, 2001).round(),
                            2**24 - 1 - np.arange(8)]) + 0.5) * 2.0**-24  # fmt: skip
"""Values that `noise.camera_uniforms` takes, both tails included."""


def test_photons_are_the_interference_of_signal_and_reference() -> None:
    rate = photon_rate(np.array([3.0 + 1.0j]), np.array([1.0 - 4.0j]), 1.5, 0.25)
    assert rate.tolist() == [1.5 * 25.0 + 0.25]


def test_a_constant_signal_has_zero_variance_after_an_ideal_converter() -> None:
    # Trap: quantisation noise added on top of real rounding.
    e = noisy_electrons(np.full(10_000, 1234.5), None, 0.0, False)
    dn = quantise_counts(digital_numbers(e, 1e5, 25.0, 64.0), 12)
    assert np.var(dn) == 0.0
    assert dn[0] == np.rint(1234.5 / 25.0 + 64.0)


def test_a_quiet_device_repeats_itself_exactly() -> None:
    quiet = load_profile(
        "lab",
        device__n=8,
        camera__shot_noise=False,
        camera__read_noise_e=0.0,
        source__rin=0.0,
        drift__reference_phase_rms_rad_per_s=0.0,
        drift__laser_power_rms_per_s=0.0,
        drift__ambient_rms_k=0.0,
    )
    codes = np.full((6, 2, 2, 8, 8), 9000, dtype=np.uint16)
    counts = GoldenDevice(quiet, 3).expose(codes)[1:]  # the first frame remembers cold heaters
    assert np.ptp(counts, axis=0).max() == 0
    assert counts.std() > 0


def test_the_converter_rounds_half_to_even_and_does_not_truncate() -> None:
    dn = np.array([0.49, 0.5, 0.51, 1.5, 2.5, 3.99])
    assert quantise_counts(dn, 12).tolist() == [0, 0, 1, 2, 2, 4]


def test_rounding_is_unbiased() -> None:
    # A ramp over whole periods: truncation would show a mean error of -1/2, rounding none.
    ramp = np.linspace(10.0, 20.0, 10_000, endpoint=False) + 5e-4
    assert abs(np.mean(quantise_counts(ramp, 12) - ramp)) < 1e-9


def test_saturation_clips_and_does_not_wrap() -> None:
    dn = np.array([-5.0, 4094.6, 4096.0, 65536.0 + 17.0, 1e12])
    assert quantise_counts(dn, 12).tolist() == [0, 4095, 4095, 4095, 4095]


def test_an_overexposed_device_saturates_flat() -> None:
    device = GoldenDevice(load_profile("lab", device__n=8), 3)
    codes = np.full((1, 2, 2, 8, 8), 0, dtype=np.uint16)
    counts = device.expose(codes, "only", exposure_us=10_000.0, laser_mw=1000.0)
    f = device.fabrication
    level = min(4095, round(f.full_well_e / f.gain_e_per_dn + f.black_level_dn))
    assert counts.dtype == np.uint16
    assert np.all(counts == level)


def test_full_well_limits_electrons_before_the_gain() -> None:
    dn = digital_numbers(np.array([5e4, 1e5, 2e5]), 1e5, 25.0, 64.0)
    assert dn.tolist() == [2064.0, 4064.0, 4064.0]
    assert digital_numbers(np.array([2e5]), np.inf, 25.0, 0.0).tolist() == [8000.0]


def test_without_bits_nothing_is_rounded_or_clipped() -> None:
    dn = np.array([-3.25, 1e9 + 0.5])
    assert quantise_counts(dn, 0) is dn


def test_dark_signal_is_proportional_to_exposure() -> None:
    # Trap: dark current divided by the exposure.
    dark, qe = np.full((4, 4), 2e4), np.full((4, 4), 0.7)
    short = mean_electrons(np.zeros((4, 4)), 100.0, qe, dark)
    long = mean_electrons(np.zeros((4, 4)), 1000.0, qe, dark)
    np.testing.assert_allclose(short, 2.0, rtol=1e-15)
    np.testing.assert_allclose(long, 10 * short, rtol=1e-15)


def test_signal_is_proportional_to_exposure_and_efficiency() -> None:
    e = mean_electrons(np.array([10.0]), 100.0, np.array([0.7]), np.array([0.0]))
    np.testing.assert_allclose(e, 700.0)


def test_dark_current_doubles_per_doubling_temperature() -> None:
    assert dark_rate(100.0, 295.5, 288.0, 7.5) == 200.0
    assert dark_rate(100.0, 273.0, 288.0, 7.5) == 25.0
    cold = fabricate(load_profile("lab", device__n=4, camera__temperature_k=280.5), 1)
    warm = fabricate(load_profile("lab", device__n=4), 1)
    np.testing.assert_allclose(warm.dark_e_per_s_map, 2.0 * cold.dark_e_per_s_map, rtol=1e-12)


def test_variance_is_shot_plus_read(rng: np.random.Generator, sigmas: float) -> None:
    normals = rng.standard_normal(200_000)
    for mean in (0.0, 400.0, 1e4):
        e = noisy_electrons(np.full(normals.size, mean), normals, 30.0, True)
        expected = mean + 900.0
        # A sample variance of n normals scatters by sqrt(2 / n) of itself.
        assert np.var(e) == pytest.approx(expected, rel=sigmas * np.sqrt(2 / normals.size))
    quiet = noisy_electrons(np.full(normals.size, 1e4), normals, 30.0, False)
    assert np.std(quiet) == pytest.approx(30.0 * np.std(normals), rel=1e-9)


def test_photon_transfer_gives_the_gain(sigmas: float) -> None:
    # EMVA 1288: K [DN/e-] is the slope of temporal variance over mean signal.
    profile = load_profile("lab", device__n=32, source__rin=0.0)
    device = GoldenDevice(profile, 5)
    codes = np.zeros((40, 2, 2, 32, 32), dtype=np.uint16)
    dark = device.expose(codes, "only", laser="off").astype(np.float64)
    flat = device.expose(codes, "only", laser_mw=40.0).astype(np.float64)
    signal = flat.mean() - dark.mean()
    variance = flat.var(axis=0, ddof=1).mean() - dark.var(axis=0, ddof=1).mean()
    # 39 x 1024 degrees of freedom: relative scatter sqrt(2 / 39936) of the flat's variance (the
    # dark's is under a quarter of it), and the drift of power by 1e-4 adds (0.2 e-)^2, nothing.
    tolerance = sigmas * np.sqrt(2.0 / (39 * 1024)) * 1.3
    assert signal / variance == pytest.approx(device.fabrication.gain_e_per_dn, rel=tolerance)


def test_rounding_of_numpy_arrays_is_plain_rounding() -> None:
    assert round_straight_through(np.array([0.5, 1.5, -0.2])).tolist() == [0.0, 2.0, 0.0]


@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.01, 0.3, 1.0, 2.5, 8.3, 20.0, 47.0, 63.999])
def test_few_electrons_are_poissons_quantiles_exactly(mean: float) -> None:
    quantiles = poisson_quantile(np.full(UNIFORMS.size, mean), UNIFORMS)
    assert np.array_equal(quantiles, stats.poisson.ppf(UNIFORMS, mean))


@pytest.mark.parametrize("mean", [64.0, 100.3, 1e3, 3e4, 1e6])
def test_many_electrons_are_poissons_quantiles_to_one_electron(mean: float) -> None:
    quantiles = poisson_quantile(np.full(UNIFORMS.size, mean), UNIFORMS)
    off = quantiles - stats.poisson.ppf(UNIFORMS, mean)
    # What is left of the expansion, (n^3 - n)/(72 sqrt(mu)), is under 0.3 at |n| < 5.43; rounding
    # is by 1/2, where a quantile rounds up: off by one at most, and by half on average.
    assert np.max(np.abs(off)) <= 1.0
    assert np.all(np.isin(off, (-1.0, 0.0, 1.0)))


def test_the_two_forms_meet_at_their_threshold() -> None:
    below, above = (poisson_quantile(np.full(UNIFORMS.size, mean), UNIFORMS)
                    for mean in (np.nextafter(64.0, 0.0), 64.0))  # fmt: skip
    assert np.max(np.abs(above - below)) <= 1.0


@pytest.mark.parametrize("mean", [0.2, 3.0, 40.0, 90.0, 2000.0])
def test_poisson_noise_has_poissons_moments(
    mean: float, rng: np.random.Generator, sigmas: float
) -> None:
    draws = 200_000
    uniforms = (rng.integers(0, 2**24, draws) + 0.5) * 2.0**-24
    x = poisson_quantile(np.full(draws, mean), uniforms)
    # The rounded expansion is centred 1/2 - 1/2 = 0 off: E rint(y) = E y = mu.
    assert x.mean() == pytest.approx(mean, abs=sigmas * np.sqrt(mean / draws))
    # Var s^2 = (mu_4 - mu^2)/n = (mu + 2 mu^2)/n; rounding adds 1/12 to the expanded form's.
    scatter = sigmas * np.sqrt((mean + 2 * mean**2) / draws)
    assert x.var() == pytest.approx(mean, abs=scatter + (1 / 12 + 0.1) * (mean >= 64.0))
    assert np.all(x >= 0.0)
    assert np.array_equal(x, np.rint(x))


def test_the_gaussian_limit_errs_by_less_than_its_bound() -> None:
    # Over all normals that Box-Muller gives and means up to where the error is constant.
    largest = 2 * np.log(2.0**24)
    n = np.linspace(-np.sqrt(largest), np.sqrt(largest), 231)[:, None]
    mean = np.concatenate([np.linspace(0.01, 40.0, 400), np.geomspace(40.0, 1e6, 60)])
    gaussian = mean + np.sqrt(mean) * n
    # Above the middle by the survival function: a probability near 1 has lost its digits.
    poisson = np.where(
        n < 0, stats.poisson.ppf(stats.norm.cdf(n), mean), stats.poisson.isf(stats.norm.sf(n), mean)
    )
    error = np.abs(poisson - gaussian)
    # Above the middle the expansion's next term has the other sign and only helps.
    assert 5.0 < np.max(error[n[:, 0] > 0]) < (largest - 1) / 6 + 0.5 < 6.0
    # Below it, the limit falls below zero, at worst to -n^2/4 at mu = n^2/4, and Poisson doesn't.
    assert 8.0 < np.max(error) < 1.0001 * largest / 4 < POISSON_BELOW_E_PER_DN


def test_poisson_serves_where_a_step_of_the_converter_is_fine() -> None:
    assert shot_noise_is_poisson(True, 12, 8.3)
    assert not shot_noise_is_poisson(True, 12, 8.4)
    assert shot_noise_is_poisson(True, 0, 25.0)
    assert not shot_noise_is_poisson(False, 0, 25.0)


def test_read_noise_adds_to_poissons() -> None:
    mean, uniforms, normals = np.full(3, 5.0), np.array([0.1, 0.5, 0.9]), np.array([-1.0, 0.0, 2.0])
    electrons = poisson_electrons(mean, uniforms, normals, 3.0)
    assert electrons.tolist() == [2.0 - 3.0, 5.0, 8.0 + 6.0]


def test_a_device_of_fine_steps_counts_whole_electrons() -> None:
    profile = load_profile(
        "lab", device__n=8, camera__gain_e_per_dn=1.0, camera__gain_spread=0.0,
        camera__read_noise_e=0.0, camera__black_level_error_dn=0.0, source__rin=0.0,
    )  # fmt: skip
    device = GoldenDevice(profile, 3)
    f = device.fabrication
    counts = device.expose(np.zeros((2, 2, 2, 8, 8), np.uint16), "off", laser="off")
    mean = np.broadcast_to(100.0 * 1e-6 * f.dark_e_per_s_map, (2, 8, 8))  # about 2 e-
    uniforms = np.stack([camera_uniforms(3, frame, 8, 1, 1)[0, 0] for frame in range(2)])
    expected = stats.poisson.ppf(uniforms, mean) + f.black_level_dn
    assert np.array_equal(counts[:, 0], expected)
    assert np.ptp(counts) > 3


def test_read_noise_of_such_a_device_has_a_stream_of_its_own() -> None:
    profile = load_profile("lab", device__n=8, device__adc_bits=0, camera__dark_e_per_s=0.0)
    device = GoldenDevice(profile, 3)
    f = device.fabrication
    counts = device.expose(np.zeros((1, 2, 2, 8, 8), np.uint16), "off", laser="off")[0, 0]
    normals = camera_normals(3, 0, 8, 1, 1, stream=Stream.READ)[0, 0]
    expected = f.read_noise_e * normals / f.gain_e_per_dn + f.black_level_dn
    np.testing.assert_allclose(counts, expected, rtol=1e-6)  # counts are float32
