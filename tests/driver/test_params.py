"""Typed parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from driver import Device
from driver.errors import CapabilityError, DTypeError, ReadOnlyError, ValueRangeError

NAMES = {"laser_enabled", "laser_mw", "reference_fraction", "device_time_s"}


def test_params_are_a_mapping(lab: Device) -> None:
    assert set(lab.params) == NAMES
    assert len(lab.params) == len(NAMES)
    assert dict(lab.params)["laser_mw"] == 10.0
    assert "laser_mw" in lab.params
    assert "warp" not in lab.params
    assert lab.params.get("warp", 5) == 5
    with pytest.raises(KeyError, match="warp"):
        lab.params["warp"]
    with pytest.raises(ValueRangeError, match="laser_enabled"):
        lab.params["warp"] = 1.0


def test_descriptions(lab: Device) -> None:
    laser = lab.params.describe("laser_mw")
    assert (laser.value, laser.unit, laser.minimum, laser.read_only) == (10.0, "mW", 0.0, False)
    assert laser.maximum >= 10.0
    assert lab.params.describe("device_time_s").read_only
    assert lab.params.describe("device_time_s").unit == "s"
    assert lab.params["laser_enabled"] is True
    for name in NAMES:
        assert name in repr(lab.params)


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("laser_mw", 5, 5.0),
        ("laser_mw", np.float32(2.5), 2.5),
        ("laser_mw", 0.0, 0.0),
        ("reference_fraction", 0.5, 0.5),
        ("laser_enabled", False, False),
        ("laser_enabled", np.bool_(False), False),
    ],
)
def test_setting(lab: Device, name: str, value: Any, becomes: Any) -> None:
    lab.params[name] = value
    assert lab.params[name] == becomes
    assert type(lab.params[name]) is type(becomes)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("laser_mw", -1.0, ValueRangeError),
        ("laser_mw", 1e6, ValueRangeError),
        ("laser_mw", np.nan, ValueRangeError),
        ("laser_mw", "5", DTypeError),
        ("laser_mw", None, DTypeError),
        ("laser_mw", True, DTypeError),
        ("laser_enabled", 1, DTypeError),
        ("laser_enabled", "on", DTypeError),
        ("device_time_s", 0.0, ReadOnlyError),
    ],
)
def test_settings_are_refused(lab: Device, name: str, value: Any, error: type[Exception]) -> None:
    before = dict(lab.params)
    with pytest.raises(error, match=name):
        lab.params[name] = value
    assert dict(lab.params) == before


def test_refusals_read_well(lab: Device) -> None:
    with pytest.raises(ValueRangeError, match=r"reference_fraction must be 0 to 2, not 2\.5"):
        lab.params["reference_fraction"] = 2.5
    with pytest.raises(ValueRangeError, match=r"laser_mw must be 0 to 20 mW, not -1"):
        lab.params["laser_mw"] = -1.0


def test_params_stay(lab: Device) -> None:
    with pytest.raises(CapabilityError):
        del lab.params["laser_mw"]
    assert set(lab.params) == NAMES
