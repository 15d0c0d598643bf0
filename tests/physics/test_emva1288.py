"""The camera by the method of EMVA Standard 1288, through the device boundary.

Light is the reference beam alone, exposures are set by `exposure_us`, dark frames are with the
laser off; nothing but codes and counts crosses.  What the standard's estimators give is compared
with the device's fabrication, within 6.11 sigmas of each estimate as derived here.

The gain here is e-/DN, the reciprocal of the standard's K.
"""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile

Floats = NDArray[np.float64]

N, PIXELS = 64, 64 * 64
FRAMES, STACK = 64, 256
"""Frames of an exposure for temporal statistics, and for spatial ones."""

EXPOSURES_US = np.linspace(20.0, 480.0, 13)
"""Up to 70 % of saturation, which a mean pixel reaches near 690 us."""
DARK_US = np.array([1.0, 2500.0, 5000.0, 7500.0, 10000.0])
HALF_US = 340.0
"""Half of saturation."""

QUANTISATION = 1.0 / 12.0
"""Variance of rounding [DN^2] (the standard's sigma_q^2)."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Counts of one camera, reduced as the standard says."""

    mean: Floats
    """(exposures,) [DN]"""
    variance: Floats
    """(exposures,) temporal [DN^2]"""
    dark_mean: Floats
    dark_variance: Floats
    """At the same exposures, laser off."""
    still_mean: Floats
    still_variance: Floats
    """At `DARK_US`, laser off."""
    bright: Floats
    dark: Floats
    """Stacks' means at half of saturation, (N, N) [DN]."""
    long: Floats
    """The same in the dark, at the longest exposure."""
    bright_variance: float
    long_variance: float
    """Temporal variance of one frame of the stacks [DN^2]."""
    seconds: float
    """Device time from the first to the last exposure of the series."""


def temporal(counts: NDArray[np.uint16]) -> tuple[float, float]:
    """Mean and temporal variance of (frames, 1, N, N), common fluctuations of a frame taken out.

    The standard does so with two frames (sigma^2 = <(a - b)^2> / 2 - (<a> - <b>)^2 / 2); here with
    more.  Two means are subtracted: (frames - 1)(pixels - 1) degrees of freedom.
    """
    y = counts[:, 0].astype(np.float64)
    rest = y - y.mean(0) - y.mean((1, 2), keepdims=True) + y.mean()
    freedom = (len(y) - 1) * (y[0].size - 1)
    return float(y.mean()), float(np.sum(rest**2) / freedom)


def measure(device: Device) -> Measurement:
    codes = np.zeros((STACK, 2, 2, N, N), np.uint16)

    def shot(exposure_us: float, laser: str, frames: int = FRAMES) -> NDArray[np.uint16]:
        return np.asarray(device.expose(codes[:frames], "only", exposure_us, laser=laser))

    start_s = device.telemetry().device_time_s
    light = [temporal(shot(t, "on")) for t in EXPOSURES_US]
    seconds = device.telemetry().device_time_s - start_s
    dark = [temporal(shot(t, "off")) for t in EXPOSURES_US]
    still = [temporal(shot(t, "off")) for t in DARK_US]
    bright = shot(HALF_US, "on", STACK)
    long = shot(DARK_US[-1], "off", STACK)
    return Measurement(
        *np.array(light).T,
        *np.array(dark).T,
        *np.array(still).T,
        bright=bright[:, 0].mean(0),
        dark=shot(HALF_US, "off", STACK)[:, 0].mean(0),
        long=long[:, 0].mean(0),
        bright_variance=temporal(bright)[1],
        long_variance=temporal(long)[1],
        seconds=seconds,
    )


@cache
def camera(seed: int) -> tuple[Measurement, Fabrication]:
    """A measured laboratory device, and what it is."""
    with open_device("emulator:lab", seed=seed, threads=1) as device:
        return measure(device), fabricate(load_profile("lab"), seed)


@pytest.fixture(params=[1, 7, 2024])
def measured(request: pytest.FixtureRequest) -> tuple[Measurement, Fabrication]:
    return camera(request.param)


FREEDOM = (FRAMES - 1) * (PIXELS - 1)
"""Of each temporal variance; its relative sigma is sqrt(2 / FREEDOM) = 0.28 %."""


def photon_transfer(m: Measurement) -> tuple[float, float]:
    """Gain [e-/DN] and its sigma: slope of mean over variance, both less their dark values.

    The means are known some hundred times better than the variances, so all errors are the
    latter's: sigma^2 = 2 (s^4 + s_dark^4) / FREEDOM.  Least squares of the variance over the mean
    through the origin with these weights; the gain is the reciprocal of the slope.
    """
    x, y = m.mean - m.dark_mean, m.variance - m.dark_variance
    weight = FREEDOM / 2.0 / (m.variance**2 + m.dark_variance**2)
    slope = np.sum(weight * x * y) / np.sum(weight * x**2)
    sigma = 1.0 / np.sqrt(np.sum(weight * x**2))
    return float(1.0 / slope), float(sigma / slope**2)


def read_noise(m: Measurement) -> tuple[float, float]:
    """Read noise [e-] from the shortest dark exposure, less that of rounding, and its sigma."""
    gain, gain_sigma = photon_transfer(m)
    variance = m.still_variance[0] - QUANTISATION
    relative = 0.5 * np.sqrt(2.0 / FREEDOM) * m.still_variance[0] / variance
    noise = gain * np.sqrt(variance)
    return float(noise), float(noise * np.hypot(relative, gain_sigma / gain))


def dark_current(m: Measurement) -> tuple[float, float]:
    """Mean dark current [e-/s], slope of dark signal over exposure, and its sigma."""
    gain, gain_sigma = photon_transfer(m)
    t = DARK_US * 1e-6
    sigma_mean = np.sqrt(m.still_variance.max() / (FRAMES * PIXELS))
    spread = t - t.mean()
    slope = np.sum(spread * m.still_mean) / np.sum(spread**2)
    slope_sigma = sigma_mean / np.sqrt(np.sum(spread**2))
    return float(gain * slope), float(np.hypot(gain * slope_sigma, slope * gain_sigma))


def flattened(light: Floats) -> Floats:
    """Relative residual of an image whose illumination is a smooth beam.

    The standard has uneven light taken out by a high-pass; a Gaussian beam is a polynomial of
    degree 2 in the logarithm, so six coefficients take it out exactly.
    """
    x = np.linspace(-1.0, 1.0, N)
    row, column = (a.ravel() for a in np.meshgrid(x, x, indexing="ij"))
    terms = np.stack([np.ones(N * N), row, column, row**2, row * column, column**2], axis=1)
    log = np.log(light).ravel()
    return np.asarray(np.expm1(log - terms @ np.linalg.lstsq(terms, log, rcond=None)[0]))


def non_uniformity(rest: Floats, noise_variance: float, true: Floats) -> tuple[float, float, float]:
    """Standard deviation over pixels of a stack's mean less its noise, its sigma, and the truth.

    rest = true + noise: the mean square scatters by its cross term, 4 true^2 noise^2 / P, and the
    noise's own, 2 noise^4 / P; of the root, half the relative scatter.
    """
    seen = float(np.mean(rest**2)) - noise_variance
    truth = float(np.mean(true**2))
    sigma = np.sqrt((4.0 * truth * noise_variance + 2.0 * noise_variance**2) / rest.size)
    return float(np.sqrt(seen)), float(sigma / (2.0 * np.sqrt(truth))), float(np.sqrt(truth))


def prnu(m: Measurement, f: Fabrication) -> tuple[float, float, float]:
    """PRNU [1]: estimate, sigma, and that of the fabricated quantum efficiencies."""
    light = m.bright - m.dark
    dark_variance = np.interp(HALF_US, EXPOSURES_US, m.dark_variance)
    # A pixel's relative noise, averaged over the image's brightness.
    noise = (m.bright_variance + dark_variance) / STACK * np.mean(light**-2.0)
    photons = f.reference_rate_photons_per_us * f.reference_map**2 + f.stray_rate_photons_per_us
    return non_uniformity(flattened(light), float(noise), flattened(f.qe_map * photons))


def dsnu(m: Measurement, f: Fabrication) -> tuple[float, float, float]:
    """DSNU [DN] at the longest exposure: estimate, sigma, truth."""
    t = DARK_US[-1] * 1e-6
    true = f.dark_e_per_s_map * t / f.gain_e_per_dn
    # Rounding acts as noise too: the temporal spread of 4 DN dithers it.
    return non_uniformity(m.long - m.long.mean(), m.long_variance / STACK, true - true.mean())


def linearity_error(m: Measurement) -> float:
    """LE: mean relative deviation from the straight line of least squares (Release 4.0)."""
    y = m.mean - m.dark_mean
    weight = y**-2.0  # relative deviations
    t = EXPOSURES_US
    matrix = np.stack([np.ones_like(t), t], axis=1) * np.sqrt(weight)[:, None]
    line = np.linalg.lstsq(matrix, y * np.sqrt(weight), rcond=None)[0]
    return float(np.mean(np.abs(y / (line[0] + line[1] * t) - 1.0)))


def test_system_gain(measured: tuple[Measurement, Fabrication], sigmas: float) -> None:
    m, f = measured
    gain, sigma = photon_transfer(m)
    assert sigma / gain < 0.0015
    assert abs(gain - f.gain_e_per_dn) < sigmas * sigma


def test_temporal_dark_noise(measured: tuple[Measurement, Fabrication], sigmas: float) -> None:
    m, f = measured
    noise, sigma = read_noise(m)
    assert sigma / noise < 0.0025
    assert abs(noise - f.read_noise_e) < sigmas * sigma


def test_black_level(measured: tuple[Measurement, Fabrication], sigmas: float) -> None:
    m, f = measured
    level = m.still_mean[0] - f.dark_e_per_s_map.mean() * 1e-6 / f.gain_e_per_dn
    sigma = np.sqrt(m.still_variance[0] / (FRAMES * PIXELS))
    assert abs(level - f.black_level_dn) < sigmas * sigma


def test_dark_current(measured: tuple[Measurement, Fabrication], sigmas: float) -> None:
    m, f = measured
    current, sigma = dark_current(m)
    assert sigma / current < 0.01
    assert abs(current - f.dark_e_per_s_map.mean()) < sigmas * sigma


def test_responsivity(measured: tuple[Measurement, Fabrication], sigmas: float) -> None:
    """Counts per microsecond: quantum efficiency times light, over the gain."""
    m, f = measured
    photons = f.reference_rate_photons_per_us * f.reference_map**2 + f.stray_rate_photons_per_us
    true = np.mean(f.qe_map * photons) / f.gain_e_per_dn
    y = m.mean - m.dark_mean
    seen = np.sum(y * EXPOSURES_US) / np.sum(EXPOSURES_US**2)
    # Read and shot noise of 64 x 4096 pixels: under 2e-5 of the signal.  The laser is drawn once
    # an exposure (rin) and drifts by under 5.5e-3 in all (tests of the drift).
    rin = f.profile.source.rin / np.sqrt(FRAMES * EXPOSURES_US.size / 2)
    assert seen == pytest.approx(true, rel=5.5e-3 + sigmas * (rin + 2e-5))


def test_linearity(measured: tuple[Measurement, Fabrication], sigmas: float) -> None:
    m, f = measured
    # Not the camera's: the laser's power drifts by at most sum(a omega) a second, and its
    # intensity noise is that of 64 frames; shot noise of the dimmest mean is below both.
    rate = np.sum(f.drift_amplitude[1] * f.drift_omega_rad_per_s[1])
    light = rate * m.seconds / 2 + sigmas * f.profile.source.rin / np.sqrt(FRAMES)
    shot = sigmas * np.sqrt(m.variance / (FRAMES * PIXELS)) / (m.mean - m.dark_mean)
    assert linearity_error(m) < light + shot.max()
    assert light + shot.max() < 0.002


def test_photo_response_non_uniformity(
    measured: tuple[Measurement, Fabrication], sigmas: float
) -> None:
    m, f = measured
    seen, sigma, truth = prnu(m, f)
    assert abs(seen - truth) < sigmas * sigma
    # The profile's 1 %, as 4096 draws of it show: 1 / sqrt(2 x 4096) of it.
    assert seen == pytest.approx(f.profile.camera.prnu, rel=sigmas / np.sqrt(2 * PIXELS))
    assert sigma / truth < 0.001


def test_dark_signal_non_uniformity(
    measured: tuple[Measurement, Fabrication], sigmas: float
) -> None:
    m, f = measured
    seen, sigma, truth = dsnu(m, f)
    assert abs(seen - truth) < sigmas * sigma
    assert sigma / truth < 0.02


def test_photon_transfer_bends_only_where_pixels_are_full() -> None:
    """Saturation capacity: the temporal variance collapses once the well is full."""
    _, f = camera(7)
    full_us = f.full_well_e / np.max(f.qe_map) / f.reference_rate_photons_per_us
    codes = np.zeros((FRAMES, 2, 2, N, N), np.uint16)
    with open_device("emulator:lab", seed=7, threads=1) as device:
        below = temporal(device.expose(codes, "only", 0.9 * full_us))[1]
        above = temporal(device.expose(codes, "only", 4.0 * full_us))[1]
    # At 0.9 the brightest pixel is 10,000 e- or 30 sigmas from the edge.
    mean_e = 0.9 * full_us * np.mean(f.qe_map * f.reference_map**2)
    mean_e = mean_e * f.reference_rate_photons_per_us + f.dark_e_per_s_map.mean() * full_us * 1e-6
    expected = (mean_e + f.read_noise_e**2) / f.gain_e_per_dn**2 + QUANTISATION
    # Stray light is 0.25 % of the beam; a variance of 258,000 degrees scatters by 0.28 %.
    assert below == pytest.approx(expected, rel=6.11 * np.sqrt(2 / FREEDOM) + 0.005)
    assert above == 0.0
