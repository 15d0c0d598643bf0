"""What may be installed as a calibration, and what is refused before anything crosses to C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver import Calibration, Device, open_device
from driver.calibration.nominal import nominal_calibration
from driver.calibration.validation import check_calibration
from driver.errors import CalibrationError, CalibrationMismatchError

ARRAYS = (
    "rho", "theta0_rad", "kappa_rad_per_mw", "power_full_mw", "beta_per_mw", "links", "partner",
    "input_map", "output_map", "launch_gain", "black_dn", "reference_dn", "pilot_codes",
    "pilot_spectrum",
)  # fmt: skip


def installed(device: Device) -> Calibration:
    assert device.calibration is not None
    return device.calibration


def with_value(array: np.ndarray[Any, Any], value: Any) -> np.ndarray[Any, Any]:
    """A copy of which one element is `value`."""
    changed = array.copy()
    changed.flat[array.size // 2] = value
    return changed


def refused(device: Device, calibration: Calibration, says: str) -> None:
    """It is refused for that reason, and the old one stays."""
    before = device.calibration
    with pytest.raises(CalibrationError, match=says):
        device.load_calibration(calibration)
    assert device.calibration is before


def test_a_sound_one_passes(lab: Device) -> None:
    check_calibration(installed(lab), lab.info)
    lab.load_calibration(replace(installed(lab), saturation_dn=float("inf")))


@pytest.mark.parametrize("uri", ["emulator:lab", "emulator:ideal"])
def test_a_data_sheet_passes(uri: str) -> None:
    with open_device(uri, device__n=16) as device:
        check_calibration(nominal_calibration(device.info), device.info)


@pytest.mark.parametrize("name", ARRAYS)
def test_every_shape_is_checked(lab: Device, name: str) -> None:
    array = getattr(installed(lab), name)
    shapes = [array[..., :-1], array[None], array.reshape(-1)[:1]]
    for wrong in shapes:
        refused(lab, replace(installed(lab), **{name: wrong}), f"{name}|grid of")


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("what", ["a list", "objects", "text"])
def test_every_array_is_one_of_numbers(lab: Device, name: str, what: str) -> None:
    array = getattr(installed(lab), name)
    wrong = {"a list": array.tolist(), "objects": array.astype(object), "text": array.astype(str)}
    refused(lab, replace(installed(lab), **{name: wrong[what]}), f"{name} is")


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "pilot_codes"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_every_array_is_finite_in_float32(lab: Device, name: str, value: float) -> None:
    changed = with_value(getattr(installed(lab), name), value)
    refused(lab, replace(installed(lab), **{name: changed}), f"{name} holds")


def test_complex_where_real_is_wanted(lab: Device) -> None:
    refused(lab, replace(installed(lab), rho=installed(lab).rho + 0j), "rho is complex128")


@pytest.mark.parametrize("name", ["rho", "kappa_rad_per_mw", "power_full_mw"])
@pytest.mark.parametrize("value", [0.0, -1.0, 1e-300])
def test_divisors_are_positive(lab: Device, name: str, value: float) -> None:
    changed = with_value(getattr(installed(lab), name), value)
    refused(lab, replace(installed(lab), **{name: changed}), f"{name} must be positive")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"gain_e_per_dn": 0.0}, "gain_e_per_dn"),
        ({"gain_e_per_dn": float("inf")}, "gain_e_per_dn"),
        ({"gain_e_per_dn": "25"}, "gain_e_per_dn"),
        ({"read_noise_e": -1.0}, "read_noise_e"),
        ({"read_noise_e": float("nan")}, "read_noise_e"),
        ({"saturation_dn": 0.0}, "saturation_dn"),
        ({"saturation_dn": float("nan")}, "saturation_dn"),
        ({"conjugate_leak": 1 + 0j}, "conjugate_leak"),
        ({"conjugate_leak": complex("nan")}, "conjugate_leak"),
        ({"device_time_ns": -1}, "device_time_ns"),
        ({"device_time_ns": 1.5}, "device_time_ns"),
        ({"pilot_launch_step": -1}, "pilot_launch_step"),
        ({"pilot_launch_step": 32}, "pilot_launch_step"),
        ({"pilot_launch_step": 2.0}, "pilot_launch_step"),
        ({"pilot_launch_step": True}, "pilot_launch_step"),
    ],
)
def test_scalars_are_in_range(lab: Device, changes: dict[str, Any], says: str) -> None:
    refused(lab, replace(installed(lab), **changes), says)


def test_what_would_leave_nothing_to_divide_by(lab: Device) -> None:
    ours = installed(lab)
    steps = with_value(ours.launch_gain, 0)
    refused(lab, replace(ours, launch_gain=steps), "launch_gain must not be zero")
    refused(lab, replace(ours, output_map=0 * ours.output_map), "output_map is zero everywhere")
    refused(lab, replace(ours, input_map=0 * ours.input_map), "input_map is zero everywhere")
    refused(lab, replace(ours, beta_per_mw=with_value(ours.beta_per_mw, -1.0)), "beta_per_mw")
    refused(lab, replace(ours, output_map=with_value(ours.output_map, 1e-40)), "too small")
    dead = with_value(ours.output_map, 0)  # one bin may be dead
    lab.load_calibration(replace(ours, output_map=dead))


def test_pilot_codes_are_codes(lab: Device) -> None:
    ours = installed(lab)
    refused(lab, replace(ours, pilot_codes=ours.pilot_codes.astype(np.uint32)), "uint32")
    refused(lab, replace(ours, pilot_codes=with_value(ours.pilot_codes, 2**14)), "16384")


def test_float_pilot_codes_lie_between_zero_and_one() -> None:
    with open_device("emulator:ideal", device__n=16) as device:
        ours = nominal_calibration(device.info)
        for value in (-0.5, 1.5):
            changed = with_value(ours.pilot_codes, value)
            refused(device, replace(ours, pilot_codes=changed), "pilot_codes reach")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"serial": "lab-0000000000"}, "lab-0000000000"),
        ({"profile_hash": "0" * 64}, "profile"),
        ({"input_map": np.ones((32, 32), complex)}, r"\(32, 32\)"),
    ],
)
def test_another_device_s_is_a_mismatch(lab: Device, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(CalibrationMismatchError, match=says):
        lab.load_calibration(replace(installed(lab), **changes))


@pytest.mark.parametrize("name", ["rho", "links", "pilot_codes", "output_map"])
def test_a_file_of_wrong_shapes_is_refused_with_the_reason(
    lab: Device, name: str, tmp_path: Path
) -> None:
    """Its checksum is right: it was saved like that."""
    path = tmp_path / "short.h5"
    replace(installed(lab), **{name: getattr(installed(lab), name)[..., :3]}).save(path)
    with pytest.raises(CalibrationError, match=rf"{name} has shape .*3\); it must be"):
        lab.load_calibration(path)
