"""The camera's counts against probability theory and against traps that others fell into.

Light is the reference beam alone, which is even and known: 200 photons/us at 72 % efficiency.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boundary import FORMS, Floats, opened
from numpy.typing import NDArray
from scipy import stats

from optical_device.camera import shot_noise_is_poisson
from optical_device.profile import load_profile

N = 64
EXPOSURE_US, QE = 100.0, 0.72

ELECTRONS = {
    "device__n": N,
    "camera__gain_e_per_dn": 1.0,
    "camera__shot_noise": True,
}
"""A perfect camera that counts electrons."""


def lit(form: str, mean_e: float, frames: int, **more: Any) -> NDArray[Any]:
    """Counts (frames, N, N) of the reference alone at a mean of `mean_e` in the usual exposure."""
    rate = mean_e / (QE * EXPOSURE_US)
    options = ELECTRONS | {"reference__rate_photons_per_us": rate} | more
    n = options["device__n"]
    codes = np.zeros((frames, 2, 2, n, n), np.float32)
    with opened(form, "ideal", 7, **options) as device:
        return np.asarray(device.expose(codes, "only", EXPOSURE_US)[:, 0])


def pixels(form: str) -> int:
    """Frames of 4096 pixels that a form of the physics can draw in a test's time."""
    return 64 if form == "emulator" else 8


MEANS = (0.1, 0.7, 3.0, 20.0, 63.9, 64.1, 100.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mean", MEANS)
def test_few_electrons_are_poissons(form: str, mean: float) -> None:
    """Every count against the distribution itself, on both sides of the summation's end at 64 e-.

    Above it a Cornish-Fisher quantile stands in; what it leaves out, (n - n^3) / (72 sqrt(mu)),
    shifts no bin's share by more than 0.6 %, which 260,000 draws can't see (a chi-square of 0.3).
    """
    counts = lit(form, mean, pixels(form))
    assert np.array_equal(counts, np.rint(counts))  # electrons are whole
    assert counts.min() >= 0
    seen = np.bincount(counts.ravel().astype(int))
    expected = stats.poisson.pmf(np.arange(seen.size), mean) * counts.size
    beyond = stats.poisson.sf(seen.size - 1, mean) * counts.size
    common = expected > 25.0
    seen = np.append(seen[common], seen[~common].sum())
    expected = np.append(expected[common], expected[~common].sum() + beyond)
    if expected[-1] < 25.0:  # the rare ones' sum is itself rare: with the last common one
        seen = np.append(seen[:-2], seen[-2:].sum())
        expected = np.append(expected[:-2], expected[-2:].sum())
    chi_square = np.sum((seen - expected) ** 2 / expected)
    assert chi_square < stats.chi2.isf(1e-9, seen.size - 1)
    assert seen.size >= 2


@pytest.mark.parametrize("form", FORMS)
def test_poisson_counts_with_read_noise(form: str, kolmogorov: float, sigmas: float) -> None:
    # Shot and read noise are drawn apart: their sum's distribution is the mixture of Gaussians
    # about whole electrons, sharp enough at 0.1 e- to see each electron by itself.
    mean, read = 2.0, 0.1
    counts = lit(form, mean, pixels(form), camera__read_noise_e=read).ravel().astype(np.float64)
    electrons = np.arange(30)

    def mixture(x: Floats) -> Floats:
        shares = stats.poisson.pmf(electrons, mean)
        return np.asarray(stats.norm.cdf((x[:, None] - electrons) / read) @ shares)

    seen = stats.kstest(counts, mixture).statistic * np.sqrt(counts.size)
    assert seen < kolmogorov
    # Independent of each other: the rest about the nearest electron, which is half an electron and
    # five sigmas off for one in two million.
    nearest = np.rint(counts)
    product = np.mean((counts - nearest) * (nearest - mean))
    assert abs(product) < sigmas * read * np.sqrt(mean) / np.sqrt(counts.size)


@pytest.mark.parametrize("form", FORMS)
def test_poisson_draws_are_independent_from_pixel_to_pixel(
    form: str, sigmas_of_many: float
) -> None:
    frames = 16 if form == "emulator" else 8
    z = (lit(form, 5.0, frames) - 5.0) / np.sqrt(5.0)
    power = np.abs(np.fft.fftn(z)) ** 2
    lags = (np.fft.ifftn(power).real / z.size).ravel()
    # Products of two such: kurtosis (3 + 1/5)^2, no wider at 8 sigmas for sums of 30,000.
    assert np.abs(lags[1:]).max() < 1.1 * sigmas_of_many * np.sqrt(2.0 / z.size)


def test_where_poisson_gives_way_the_gaussian_is_within_a_converter_step() -> None:
    # Largest |n| of the generator is sqrt(2 ln 2^24) = 5.77.  At that, on either side, for any
    # mean: quantiles of Poisson's distribution (scipy) and mu + sqrt(mu) n.  The step of the
    # converter at which the emulator changes over is larger.
    n = np.linspace(-5.77, 5.77, 231)
    means = np.concatenate([np.geomspace(0.01, 1e5, 400), np.linspace(1.0, 80.0, 400)])[:, None]
    exact = stats.poisson.ppf(stats.norm.cdf(n), means)
    upper = stats.poisson.isf(stats.norm.sf(n), means)  # sharper where the cdf rounds to 1
    exact = np.where(n > 0, upper, exact)
    worst = np.abs(means + np.sqrt(means) * n - exact).max()
    assert worst < 8.4
    camera = load_profile("lab").camera
    assert camera.gain_e_per_dn > worst
    assert not shot_noise_is_poisson(True, 12, camera.gain_e_per_dn)
    assert shot_noise_is_poisson(True, 12, worst - 0.5)
    assert shot_noise_is_poisson(True, 0, camera.gain_e_per_dn)
    # Everyday draws, within 3 sigmas, are off by a sixth of that and less.
    everyday = np.abs(n) < 3.0
    assert np.abs(means + np.sqrt(means) * n - exact)[:, everyday].max() < 2.3


# ---- traps -------------------------------------------------------------------------------------

ADC = {"device__adc_bits": 12, "camera__gain_e_per_dn": 25.0, "camera__shot_noise": False}


@pytest.mark.parametrize("form", FORMS)
def test_a_constant_signal_has_no_variance(form: str) -> None:
    # Quantisation noise on top of real rounding would show here.
    counts = lit(form, 14_407.3, 8, **ADC)
    assert np.ptp(counts) == 0


@pytest.mark.parametrize("form", FORMS)
def test_counts_are_rounded_not_truncated(form: str) -> None:
    # 400 exposures through ten steps of the converter: the mean error is 0, with truncation -1/2.
    exposures = np.linspace(100.0, 103.0, 400)
    rate = 14_400.0 / (QE * EXPOSURE_US)
    codes = np.zeros((1, 2, 2, 2, 2), np.float32)
    options = ELECTRONS | ADC | {"device__n": 2, "reference__rate_photons_per_us": rate}
    with opened(form, "ideal", 7, **options) as device:
        counts = np.array([device.expose(codes, "only", float(t))[0, 0, 0, 0] for t in exposures])
    analogue = rate * QE * exposures / 25.0
    error = counts - analogue
    # The camera counts nanoseconds of exposure: 1e-5 of it, 0.006 DN.  Rounding errors of an even
    # sweep average to a step over 400.
    assert np.abs(error).max() < 0.5 + 0.01
    assert abs(error.mean()) < 0.02
    assert np.std(error) == pytest.approx(12**-0.5, rel=0.05)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_saturation_clips_and_never_wraps(form: str, bits: int) -> None:
    # Light for 0.1 to 100 times the converter's range: monotonic, and the last code beyond it.
    last = 2**bits - 1
    for share in (0.1, 0.9, 0.999, 1.001, 1.5, 2.0, 100.0):
        counts = lit(
            form, share * last * 25.0, 1, **ADC | {"device__adc_bits": bits, "device__n": 4}
        )
        expected = min(round(share * last), last)
        assert np.all(np.abs(counts.astype(int) - expected) <= 1)
        if share > 1.0:
            assert np.all(counts == last)


@pytest.mark.parametrize("form", FORMS)
def test_the_full_well_clips_before_the_converter(form: str) -> None:
    options = ADC | {"camera__full_well_e": 50_000.0, "camera__black_level_dn": 64.0}
    counts = lit(form, 300_000.0, 2, **options)
    assert np.all(counts == round(50_000 / 25.0 + 64.0))


@pytest.mark.parametrize("form", FORMS)
def test_dark_signal_is_proportional_to_exposure_and_doubles(form: str) -> None:
    # Laser off; no noise, no rounding: the dark signal itself.
    options = {"device__n": 8, "camera__dark_e_per_s": 2e4, "camera__dsnu": 0.1}
    codes = np.zeros((1, 2, 2, 8, 8), np.float32)
    exposures = np.array([1.0, 10.0, 250.0, 5000.0, 10000.0])
    signal = {}
    for kelvin in (288.0, 295.5, 303.0):
        with opened(form, "ideal", 7, camera__temperature_k=kelvin, **options) as device:
            signal[kelvin] = np.array(
                [device.expose(codes, "off", float(t), laser="off")[0, 0] for t in exposures],
                np.float64,
            )
    per_us = signal[288.0] / exposures[:, None, None]
    # float32 of the same number.
    np.testing.assert_allclose(per_us, np.broadcast_to(per_us[-1], per_us.shape), rtol=1e-6)
    # 2e4 e-/s in 10 ms are 200 e-, 8 DN; 64 pixels differ by a tenth, seven sigmas of the mean.
    assert signal[288.0][-1].mean() == pytest.approx(8.0, rel=7 * 0.1 / 8)
    # The profile's 7.5 K: twice and four times, pixel by pixel.
    np.testing.assert_allclose(signal[295.5], 2 * signal[288.0], rtol=1e-6)
    np.testing.assert_allclose(signal[303.0], 4 * signal[288.0], rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_low_light_of_a_sensitive_converter(form: str) -> None:
    # 2 e-/DN: Poisson's even with a converter.  Rounding, full well and black level come after.
    mean, read = 6.0, 1.5
    options = {
        "device__adc_bits": 12,
        "camera__gain_e_per_dn": 2.0,
        "camera__black_level_dn": 20.0,
        "camera__read_noise_e": read,
        "camera__full_well_e": 9.0,
    }
    counts = lit(form, mean, pixels(form), **options)
    electrons = np.arange(60)
    shares = stats.poisson.pmf(electrons, mean)
    values = np.arange(counts.max() + 1)
    # Count v is from y in (v - 1/2, v + 1/2), y = min(e, 9) / 2 + 20: 24.5 rounds to even, 24.
    edge = (values + 0.5 - 20.0) * 2.0
    below = stats.norm.cdf((edge[:, None] - electrons) / read) @ shares
    below[values >= 24] = 1.0
    share = np.diff(below, prepend=0.0)
    seen = np.bincount(counts.ravel(), minlength=values.size)
    expected = share * counts.size
    common = expected > 25.0
    chi_square = np.sum((seen - expected)[common] ** 2 / expected[common])
    assert counts.max() == 24
    assert chi_square < stats.chi2.isf(1e-9, int(common.sum()))
