"""Devices other than four steps behind one lens: what they can do, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.calibration.model import predict_spectrum
from driver.errors import CapabilityError
from optical_device import thermal
from optical_device.profile import load_profile

Targets = Callable[..., NDArray[np.complex64]]


def error_of(device: Device, x: NDArray[np.complex64], **options: Any) -> float:
    exact = np.fft.fft2(x, norm="ortho")
    y = device.transform(x, **options)
    return float(np.linalg.norm(y - exact) / np.linalg.norm(exact))


def test_three_steps_measure_the_same_spectrum(
    calibrated: Callable[..., Device], targets: Targets
) -> None:
    """One reference of each step's half the four steps' light: more noise, and the same signal.

    Per part of Y, four steps leave (I0 + I2)/16 of shot noise, three (I0 + I1)/4 = 4 times that,
    less what the dark step has not of the reference: an error of up to twice the four steps'.
    """
    x = targets(6, 32, 32)
    errors = {}
    for detection in ("four_step", "three_step"):
        options = {"device__n": 32, "device__detection": detection}
        with calibrated("emulator:lab", seed=7, **options) as device:
            errors[detection] = error_of(device, x, exposure="two_gain")
            encoded = device.encode(x)
            counts = device.expose(encoded.codes)
            assert counts.shape == (6, device.info.reference_steps, 32, 32)
            by_hand = device.decode(counts, encoded)
            exact = np.fft.fft2(x, norm="ortho")
            assert np.linalg.norm(by_hand - exact) < 0.3 * np.linalg.norm(exact)
            told = device.telemetry()
            assert told.exposures % device.info.reference_steps == 0
    assert errors["four_step"] < errors["three_step"] < 2.2 * errors["four_step"]


def test_three_ideal_steps_are_exact(targets: Targets) -> None:
    """The uncalibrated ideal device: the reference's plane comes from the data sheet."""
    with open_device("emulator:ideal", device__n=16, device__detection="three_step") as device:
        assert error_of(device, targets(3, 16, 16)) < 2e-5


def convolved(x: NDArray[Any], operand: NDArray[Any], *, inverse: bool = False) -> NDArray[Any]:
    lens = np.fft.ifft2 if inverse else np.fft.fft2
    return np.asarray(lens(operand * lens(x, norm="ortho"), norm="ortho"))


@pytest.mark.parametrize("inverse", [False, True])
def test_an_ideal_4f_device_transforms_twice(targets: Targets, inverse: bool) -> None:
    x, operand = targets(3, 16, 16), targets(3, 16, 16)
    with open_device("emulator:ideal", device__n=16, device__layout="4f") as device:
        exact = convolved(x, operand, inverse=inverse)
        for exposure in ("single", "two_gain", "averaged"):
            y = device.transform(x, operand=operand, inverse=inverse, exposure=exposure)
            assert np.linalg.norm(y - exact) < 1e-5 * np.linalg.norm(exact)


def test_a_4f_device_by_hand_is_its_transform(
    calibrated: Callable[..., Device], targets: Targets
) -> None:
    """Bit for bit, on two devices opened alike."""
    x, operand = targets(2, 16, 16), targets(2, 16, 16)
    with calibrated("emulator:lab4f", seed=7, device__n=16) as device:
        encoded = device.encode(x, operand=operand)
        by_hand = device.decode(device.expose(encoded.codes), encoded)
    with calibrated("emulator:lab4f", seed=7, device__n=16) as device:
        options: dict[str, Any] = {"exposure": "single", "track": False, "retries": 0}
        assert np.array_equal(device.transform(x, operand=operand, **options), by_hand)
    exact = convolved(x, operand)
    # Circular Gaussians: one in some hundred pixels of each stage is below its floor.
    assert np.linalg.norm(by_hand - exact) < 0.06 * np.linalg.norm(exact)


@pytest.mark.parametrize("coherent", [False, True])
def test_4f_codes_give_the_field_that_was_asked_for(
    calibrated: Callable[..., Device], rng: np.random.Generator, coherent: bool
) -> None:
    """By the driver's own model in double precision, no stage being asked for less than its floor.

    A step of a 14-bit code is at most 5e-4 rad of a heater, 1.5e-4 RMS, and what two Jacobi rounds
    leave about 5e-4; theta at 0.3 of its reach turns that into amplitude four times as large.
    Targets with the maps' own phases ask the chips for unlike and unusual amounts of heat: the
    substrate's part in theta is 20 mrad off where both are taken for one, or theirs for the usual
    (the tenth of it that neighbours pass on, 2 mrad, comes too late for the first Jacobi round).
    """
    n = 32
    with calibrated("emulator:lab4f", seed=7, device__n=n) as device:
        calibration = device.calibration
        assert calibration is not None
        x, operand = rng.uniform(0.3, 1, (2, 3, n, n))
        if coherent:
            x = 1j * x * np.exp(1j * np.angle(calibration.input_map))
            operand = operand * np.exp(1j * np.angle(calibration.middle_map))
        else:
            x, operand = (a * np.exp(2j * np.pi * rng.random(a.shape)) for a in (x, operand))
        encoded = device.encode(x, operand=operand)
        model = predict_spectrum(encoded.codes, calibration, device.info)
        seen = model / calibration.output_map / encoded.scale[:, None, None]
    exact = convolved(x, operand)
    assert np.linalg.norm(seen - exact) < 6e-3 * np.linalg.norm(exact)


def test_a_4f_device_needs_an_operand(targets: Targets) -> None:
    x = targets(2, 16, 16)
    with open_device("emulator:ideal", device__n=16, device__layout="4f") as device:
        before = device.telemetry().frames
        for call in (device.encode, device.transform):
            with pytest.raises(CapabilityError, match="operand"):
                call(x)
        assert device.telemetry().frames == before


def test_an_intensity_device_has_no_reference() -> None:
    with open_device("emulator:ideal", device__n=16, device__detection="intensity") as device:
        assert device.info.reference_steps == 1
        codes = np.zeros((2, 2, 2, 16, 16), np.float32)
        assert device.expose(codes, "off").shape == (2, 1, 16, 16)
        for reference in ("steps", "only"):
            with pytest.raises(CapabilityError, match="intensity"):
                device.expose(codes, reference)


def test_the_data_sheet_tells_the_profile_s_heat_and_light() -> None:
    profile = load_profile("lab", device__n=16)
    heat = profile.thermal
    with open_device("emulator:lab", seed=7, device__n=16) as device:
        nominal = device.info.nominal
    assert nominal.link_ring == tuple(
        thermal.ring_kernel(heat.link_nearest, heat.heat_length_pitches)
    )
    table = thermal.substrate_table(profile.substrate_k_per_w, heat.substrate_length_grids)
    assert np.array_equal(nominal.substrate_k_per_mw, table)
    assert nominal.ambient_rad_per_k == heat.ambient_rad_per_k
    assert nominal.wavelength_nm == profile.source.wavelength_nm
    assert nominal.wavelength_rad_per_pm == profile.source.wavelength_rad_per_pm
    assert 0 < nominal.link_ring[2] < nominal.link_ring[1] < nominal.link_ring[0]
    assert nominal.link_ring[0] < nominal.link_diagonal < nominal.link_nearest
