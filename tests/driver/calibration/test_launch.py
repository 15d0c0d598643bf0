"""The attenuator's ladder, the choice of brightness, and the pilot."""

from __future__ import annotations

import numpy as np
import pytest

from driver.calibration.calibration import Calibration
from driver.calibration.first_look import random_codes
from driver.calibration.frames import four_step_spectrum
from driver.calibration.launch import _Equation, _solve_ladder, choose_step
from driver.calibration.nominal import nominal_launch_gain
from driver.calibration.reference import remove_leak
from driver.errors import CalibrationError


def test_every_step_is_measured(specimen):
    """A ladder frame knows a gain to 1 / (SNR sqrt(bins)): at 85 and 1024 bins 4e-4, over 3 frames
    2e-4.  Dim steps have 9 bins or so: 1 / (85 * 3 * sqrt(3)) = 2.3e-3.  Steps are chained, errors
    of both ends add: 6 sigma."""
    found = specimen.calibration.launch_gain
    reference = int(specimen.calibration.figures["reference_step"])
    truth = specimen.truth.launch_gain / specimen.truth.launch_gain[reference]
    error = np.abs(found / truth - 1)
    assert found[reference] == pytest.approx(1.0, abs=1e-12)
    assert np.max(error[: reference + 3]) < 6 * 5e-4
    assert np.max(error) < 6 * 2.3e-3


def test_nominal_steps_would_be_wrong(specimen):
    """Fabricated steps err by 2 % and 0.03 rad: the ladder is needed."""
    reference = int(specimen.calibration.figures["reference_step"])
    truth = specimen.truth.launch_gain / specimen.truth.launch_gain[reference]
    nominal = nominal_launch_gain(specimen.device.info, reference)
    assert np.sqrt(np.mean(np.abs(nominal / truth - 1) ** 2)) > 0.01


def test_ladder_of_exact_gammas_gives_exact_gains(specimen):
    info = specimen.device.info
    gains = specimen.truth.launch_gain / specimen.truth.launch_gain[10]
    drift = 0.001 + 0.002j  # of an exposure: up and down the steps in turn
    equations = [
        _Equation(step, frame, turn, gains[step] * np.exp(0.1j * frame + drift * turn), 1.0)
        for frame in range(16)
        for step in range(2 * frame, min(2 * frame + 4, 32))
        for turn in [(step - 2 * frame - 1.5) * (-1) ** frame]
    ]
    found = _solve_ladder(equations, info, 10).gain
    np.testing.assert_allclose(found, gains, rtol=1e-10)


def test_the_chosen_step_is_the_brightest_allowed(specimen):
    device, saturation = specimen.device, specimen.calibration.saturation_dn
    codes = random_codes(np.random.default_rng(0), 4, device.info)
    step = choose_step(specimen.bench(), codes, 2e-3)

    def saturated(at: int) -> float:
        counts = device.expose(codes, launch_step=at)
        return 1 - float(np.mean(four_step_spectrum(counts, saturation)[1]))

    # Four frames hold 4096 bins: the fraction scatters by sqrt(2e-3 / 4096) = 7e-4.
    assert saturated(step) < 2e-3 + 4 * 7e-4
    assert saturated(step - 2) > 2e-3


def test_too_much_light_is_said(specimen):
    class Blinded:
        info = specimen.device.info

        def expose(self, codes, **options):
            counts = specimen.device.expose(codes, **options)
            return np.full_like(counts, specimen.device.info.count_max)

    codes = random_codes(np.random.default_rng(0), 1, Blinded.info)
    with pytest.raises(CalibrationError, match="every launch step"):
        choose_step(specimen.bench(Blinded()), codes, 2e-3)


def pilot_gain(specimen, calibration: Calibration) -> complex:
    counts = specimen.device.expose(
        calibration.pilot_codes[None], launch_step=calibration.pilot_launch_step
    )
    spectrum, trusted = four_step_spectrum(counts, calibration.saturation_dn)
    assert trusted.all()
    seen = remove_leak(spectrum[0], calibration.conjugate_leak)
    seen = seen / calibration.launch_gain[calibration.pilot_launch_step]
    expected = calibration.pilot_spectrum
    return complex(np.vdot(expected, seen) / np.vdot(expected, expected))


def test_the_pilot_reads_one_where_nothing_drifts(specimen):
    """Noise: 1 / (60 * 32).  Systematic: the field's error of 0.5 % over 1024 bins is less; the
    drift since the frames that define G = 1, some seconds at 0.005 rad/s: 0.03 rad."""
    gain = pilot_gain(specimen, specimen.calibration)
    assert abs(abs(gain) - 1) < 0.005
    assert abs(np.angle(gain)) < 0.05


def test_the_pilot_follows_the_reference_arm(specimen):
    """Two pilots in a row agree to their noise, 1 / (60 * 32 * sqrt 2) each: 6 sigma; after half a
    minute the phase has moved by what the drift of that time says."""
    first = pilot_gain(specimen, specimen.calibration)
    second = pilot_gain(specimen, specimen.calibration)
    assert abs(np.angle(second / first)) < 6 * 5.2e-4
    from optical_device.drift import Drift, drift

    truth = specimen.truth

    def phase() -> float:
        now, _ = drift(
            specimen.device.telemetry().device_time_s,
            truth.drift_amplitude,
            truth.drift_omega_rad_per_s,
            truth.drift_phase_rad,
        )
        return float(now[Drift.REFERENCE_PHASE])

    before = phase()
    specimen.device.idle(30.0)
    third = pilot_gain(specimen, specimen.calibration)
    moved = -(phase() - before)  # Y goes with the conjugate of the reference
    assert np.angle(third / second) == pytest.approx(moved, abs=6 * 5.2e-4 + 0.005 * 0.02)
