from __future__ import annotations

import numpy as np
import pytest

from optical_device.drift import (
    TONES,
    Drift,
    amplitudes_of_rate,
    amplitudes_of_value,
    drift,
    drift_of,
    tones,
)
from optical_device.fabrication import fabricate
from optical_device.profile import load_profile

FABRICATION = fabricate(load_profile("lab", device__n=2), 7)


def _history(times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    f = FABRICATION
    value, slope = drift(
        times_s[:, None, None], f.drift_amplitude, f.drift_omega_rad_per_s, f.drift_phase_rad
    )
    return value, slope


def test_tones_span_the_band_evenly_in_log_frequency() -> None:
    hz = tones(1e-4, 1.0) / (2 * np.pi)
    assert hz.size == TONES
    np.testing.assert_allclose([hz[0], hz[-1]], [1e-4, 1.0], rtol=1e-12)
    np.testing.assert_allclose(np.diff(np.log(hz)), np.log(1e4) / 11, rtol=1e-9)


@pytest.mark.parametrize("amplitudes", [amplitudes_of_rate, amplitudes_of_value])
def test_amplitudes_fall_as_one_over_frequency(amplitudes) -> None:  # type: ignore[no-untyped-def]
    omega = tones(1e-4, 1.0)
    a = amplitudes(0.3, omega)
    np.testing.assert_allclose(a * omega, a[0] * omega[0], rtol=1e-12)


def test_rms_over_time_is_what_the_profile_says(rng: np.random.Generator, sigmas: float) -> None:
    # At random times over many periods of every tone their phases are independent and uniform.
    times = rng.uniform(0.0, 1e9, 20_000)
    value, slope = _history(times)
    section = FABRICATION.profile.drift
    # The mean square of M draws scatters by at most sqrt(2 / M) (a sum of sinusoids has less
    # kurtosis than a normal); an RMS by half of that.
    tolerance = sigmas * np.sqrt(2.0 / times.size) / 2.0
    rms_slope = np.sqrt(np.mean(slope**2, axis=0))
    rms_value = np.sqrt(np.mean(value**2, axis=0))
    expected = section.reference_phase_rms_rad_per_s
    assert rms_slope[Drift.REFERENCE_PHASE] == pytest.approx(expected, rel=tolerance)
    expected = section.laser_power_rms_per_s
    assert rms_slope[Drift.LASER_POWER] == pytest.approx(expected, rel=tolerance)
    assert rms_value[Drift.AMBIENT] == pytest.approx(section.ambient_rms_k, rel=tolerance)
    for channel in (Drift.GRADIENT_ROW, Drift.GRADIENT_COLUMN):
        assert rms_value[channel] == pytest.approx(section.gradient_rms_k, rel=tolerance)
    assert rms_value[Drift.WAVELENGTH] == pytest.approx(section.wavelength_rms_pm, rel=tolerance)


def test_channels_drift_apart() -> None:
    # Also the two gradients, whose amplitudes and frequencies are the same.
    phases = FABRICATION.drift_phase_rad
    assert phases.shape == FABRICATION.drift_amplitude.shape == (len(Drift), TONES)
    assert np.unique(phases).size == phases.size
    assert np.array_equal(
        FABRICATION.drift_amplitude[Drift.GRADIENT_ROW],
        FABRICATION.drift_amplitude[Drift.GRADIENT_COLUMN],
    )


def test_the_drift_of_a_device_is_that_of_its_clock() -> None:
    f = FABRICATION
    value, slope = drift_of(f, 1_500_000_001)
    expected = drift(1.500000001, f.drift_amplitude, f.drift_omega_rad_per_s, f.drift_phase_rad)
    assert np.array_equal(value, expected[0])
    assert np.array_equal(slope, expected[1])


def test_laser_power_stays_within_half_a_percent() -> None:
    # All tones in step: the sum of amplitudes bounds the drift at any time.
    assert FABRICATION.drift_amplitude[Drift.LASER_POWER].sum() < 5.5e-3


def test_slope_is_the_derivative() -> None:
    f = FABRICATION
    t, h = 123.4, 1e-3
    arrays = (f.drift_amplitude, f.drift_omega_rad_per_s, f.drift_phase_rad)
    (before, _), (after, _) = drift(t - h, *arrays), drift(t + h, *arrays)
    _, slope = drift(t, *arrays)
    # Central difference: error h^2 x''' / 6 with |x'''| <= sum a omega^3, plus rounding of x / h.
    bound = h**2 / 6 * np.sum(arrays[0] * arrays[1] ** 3, axis=-1) + 1e-16 / h * 100
    assert np.all(np.abs((after - before) / (2 * h) - slope) < bound)


def test_an_ideal_device_does_not_drift() -> None:
    ideal = fabricate(load_profile("ideal", device__n=2), 7)
    assert not ideal.drift_amplitude.any()
