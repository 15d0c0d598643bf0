from __future__ import annotations

import numpy as np
import pytest

from optical_device.drift import Drift
from optical_device.fabrication import Fabrication, fabricate
from optical_device.lens import axis_maps
from optical_device.profile import load_profile

N = 16


def _turn_per_pixel(line: np.ndarray) -> float:
    """Phase step of a linear phase along a line [rad], which must be the same everywhere."""
    steps = np.angle(line[1:] / line[:-1])
    # Differences of phases of order 1 in double precision.
    np.testing.assert_allclose(steps, steps[0], atol=1e-12)
    return float(steps[0])


@pytest.mark.parametrize(
    ("map_name", "key"),
    [("input_map", "lens__camera_shift_px"), ("output_map", "lens__input_shift_px")],
)
def test_shifts_are_linear_phases_of_the_profiles_size(map_name: str, key: str) -> None:
    centring = dict(zip(("input_map", "output_map"), axis_maps(N), strict=True))[map_name]
    shifts = []
    for seed in range(20):
        moved = fabricate(load_profile("ideal", device__n=N, **{key: 0.3}), seed)
        phase = getattr(moved, map_name) / centring
        np.testing.assert_allclose(np.abs(phase), 1.0, rtol=1e-12)
        assert phase[N // 2, N // 2] == pytest.approx(1.0, abs=1e-12)
        turns = (_turn_per_pixel(phase[:, 3]), _turn_per_pixel(phase[3, :]))
        shifts += [-turn * N / (2 * np.pi) for turn in turns]
    # 40 normals: their standard deviation scatters by 1 / sqrt(80) of itself.
    assert np.sqrt(np.mean(np.square(shifts))) == pytest.approx(0.3, rel=6.11 / np.sqrt(80))


def test_the_element_factor_moves_with_the_camera() -> None:
    # A camera shifted by d pixels sees the light that left the chip at the angle of pixel u + d.
    wide = {"device__n": N, "lens__element_width_fraction": 0.5, "lens__camera_shift_px": 1.0}
    moved = fabricate(load_profile("ideal", **wide), 5)
    phase = moved.input_map / axis_maps(N)[0]
    turns = (_turn_per_pixel(phase[:, 3]), _turn_per_pixel(phase[3, :]))
    row, column = (-turn * N / (2 * np.pi) for turn in turns)
    y = np.arange(N) - N // 2
    expected = np.sinc((y[:, None] + row) * 0.5 / N) * np.sinc((y + column) * 0.5 / N)
    assert max(abs(row), abs(column)) > 0.1
    # The shift comes out of phases: 1e-12 of them.
    np.testing.assert_allclose(np.abs(moved.output_map), expected, rtol=1e-11)


def test_the_element_factor_turns_with_the_camera() -> None:
    wide = {"device__n": N, "lens__element_width_fraction": 0.5}
    pose = {"lens__camera_rotation_mrad": 7.0, "lens__magnification_error": 0.01}
    turned = fabricate(load_profile("ideal", **wide, **pose), 5)
    a, m = turned.rotation_rad, turned.magnification
    assert abs(a) > 1e-3
    assert abs(m - 1) > 1e-3
    y1, y2 = np.meshgrid(*[np.arange(N) - N // 2] * 2, indexing="ij")
    row, column = np.cos(a) * y1 - np.sin(a) * y2, np.sin(a) * y1 + np.cos(a) * y2
    expected = np.sinc(m * row * 0.5 / N) * np.sinc(m * column * 0.5 / N)
    np.testing.assert_allclose(np.abs(turned.output_map), expected, rtol=1e-13)


@pytest.mark.parametrize(("key", "size"), [("camera_rotation_mrad", 2.0),
                                           ("magnification_error", 0.01)])  # fmt: skip
def test_the_cameras_pose_is_of_the_profiles_size(key: str, size: float) -> None:
    profile = load_profile("ideal", device__n=4, **{f"lens__{key}": size})
    devices = [fabricate(profile, seed) for seed in range(40)]
    if key == "magnification_error":
        errors = np.array([f.magnification - 1 for f in devices])
        assert all(f.rotation_rad == 0.0 for f in devices)
    else:
        errors = np.array([1e3 * f.rotation_rad for f in devices])
        assert all(f.magnification == 1.0 for f in devices)
    # 40 normals: their RMS scatters by 1/sqrt(80) of itself.
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(size, rel=6.11 / np.sqrt(80))


def test_vignetting_dims_the_corners() -> None:
    profile = load_profile("ideal", device__n=N, lens__vignetting=0.3, lens__vignetting_spread=0.1)
    f = fabricate(profile, 5)
    power = np.abs(f.output_map) ** 2
    lost = 1 - power[0, 0]
    assert lost != 0.3
    assert abs(lost / 0.3 - 1) < 0.5
    assert power[N // 2, N // 2] == pytest.approx(1.0, abs=1e-15)
    assert power[N // 2, 0] == pytest.approx(1 - lost / 2, rel=1e-13)


def test_aberration_is_the_profiles() -> None:
    bent = fabricate(load_profile("ideal", device__n=N, lens__aberration_waves_rms=0.05), 3)
    phase = np.angle(bent.input_map / axis_maps(N)[0])
    assert np.sqrt(np.mean(phase**2)) == pytest.approx(2 * np.pi * 0.05, rel=1e-9)


def _ideal_4f(**overrides: float) -> Fabrication:
    return fabricate(load_profile("ideal", device__n=N, device__layout="4f", **overrides), 5)


def test_the_plane_between_ideal_lenses_only_centres() -> None:
    before, after = axis_maps(N)
    f = _ideal_4f()
    np.testing.assert_allclose(f.middle_map, after * before, atol=1e-14)
    assert np.array_equal(f.input_map, before)
    assert np.all(fabricate(load_profile("ideal", device__n=N), 5).middle_map == 1.0)


def test_in_4f_the_cameras_shift_is_in_front_of_the_last_lens() -> None:
    before, after = axis_maps(N)
    f = _ideal_4f(lens__camera_shift_px=0.3)
    mft = fabricate(load_profile("ideal", device__n=N, lens__camera_shift_px=0.3), 5)
    assert np.array_equal(f.input_map, before)
    # The same camera on the same seed.
    np.testing.assert_allclose(f.middle_map / (after * before), mft.input_map / before, atol=1e-13)


def test_the_spectrums_shift_on_the_second_chip_moves_light_and_element_factor() -> None:
    before, after = axis_maps(N)
    f = _ideal_4f(middle__shift_px=0.4, lens__element_width_fraction=0.5)
    phase = f.input_map / before
    turns = (_turn_per_pixel(phase[:, 3]), _turn_per_pixel(phase[3, :]))
    row, column = (-turn * N / (2 * np.pi) for turn in turns)
    assert max(abs(row), abs(column)) > 0.05
    y = np.arange(N) - N // 2
    expected = np.sinc((y[:, None] + row) * 0.5 / N) * np.sinc((y + column) * 0.5 / N)
    np.testing.assert_allclose(f.middle_map / (after * before), expected, atol=1e-12)


def test_the_second_chip_scatters_and_its_lens_aberrates(sigmas: float) -> None:
    before, after = axis_maps(N)
    f = _ideal_4f(middle__amplitude_spread=0.05, middle__phase_error_rad=0.5)
    scatter = f.middle_map / (after * before)
    # N^2 draws: a standard deviation scatters by 1/sqrt(2 N^2) of itself.
    tolerance = sigmas / np.sqrt(2 * N * N)
    assert np.std(np.abs(scatter)) == pytest.approx(0.05, rel=tolerance)
    assert np.std(np.angle(scatter)) == pytest.approx(0.5, rel=tolerance)
    bent = _ideal_4f(lens__aberration_waves_rms=0.05)
    first, second = bent.input_map / before, bent.middle_map / (after * before)
    for plane in (first, second):
        assert np.sqrt(np.mean(np.angle(plane) ** 2)) == pytest.approx(0.1 * np.pi, rel=1e-9)
    assert np.max(np.abs(first - second)) > 0.1


def test_ideal_drifts_have_no_amplitude_and_all_channels_a_band() -> None:
    f = fabricate(load_profile("ideal", device__n=2, drift__wavelength_rms_pm=2.0), 5)
    assert not f.drift_amplitude[:5].any()
    rms = np.sqrt(np.sum(f.drift_amplitude[Drift.WAVELENGTH] ** 2) / 2)
    assert rms == pytest.approx(2.0, rel=1e-12)
    hz = f.drift_omega_rad_per_s / (2 * np.pi)
    assert hz[Drift.LASER_POWER, 0] == pytest.approx(3e-3)
    assert hz[Drift.GRADIENT_ROW, 0] == pytest.approx(1e-4)
    np.testing.assert_allclose(hz[:, -1], 1.0)
