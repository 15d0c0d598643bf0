"""When a fault comes, as the options of a fault: URI say, and options that say nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.errors import DriverError, FrameLostError, UnknownDeviceError, ValueRangeError
from driver.library import lib

N = 16
NULL = f"null:{N}"

CodesFor = Callable[..., NDArray[Any]]


def faulty(faults: str, of: str = NULL) -> Device:
    return open_device(f"fault:?{faults}&of={of}", threads=2)


def losses(faults: str, jobs: list[int], of: str = NULL) -> int:
    with faulty(faults, of) as device:
        for frames in jobs:
            device.expose(np.zeros((frames, 2, 2, N, N), np.uint16), reference="off")
        return device.telemetry().lost_frames


def test_chance_is_of_seed_and_frame_alone() -> None:
    whole = losses("dropped_frame=p0.1&seed=3", [2000])
    assert whole == losses("dropped_frame=p0.1&seed=3", [1, 499, 500, 1000])
    # About 2222 frames (each loss adds one): mean 222, sigma sqrt(2222 0.1 0.9) = 14; 6 sigma.
    assert abs(whole - 222) < 6 * 14
    assert whole != losses("dropped_frame=p0.1&seed=4", [2000])
    assert losses("dropped_frame=p0", [2000]) == 0
    assert losses("dropped_frame=p0.5@100-199", [100]) == 0


def test_faults_are_drawn_apart() -> None:
    """Not all kinds on the same frames: then both would be one."""
    both = losses("dropped_frame=p0.02&short_read=p0.02&seed=3", [2000])
    assert both > 1.5 * losses("dropped_frame=p0.02&seed=3", [2000])


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ("droped_frame=3", "did you mean 'dropped_frame'"),
        ("dropped_frame=", "comes at a frame"),
        ("dropped_frame=x", "comes at a frame"),
        ("dropped_frame=-1", "comes at a frame"),
        ("dropped_frame=9-3", "comes at a frame"),
        ("dropped_frame=p1.5", "comes at a frame"),
        ("dropped_frame=3,", "comes at a frame"),
        ("dropped_frame=99999999999999999999999", "comes at a frame"),
        ("dropped_frame=" + ",".join(["1"] * 17), "more than 16"),
        ("dead_pixel=0&dead_at=16.0", "row.column"),
        ("dead_pixel=0&dead_at=1", "row.column"),
        ("stuck_heater=0&stuck_at=0.2.0.0", "stage.heater.row.column"),
        ("stuck_level=1.5", "from 0 to 1"),
        ("stuck_level=nan", "from 0 to 1"),
        ("seed=-1", "seed"),
        ("wrong_serial=", "characters"),
        ("wrong_serial=" + 64 * "x", "characters"),
        ("unheard_of=3", "unheard_of"),
        ("dropped_frame", "KEY=VALUE"),
    ],
)
def test_options_that_are_none(faults: str, message: str) -> None:
    with pytest.raises(ValueRangeError, match=message) as caught:
        faulty(faults, NULL)
    assert "\n" not in str(caught.value)


def test_faults_need_a_device() -> None:
    for uri in ("fault:", "fault:?dropped_frame=3", "fault:?of="):
        with pytest.raises(ValueRangeError, match="of="):
            open_device(uri)
    with pytest.raises(ValueRangeError, match="options only"):
        open_device("fault:lab?of=null:4")
    with pytest.raises(UnknownDeviceError, match="did you mean null"):
        open_device("fault:?of=nul:4")


def test_faults_within_faults(codes_for: CodesFor) -> None:
    with open_device(f"fault:?dropped_frame=1&of=fault:?short_read=3&of={NULL}") as device:
        device.expose(codes_for(device, 4), reference="off")
        assert device.telemetry().lost_frames == 2


def test_every_fault_has_a_number_of_its_own() -> None:
    numbers = [getattr(lib, name) for name in dir(lib) if name.startswith("ODEV_FAULT_")]
    assert sorted(numbers) == list(range(1, lib.ODEV_FAULT_COUNT + 1))
    assert issubclass(FrameLostError, DriverError)
