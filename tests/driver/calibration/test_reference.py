"""Errors of the reference's steps: the leak that they make, found and taken out."""

from __future__ import annotations

import numpy as np
import pytest

from driver.calibration import flat
from driver.calibration.reference import conjugate_leak, remove_leak
from driver.errors import CalibrationError


def four_steps(signal, errors):
    """[(I0 - I2) + i (I1 - I3)] / 4 for unit reference at phases k pi / 2 + error_k."""
    phases = np.arange(4) * np.pi / 2 + errors
    intensity = [np.abs(signal + np.exp(1j * phase)) ** 2 for phase in phases]
    return ((intensity[0] - intensity[2]) + 1j * (intensity[1] - intensity[3])) / 4


def test_step_errors_make_the_leak_that_the_docstring_says():
    """First order in the errors; second order is (5e-3)^2 = 2.5e-5."""
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(1000) + 1j * rng.standard_normal(1000)
    errors = 5e-3 * rng.standard_normal(4)
    p, q = (errors[0] + errors[2]) / 2, (errors[1] + errors[3]) / 2
    expected = signal * (1 - 0.5j * (p + q)) + 0.5j * (p - q) * np.conj(signal)
    assert np.max(np.abs(four_steps(signal, errors) - expected)) < 10 * 2.5e-5


def test_leak_is_found_and_removed():
    rng = np.random.default_rng(1)
    y = (rng.standard_normal(5000) + 1j * rng.standard_normal(5000)).astype(np.complex64)
    leak = 0.002 - 0.003j
    measured = y + np.complex64(leak) * np.conj(y)
    found = conjugate_leak(measured, y, 0j)
    # y and conj(y) of a random field are orthogonal to 1 / sqrt(n); float32 sums add 1e-7.
    assert abs(found - leak) < 1e-6
    assert np.max(np.abs(remove_leak(measured, leak) - y)) < 2e-6 * np.max(np.abs(y))


def test_leak_of_a_device_is_found(specimen):
    """Noise 0.8 % of the signal over 512 frames of 1024 bins: 0.008 / sqrt(5e5) = 1e-5; 6 sigma,
    and second order of 5 mrad errors."""
    errors = specimen.truth.step_phase_rad - np.arange(4) * np.pi / 2
    expected = 0.25j * (errors[0] + errors[2] - errors[1] - errors[3])
    assert abs(specimen.calibration.conjugate_leak - expected) < 6e-5 + 2 * np.max(errors**2)


def test_reference_level_is_measured(specimen):
    """32 frames of noise sqrt(14400 + 100^2) e- at 25 e-/DN: 1.1 DN a pixel, 6 sigma over all;
    stray light and its 5 % and the photons' own 1e-4 stay below."""
    truth = specimen.truth
    timing = specimen.device.info.timing
    photons = truth.reference_rate_photons_per_us * truth.reference_map**2
    photons = (photons + truth.stray_rate_photons_per_us) * timing.exposure_us
    expected = photons * truth.qe_map / truth.gain_e_per_dn
    error = specimen.calibration.reference_dn - expected
    assert np.max(np.abs(error)) < 6 * 1.7 + 0.01 * np.max(expected)
    assert abs(np.mean(error)) < 0.01 * np.mean(expected)


def test_darkness_is_refused(specimen):
    class Dark:
        info = specimen.device.info

        def expose(self, codes, **options):
            return specimen.device.expose(codes, **options, laser="off")

    with pytest.raises(CalibrationError, match="is the laser on"):
        flat.run(specimen.bench(Dark()))
