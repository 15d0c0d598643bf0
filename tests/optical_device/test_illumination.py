from __future__ import annotations

import numpy as np
import pytest

from optical_device.drift import Drift, drift, drift_of
from optical_device.fabrication import Fabrication, fabricate
from optical_device.illumination import (
    Illumination,
    Reference,
    frame_duration_ns,
    illumination,
    step_count,
)
from optical_device.profile import load_profile

# A path that drifts 1e4 times faster than the laboratory's, so that timing shows.
DRIFTING = fabricate(
    load_profile("lab", device__n=2, drift__reference_phase_rms_rad_per_s=50.0, source__rin=0.0), 7
)


@pytest.mark.parametrize("reference", ["steps", "only"])
def test_the_reference_phase_is_that_of_the_middle_of_each_exposure(reference: str) -> None:
    start_ns, exposure_us = 3_000_000_000, 9_000.0
    light = illumination(
        DRIFTING,
        frame=0,
        start_ns=start_ns,
        launch_steps=np.array([3, 9]),
        reference=reference,  # type: ignore[arg-type]
        exposure_us=exposure_us,
    )
    steps = step_count(DRIFTING.profile, reference)  # type: ignore[arg-type]
    f = DRIFTING
    value, slope = drift(3.0, f.drift_amplitude, f.drift_omega_rad_per_s, f.drift_phase_rad)
    for e in range(2):
        for k in range(steps):
            after_s = (20 + 800 + (e * steps + k) * (9_000 + 650) + 4_500) * 1e-6
            phase = f.step_phase_rad[k] + value[Drift.REFERENCE_PHASE]
            phase += slope[Drift.REFERENCE_PHASE] * after_s
            turn = light.reference[e, k] / abs(light.reference[e, k])
            # Phases up to 1e5 rad in double precision.
            assert turn == pytest.approx(np.exp(1j * phase), abs=1e-10)
    assert abs(slope[Drift.REFERENCE_PHASE]) * 4.5e-3 > 1e-3


def test_launch_steps_scale_the_signal_and_not_the_reference() -> None:
    light = illumination(
        DRIFTING,
        frame=0,
        start_ns=0,
        launch_steps=np.array([3, 9]),
        reference="steps",
        exposure_us=100.0,
    )
    gain = DRIFTING.launch_gain
    assert light.signal[1] / light.signal[0] == pytest.approx(gain[9] / gain[3], rel=1e-12)
    np.testing.assert_allclose(np.abs(light.reference), np.abs(light.reference[0, 0]), rtol=1e-12)


def test_intensity_noise_differs_by_step_and_exposure_and_has_the_right_size(sigmas: float) -> None:
    noisy = fabricate(load_profile("lab", device__n=2), 7)
    factors = np.stack(
        [
            illumination(
                noisy,
                frame=frame,
                start_ns=0,
                launch_steps=np.array([0, 0]),
                reference="steps",
                exposure_us=100.0,
            ).intensity_factor
            for frame in range(200)
        ]
    )
    assert np.unique(factors).size == factors.size
    # The standard deviation of n normals scatters by 1 / sqrt(2 n) of itself.
    tolerance = sigmas / np.sqrt(2 * factors.size)
    assert np.std(factors) == pytest.approx(noisy.profile.source.rin, rel=tolerance)


def test_a_frame_lasts_as_long_as_its_parts() -> None:
    profile = DRIFTING.profile
    assert frame_duration_ns(profile, "steps", 1, 100.0) == (20 + 800 + 4 * 750) * 1000
    assert frame_duration_ns(profile, "only", 3, 1.5) == 20_000 + 800_000 + 3 * 651_500


def _detecting(detection: str) -> Fabrication:
    return fabricate(load_profile("lab", device__n=2, device__detection=detection), 7)


def _light(fabrication: Fabrication, reference: Reference) -> Illumination:
    return illumination(
        fabrication,
        frame=0,
        start_ns=0,
        launch_steps=np.array([3, 9]),
        reference=reference,
        exposure_us=100.0,
    )


@pytest.mark.parametrize(
    ("detection", "steps"), [("four_step", 4), ("three_step", 3), ("intensity", 1)]
)
def test_steps_of_an_exposure(detection: str, steps: int) -> None:
    profile = _detecting(detection).profile
    assert step_count(profile, "steps") == steps
    assert step_count(profile, "off") == 1
    assert frame_duration_ns(profile, "steps", 2, 100.0) == (820 + 2 * steps * 750) * 1000


def test_three_steps_block_the_reference_first_and_turn_it_by_a_quarter_last() -> None:
    three, four = _detecting("three_step"), _detecting("four_step")
    reference = _light(three, "steps").reference
    assert reference.shape == (2, 3)
    assert not reference[:, 0].any()
    error = four.step_phase_rad - np.arange(4) * np.pi / 2
    assert three.step_phase_rad.tolist() == pytest.approx([0, error[1], np.pi / 2 + error[2], 0])
    turn = np.angle(reference[:, 2] / reference[:, 1])
    # Between steps the path drifts by 750 us of a rate of at most 5 sigmas of 5 mrad/s: 20 urad.
    np.testing.assert_allclose(turn, np.pi / 2 + error[2] - error[1], atol=5e-5)
    assert abs(error[2] - error[1]) > 1e-4


def test_alone_the_reference_has_its_first_open_step() -> None:
    three, four = _detecting("three_step"), _detecting("four_step")
    for fabrication, first in ((three, 1), (four, 0)):
        light = _light(fabrication, "only")
        assert light.reference.shape == (2, 1)
        assert not light.signal.any()
        drift_rad = np.angle(light.reference[0, 0]) - fabrication.step_phase_rad[first]
        value, slope = drift_of(fabrication, 0)
        expected = value[Drift.REFERENCE_PHASE] + slope[Drift.REFERENCE_PHASE] * 870e-6
        assert np.exp(1j * drift_rad) == pytest.approx(np.exp(1j * expected), abs=1e-12)
    assert not _light(four, "off").reference.any()
    assert _light(four, "off").signal.all()


def test_without_laser_there_is_no_light() -> None:
    light = illumination(
        _detecting("four_step"),
        frame=0,
        start_ns=0,
        launch_steps=np.array([3]),
        reference="steps",
        exposure_us=100.0,
        laser="off",
    )
    assert not light.signal.any()
    assert not light.reference.any()
    assert light.stray_rate == 0.0
