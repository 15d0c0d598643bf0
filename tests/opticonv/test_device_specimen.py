"""What `opticonv device show` draws and counts of a specimen, and whether it is true."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from driver import open_device
from optical_device import lens
from optical_device.drift import drift
from optical_device.profile import load_profile, profile_names
from opticonv.device.chip_picture import chip_planes, quarter_load
from opticonv.device.converter_picture import integral_nonlinearity
from opticonv.device.drift_picture import drift_over
from opticonv.device.effects import absent_effects, present_effects, without
from opticonv.device.error_study import study_errors
from opticonv.device.figures import convolution_costs, frame_costs, limits
from opticonv.device.gauge import aligned_to
from opticonv.device.heater_pictures import heater_test_frame
from opticonv.device.known_codes import convolution_codes, edge_filter
from opticonv.device.low_light_picture import electrons_seen
from opticonv.device.optics_picture import point_spread, strehl_ratio
from opticonv.device.specimen import (
    Program,
    Specimen,
    camera_spectrum,
    difference,
    heater_frame,
    light_leaving_chip,
)
from opticonv.device.tile import photograph_tile

N = 16


@pytest.fixture(scope="module")
def specimen() -> Specimen:
    return Specimen("lab", 7, {"device__n": N})


@pytest.fixture(scope="module")
def pictures() -> np.ndarray[Any, Any]:
    tile = photograph_tile(N)
    return np.stack([tile[::-1, ::-1], tile]).astype(np.complex128)


# ---- errors and their absence --------------------------------------------------------------------


def test_every_error_belongs_to_one_effect() -> None:
    effects = present_effects(load_profile("lab"))
    keys = [key for effect in effects for key in effect.off]
    assert len(keys) == len(set(keys))
    assert {"thermal crosstalk", "aberration", "shot noise", "ADC quantisation"} <= {
        effect.name for effect in effects
    }
    assert present_effects(load_profile("ideal")) == []


def test_a_device_without_its_errors_is_exact(specimen: Specimen, pictures: Any) -> None:
    off = without(present_effects(specimen.fabricated().profile))
    seen = camera_spectrum(specimen.fabricated(off), specimen.encoded(pictures, 0.0, more=off))
    # The optical axis is at the centre of the chip: behind the lens that is a known phase.
    true = np.fft.fft2(pictures[1], norm="ortho") * lens.axis_maps(N)[1]
    # Codes and counts of such a device are float32.
    assert np.linalg.norm(difference(seen, true)) < 1e-5 * np.linalg.norm(true)


def test_each_error_shows_and_is_that_error(specimen: Specimen, pictures: Any) -> None:
    fabrication = specimen.fabricated()
    program = specimen.encoded(pictures, 3600.0)
    off = without(present_effects(fabrication.profile))
    clean = specimen.encoded(pictures, 3600.0, more=off)
    study = study_errors(specimen, fabrication, clean, program, "data sheet")
    alone, changes = study.alone_rms(), study.changes_rms()
    assert list(alone) == [effect.name for effect in present_effects(fabrication.profile)]
    assert set(alone) - set(changes) == {"DAC quantisation"}
    for name in ("static phases", "thermal crosstalk", "aberration", "splitting tree"):
        assert alone[name] > 0.05
        assert changes[name] > 0.05
    for name in ("shot noise", "read noise", "ADC quantisation", "pixel response (PRNU)"):
        assert 1e-4 < alone[name] < 0.1
        assert 1e-4 < changes[name] < 0.1
    # Small ones, which need what they act through: codes, the arms' phase per kelvin.
    for name in ("DAC non-linearity", "chip gradient", "wavelength drift", "coupler imbalance"):
        assert 1e-5 < alone[name] < 0.01
    # A scale common to all bins is none of these errors, and nothing saturates.
    for name in ("unknown scales", "launch attenuator", "full well"):
        assert alone[name] < 1e-4


def test_errors_of_two_chips_belong_to_layout_4f() -> None:
    names = {effect.name for effect in present_effects(load_profile("lab"))}
    assert {"second chip", "rotation", "magnification"} == set(absent_effects(load_profile("lab")))
    both = {effect.name for effect in present_effects(load_profile("lab4f"))}
    assert both - names == {"second chip"}
    turned = load_profile("lab", lens__camera_rotation_mrad=1.0)
    assert {effect.name for effect in present_effects(turned)} - names == {"rotation"}


def test_aberration_alone_is_what_the_wavefront_says(specimen: Specimen) -> None:
    effects = present_effects(specimen.fabricated().profile)
    alone = specimen.fabricated(without(e for e in effects if e.name != "aberration"))
    flat = specimen.fabricated(without(effects))
    wavefront = np.angle(alone.input_map / flat.input_map) / (2.0 * np.pi)
    assert wavefront.std() == pytest.approx(alone.profile.lens.aberration_waves_rms)
    # Maréchal holds to the fourth order of the phase error: (2 pi 0.05)^4 / 2 = 0.005.
    marechal = math.exp(-((2.0 * math.pi * wavefront.std()) ** 2))
    assert strehl_ratio(wavefront) == pytest.approx(marechal, abs=0.005)


# ---- what the pictures show ----------------------------------------------------------------------


def test_point_spread_of_a_square_of_emitters() -> None:
    spread = point_spread(np.ones((N, N), np.complex128))
    centre = len(spread) // 2
    assert spread[centre, centre] == pytest.approx(1.0)
    # Dirichlet kernel: dark at whole pixels, sin(pi/2) / (N sin(pi/2N)) half a pixel off.
    assert spread[centre, centre + 16] == pytest.approx(0.0, abs=1e-20)
    half = (1.0 / (N * math.sin(math.pi / (2 * N)))) ** 2
    assert spread[centre + 8, centre] == pytest.approx(half)


def test_heat_of_the_test_frame_reaches_neighbours_and_partner(specimen: Specimen) -> None:
    # Of near heat the eight neighbours alone, and no substrate under them.
    plain = {"thermal__substrate_k_px_per_w": 0.0}
    fabrication = dataclasses.replace(specimen.fabricated(plain), ring=np.zeros(3))
    drive = heater_test_frame(N)
    frame = heater_frame(fabrication, drive)
    assert np.all((frame.power_mw > 0.0) == (drive > 0.0))
    row = column = N // 4
    own = np.pi * frame.power_mw[0, 0, row, column] / fabrication.p_pi_mw[0, 0, row, column - 1]
    west = frame.phase_rad[0, 0, row, column - 1]
    assert west == pytest.approx(own * fabrication.links[0, 0, 0, row, column - 1])
    assert not drive[0, 1].any()
    partner = frame.phase_rad[0, 1, row, column] / np.pi * fabrication.p_pi_mw[0, 1, row, column]
    power = frame.power_mw[0, 0, row, column]
    assert partner == pytest.approx(power * fabrication.partner[0, row, column])
    np.testing.assert_allclose(frame.left_rad, fabrication.memory * frame.phase_rad)


@pytest.mark.parametrize("n", [2, 3, 11, 64])
def test_the_test_frame_fits_any_grid(n: int) -> None:
    drive = heater_test_frame(n)
    assert drive.shape == (2, 2, n, n)
    assert drive.max() == 1.0


def test_fields_are_compared_up_to_factor_and_tilt() -> None:
    rng = np.random.default_rng(5)
    target = rng.normal(size=(N, N)).astype(np.complex128)
    row, column = np.mgrid[0:N, 0:N]
    moved = (0.3 - 2.0j) * target * np.exp(1j * (np.pi * row - 0.37 * column))
    np.testing.assert_allclose(aligned_to(target, moved), target, atol=1e-9)


def test_calibrated_codes_make_the_wanted_field(specimen: Specimen, pictures: Any) -> None:
    fabrication = specimen.fabricated()
    light = light_leaving_chip(fabrication, specimen.encoded(pictures, 0.0, calibrated=True))
    field = aligned_to(pictures[1], light)
    assert np.linalg.norm(field - pictures[1]) < 0.02 * np.linalg.norm(pictures[1])


def test_chips_warm_as_their_power_says(specimen: Specimen) -> None:
    fabrication = specimen.fabricated()
    power = heater_frame(fabrication, quarter_load(N)).power_mw
    ((name, per_pixel, rise),) = chip_planes(fabrication, power)
    assert name == "chip"
    np.testing.assert_allclose(per_pixel, power.sum((0, 1)))
    # Mean rise: R times the total power; the heated corner is warmest.
    per_mw = fabrication.substrate_k_per_mw[0, 0]
    assert rise.mean() == pytest.approx(per_mw * power.sum(), rel=1e-9)
    assert np.unravel_index(rise.argmax(), rise.shape) == (0, 0)
    two = Specimen("lab4f", 7, {"device__n": N}).fabricated()
    planes = chip_planes(two, power)
    assert [plane[0] for plane in planes] == ["chip a", "chip b"]
    np.testing.assert_allclose(planes[1][1], power[1].sum(0))


def test_converters_curves_have_their_bow_and_ends(specimen: Specimen) -> None:
    fabrication = specimen.fabricated()
    last = 2**14 - 1
    curves = integral_nonlinearity(fabrication, np.array([0, last // 2, last // 2 + 1, last]))
    assert curves.shape == (4, 4 * N)
    np.testing.assert_allclose(curves[[0, 3]], 0.0, atol=1e-9)
    # Complementary codes add up to full scale: what single bits do cancels.
    bow = fabrication.dac_bow.ravel() * last
    np.testing.assert_allclose(curves[1:3].mean(0), bow, rtol=1e-6)


def test_dim_light_is_as_dim_as_it_says(specimen: Specimen) -> None:
    fabrication = specimen.fabricated()
    frames, mean_e = 16, 500.0
    seen = electrons_seen(fabrication, mean_e, frames)
    assert seen.shape == (frames, N, N)
    time_us = fabrication.profile.timing.exposure_us
    stray_e = fabrication.stray_rate_photons_per_us * fabrication.qe_map.mean() * time_us
    dark_e = fabrication.dark_e_per_s_map.mean() * 1e-6 * time_us
    # Noise of some 103 e- over 4096 pixels; the laser is off by its drift, 0.6 % at most.
    sigma = math.sqrt(fabrication.read_noise_e**2 + 600.0) / math.sqrt(seen.size)
    expected = mean_e + stray_e + dark_e
    assert seen.mean() == pytest.approx(expected, abs=6.1 * sigma + 0.006 * expected)


def test_codes_by_full_knowledge_convolve(pictures: Any) -> None:
    # On a device without any error the camera has the circular convolution, turned by 180 degrees.
    specimen = Specimen("ideal", 7, {"device__n": N, "device__layout": "4f"})
    fabrication, spectrum = specimen.fabricated(), edge_filter(N)
    program = Program(convolution_codes(fabrication, pictures, spectrum), 0, 10, 0)
    filtered = np.fft.ifft2(np.fft.fft2(pictures[1]) * np.fft.ifftshift(spectrum))
    turned = np.roll(filtered[::-1, ::-1], 1, axis=(0, 1))
    seen = camera_spectrum(fabrication, program)
    assert np.linalg.norm(difference(seen, turned)) < 1e-5 * np.linalg.norm(turned)
    # And what they put on each chip of a laboratory's device is what they are told to.
    lab = Specimen("lab4f", 7, {"device__n": N})
    known = lab.with_known_codes(pictures, spectrum)
    first = aligned_to(pictures[1], light_leaving_chip(lab.fabricated(), known, 0))
    # Extinction of 25 dB and a photograph's dark pixels.
    assert np.linalg.norm(first - pictures[1]) < 0.05 * np.linalg.norm(pictures[1])


def test_drift_over_an_hour(specimen: Specimen) -> None:
    fabrication = specimen.fabricated()
    times = np.array([0.0, 17.0, 3600.0])
    seen = drift_over(fabrication, times)
    for index, time_s in enumerate(times):
        value, _ = drift(
            float(time_s),
            fabrication.drift_amplitude,
            fabrication.drift_omega_rad_per_s,
            fabrication.drift_phase_rad,
        )
        np.testing.assert_allclose(seen[:, index], value)


# ---- figures -------------------------------------------------------------------------------------


def test_frame_times_are_the_devices_own(specimen: Specimen) -> None:
    with open_device("emulator:lab", device__n=N) as device:
        codes = np.zeros((3, 2, 2, N, N), np.uint16)
        for cost in frame_costs(device.info):
            before = device.telemetry().device_time_s
            device.expose(codes, launch_step=np.full((3, cost.exposures), 9))
            spent = device.telemetry().device_time_s - before
            assert spent == pytest.approx(3e-3 * cost.time_ms)
            assert 1e-3 * cost.energy_mj == pytest.approx(spent / 3 * device.info.power_w)


def test_convolutions_cost_what_is_planned(specimen: Specimen) -> None:
    info = specimen.info()
    for cost in convolution_costs(info):
        assert cost.energy_j == pytest.approx(cost.time_s * info.power_w)
        # A frame of one exposure is the cheapest that there is.
        assert cost.time_s * (1 + 1e-9) >= 1e-6 * cost.frames * info.timing.frame_us(1)
    blind = Specimen("lab", 0, {"device__n": N, "device__detection": "intensity"})
    assert convolution_costs(blind.info()) == []
    assert [cost.steps for cost in frame_costs(blind.info())] == [1, 1, 1]


def test_limits_of_the_laboratory_device() -> None:
    found = {figure.name: figure.value for figure in limits(load_profile("lab"))}
    # P = 2 1.4 / (1 + sqrt(1 + 4 0.0357 1.4)) = 1.336 mW, over 0.5 mW.
    assert found["largest phase of a heater"] == "2.67 π"
    assert found["memory of the last frame"] == "3.4e-04"  # e^-8
    assert found["largest signal-to-noise ratio"].startswith("316")  # sqrt(1e5)
    assert found["Strehl ratio"] == "0.906"  # exp(-(2 pi 0.05)^2)
    assert found["dynamic range"] == "60.0 dB"  # 1e5 e- over 100 e-
    for name in profile_names():
        assert not any("nan" in figure.value for figure in limits(load_profile(name)))
