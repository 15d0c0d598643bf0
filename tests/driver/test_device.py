"""An open device: calibration, life, time, overrides."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import driver
from driver import Device, UncalibratedWarning, open_device
from driver.errors import (
    CalibrationMismatchError,
    ClosedDeviceError,
    ValueRangeError,
)

SEED = 7
N = 16

Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]
CodesFor = Callable[..., NDArray[Any]]
ErrorOf = Callable[[NDArray[Any], NDArray[Any]], float]
Unexposed = Callable[[Device], contextlib.AbstractContextManager[None]]


def test_uncalibrated_is_useless_and_says_so_once(targets: Targets, error_of: ErrorOf) -> None:
    x = targets(4, 32, 32)
    wanted = np.fft.fft2(x, norm="ortho")
    with open_device("emulator:lab", seed=SEED, device__n=32) as device:
        assert device.calibration is None
        assert not device.telemetry().calibrated
        with pytest.warns(UncalibratedWarning, match="calibrate"):
            seen = device.transform(x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            device.transform(x)
            device.encode(x)
    assert error_of(seen, wanted) > 0.5
    # Nor is it a matter of one factor: the best one leaves as much.
    factor = np.vdot(seen, wanted) / np.vdot(seen, seen)
    assert error_of(factor * seen, wanted) > 0.5


def test_ideal_needs_no_calibration(targets: Targets, error_of: ErrorOf) -> None:
    x = targets(4, 32, 32)
    with open_device("emulator:ideal", device__n=32) as device, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert error_of(device.transform(x), np.fft.fft2(x, norm="ortho")) < 1e-5


def test_a_calibrated_device_is_useful(
    calibrated: Opener, targets: Targets, error_of: ErrorOf
) -> None:
    """Even for targets with a flat spectrum, whose bins the camera resolves to some percent."""
    x = targets(8, 32, 32)
    with calibrated("emulator:lab", seed=SEED, device__n=32) as device:
        assert device.telemetry().calibrated
        assert device.calibration is not None
        assert error_of(device.transform(x), np.fft.fft2(x, norm="ortho")) < 0.03


def test_tracking_takes_out_the_drift(
    calibrated: Opener, targets: Targets, error_of: ErrorOf
) -> None:
    x = targets(4, 32, 32)
    wanted = np.fft.fft2(x, norm="ortho")
    with calibrated("emulator:lab", seed=SEED, device__n=32) as device:
        for _ in range(2):  # few frames, but long ones: the last pilot is too old each time
            device.idle(3600.0)
            assert error_of(device.transform(x, track=False), wanted) > 0.2
            assert error_of(device.transform(x), wanted) < 0.05
            assert abs(device.telemetry().drift_phase_rad) > 0.1
        inverse = device.transform(x, inverse=True)
        assert error_of(inverse, np.fft.ifft2(x, norm="ortho")) < 0.05
        assert device.telemetry().pilots == 2


def test_drift_is_interpolated_between_pilots(
    calibrated: Opener, targets: Targets, error_of: ErrorOf
) -> None:
    """At 2 rad/s the phase moves by 0.3 rad between pilots 24 frames of 6.8 ms apart.

    Held at the pilot before, it would be off by 0.16 rad on average; interpolated, by the curvature
    of the fastest tone (1 Hz, 0.13 rad): (0.16 s)^2 / 8 (2 pi)^2 0.13 = 0.017 rad.
    """
    fast = {"drift__reference_phase_rms_rad_per_s": 2.0, "device__n": 32}
    x = targets(49, 32, 32)
    with calibrated("emulator:lab", seed=SEED, **fast) as device:
        seen = device.transform(x)
        assert device.telemetry().pilots == 3
    assert error_of(seen[:48], np.fft.fft2(x[:48], norm="ortho")) < 0.06


def test_another_device_s_calibration_is_refused(calibrated: Opener) -> None:
    with (
        calibrated("emulator:lab", seed=1, device__n=N) as one,
        calibrated("emulator:lab", seed=2, device__n=N) as other,
        calibrated("emulator:lab", seed=1, device__n=N, timing__settle_us=900.0) as changed,
    ):
        mine = one.calibration
        for stranger in (other, changed):
            with pytest.raises(CalibrationMismatchError):
                one.load_calibration(stranger.calibration)
        assert one.calibration is mine


def uses(device: Device) -> dict[str, Callable[[], Any]]:
    """Everything that needs an open device."""
    x = np.ones((1, N, N), np.complex64)
    codes = np.zeros((1, 2, 2, N, N), np.uint16)
    encoded = device.encode(x)
    counts = device.expose(encoded.codes)
    return {
        "expose": lambda: device.expose(codes),
        "expose nothing": lambda: device.expose(codes[:0]),
        "encode": lambda: device.encode(x),
        "decode": lambda: device.decode(counts, encoded),
        "transform": lambda: device.transform(x),
        "transform nothing": lambda: device.transform(x[:0]),
        "idle": lambda: device.idle(1.0),
        "telemetry": device.telemetry,
        "params": lambda: device.params["laser_mw"],
        "set a param": lambda: device.params.update(laser_mw=1.0),
        "load a calibration": lambda: device.load_calibration(device.calibration),
        "calibrate": device.calibrate,
        "close": device.close,
    }


def test_a_closed_device_refuses_everything(calibrated: Opener) -> None:
    device = calibrated("emulator:lab", seed=SEED, device__n=N)
    calls = uses(device)
    assert not device.closed
    device.close()
    assert device.closed
    for what, call in calls.items():
        try:
            call()
        except ClosedDeviceError:
            continue
        pytest.fail(f"a closed device does not refuse to {what}")
    assert "closed" in repr(device)
    assert device.info.grid == (N, N)


def test_with_closes_once_and_lets_errors_pass(calibrated: Opener) -> None:
    def closed_inside() -> None:
        with device:
            device.close()
            raise ZeroDivisionError

    device = calibrated("emulator:lab", seed=SEED, device__n=N)
    with pytest.raises(ZeroDivisionError):
        closed_inside()


def test_a_closed_device_is_not_entered_again(calibrated: Opener) -> None:
    device = calibrated("emulator:lab", seed=SEED, device__n=N)
    device.close()
    with pytest.raises(ClosedDeviceError), device:
        raise AssertionError("not reached")
    assert "closed" in repr(device.params), "what is shown in a debugger must not raise"


def test_devices_and_tickets_do_not_travel(lab: Device, targets: Targets) -> None:
    """Another process would have a pointer into this one's memory."""
    for thing in (lab, lab.submit_transform(targets(1, N, N))):
        with pytest.raises(TypeError, match=r"cannot be pickled.*process"):
            pickle.dumps(thing)


@pytest.mark.parametrize("left", ["device", "device.close()"])
def test_the_interpreter_ends_silently_but_for_the_warning(left: str) -> None:
    """Also where the device is found by the collector after the modules are gone."""
    script = (
        "from driver import open_device\n"
        "device = open_device('null:8')\n"
        "class Keeper: pass\n"
        "keeper = Keeper(); keeper.device = device; keeper.self = keeper\n"
        "import builtins; builtins.kept = keeper\n"  # outlives every module
        f"{left}\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", script],
        cwd=Path(driver.__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "Exception ignored" not in done.stderr
    assert ("ResourceWarning" in done.stderr) == (left == "device")


CALLS: dict[str, Callable[[Device], object]] = {
    "encode": lambda device: device.encode(np.ones((N, N))),
    "transform": lambda device: device.transform(np.ones((N, N))),
    "submit_transform": lambda device: device.submit_transform(np.ones((N, N))),
    "convolve2d": lambda device: device.convolve2d(np.ones((1, 9, 9)), np.ones((1, 1, 3, 3))),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_points_at_the_line_that_called(name: str) -> None:
    """However deep in the driver it arises, its line is the caller's."""
    opened = open_device("emulator:lab", seed=SEED, device__n=N)
    with opened as device, pytest.warns(UncalibratedWarning) as caught:
        CALLS[name](device)
    code = CALLS[name].__code__
    assert (caught[0].filename, caught[0].lineno) == (code.co_filename, code.co_firstlineno)


def test_a_device_left_open_warns() -> None:
    devices = [open_device("emulator:lab", seed=SEED, device__n=N)]
    with pytest.warns(ResourceWarning, match=devices[0].info.serial):
        devices.clear()
    closed = open_device("emulator:lab", seed=SEED, device__n=N)
    closed.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del closed
        gc.collect()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_share_the_device(copied: Callable[[Any], Any]) -> None:
    with open_device("emulator:lab", seed=SEED, device__n=N) as device:
        twin = copied({"optics": device})["optics"] if copied is copy.deepcopy else copied(device)
        assert twin is device
        del twin
        gc.collect()
        assert not device.closed


def test_idle_and_telemetry(lab: Device, codes_for: CodesFor, no_frame_exposed: Unexposed) -> None:
    lab.idle(1.5)
    assert lab.telemetry().device_time_s == 1.5
    lab.idle(np.float32(0.25))
    lab.idle(0)
    assert lab.telemetry().device_time_s == 1.75
    assert lab.params["device_time_s"] == 1.75
    lab.expose(codes_for(lab, 2), launch_step=np.zeros((2, 3), np.uint8))
    told = lab.telemetry()
    assert (told.frames, told.exposures, told.pilots, told.faults) == (2, 24, 0, 0)
    assert told.device_time_s == pytest.approx(1.75 + 2e-6 * lab.info.timing.frame_us(3), rel=1e-12)
    for refused in (-1.0, np.nan, np.inf, 1e10, "1", None, True):
        with no_frame_exposed(lab), pytest.raises(ValueRangeError):
            lab.idle(refused)  # type: ignore[arg-type]


def test_device_time_does_not_wrap(lab: Device) -> None:
    """int64 nanoseconds end after 292 years: an error, not a negative time."""
    for _ in range(4):  # half of int64's nanoseconds are headroom for frames: 4.6e9 s remain
        lab.idle(1e9)
    with pytest.raises(ValueRangeError):
        lab.idle(1e9)
    assert lab.telemetry().device_time_s > 0


def test_overrides_change_the_device() -> None:
    with open_device("emulator:lab?device__n=16&seed=3") as by_uri:
        assert by_uri.info.grid == (16, 16)
        serial = by_uri.info.serial
    with open_device("emulator:lab?device__n=32", seed=3, device__n=16) as by_keyword:
        assert by_keyword.info.grid == (16, 16)
        assert by_keyword.info.serial == serial
    with open_device("emulator:lab", seed=4, device__n=16, timing__exposure_us=50) as other:
        assert other.info.serial != serial
        assert other.info.timing.exposure_us == 50.0


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1}, {"seed": 2**64}, {"seed": 1.5}, {"seed": "7"}, {"seed": True},
        {"threads": 0}, {"threads": -2}, {"threads": 1.5}, {"threads": True},
        {"foo": 1}, {"device__foo": 1}, {"device__n": 0}, {"device__n": 17}, {"device__n": 1024},
        {"device__n": "many"}, {"timing__settle_us": 100.0}, {"source__laser_mw": 1e3},
        {"camera__qe": float("nan")},
    ],
)  # fmt: skip
def test_opening_refuses_options(options: dict[str, Any]) -> None:
    with pytest.raises(ValueRangeError) as caught:
        open_device("emulator:lab", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [0, 2**64 - 1, np.int64(5)])
def test_any_seed_opens(seed: int) -> None:
    with open_device("emulator:lab", seed=seed, device__n=N) as device:
        assert device.expose(np.zeros((1, 2, 2, N, N), np.uint16)).any()
