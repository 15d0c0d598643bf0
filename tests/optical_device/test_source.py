from __future__ import annotations

import numpy as np
import pytest

from optical_device.fabrication import Fabrication
from optical_device.source import (
    REFERENCE_STEPS,
    STEP_ANGLES_RAD,
    launch_amplitude,
    reference_amplitudes,
    reference_beam,
    relative_power,
    signal_amplitude,
)


def test_relative_power_follows_setting_and_drift() -> None:
    assert relative_power(5.0, 10.0, 0.01) == pytest.approx(0.505, rel=1e-15)


def test_launch_steps_are_even_in_decibels() -> None:
    amplitude = launch_amplitude(np.arange(3.0), 1.5)
    np.testing.assert_allclose(-20 * np.log10(amplitude), [0.0, 1.5, 3.0], atol=1e-12)


def test_lab_launch_errors_are_small_and_present(lab: Fabrication) -> None:
    section = lab.profile.source
    error = lab.launch_gain / launch_amplitude(np.arange(32.0), section.launch_step_db)
    # 32 draws kept within 5 sigmas by construction.
    assert np.all(np.abs(np.abs(error) - 1) <= 5 * section.launch_amplitude_spread)
    assert np.all(np.abs(np.angle(error)) <= 5 * section.launch_phase_error_rad)
    assert np.std(np.abs(error)) > 0.0


def test_signal_scales_with_the_root_of_power() -> None:
    gain = np.array([1.0, 0.5j])
    np.testing.assert_allclose(signal_amplitude(gain, 100.0, 0.25), 5.0 * gain)


def test_reference_steps_turn_by_quarters() -> None:
    steps = np.arange(4) * np.pi / 2
    r = reference_amplitudes(steps, np.zeros(4), 200.0, 0.5, 0.25)
    np.testing.assert_allclose(r, 5.0 * np.array([1, 1j, -1, -1j]), atol=1e-14)
    drifted = reference_amplitudes(steps, np.full(4, 0.1), 200.0, 0.5, 0.25)
    np.testing.assert_allclose(drifted, r * np.exp(0.1j), atol=1e-14)


def test_steps_of_each_detection() -> None:
    quarter = np.pi / 2
    assert STEP_ANGLES_RAD["four_step"] == (0.0, quarter, 2 * quarter, 3 * quarter)
    assert STEP_ANGLES_RAD["three_step"] == (None, 0.0, quarter)
    assert STEP_ANGLES_RAD["intensity"] == (None,)
    assert max(len(angles) for angles in STEP_ANGLES_RAD.values()) == REFERENCE_STEPS


def test_reference_beam_is_a_gaussian_about_its_centre() -> None:
    beam = reference_beam(17, 5.0, (1.0, -2.0))
    assert beam[9, 6] == 1.0 == beam.max()
    np.testing.assert_allclose(beam[9, 11], np.exp(-1.0))
    assert np.all(reference_beam(8, np.inf) == 1.0)
