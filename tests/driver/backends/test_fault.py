"""fault: what each fault does, how the driver recovers, and that nothing measured is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, UncalibratedWarning, open_device
from driver.errors import (
    CalibrationMismatchError,
    FrameLostError,
    InterlockError,
    NoAnswerError,
    OverTemperatureError,
    ShortReadError,
)
from driver.library import lib

N = 16
LAB = f"emulator:lab?device__n={N}&seed=7"
NULL = f"null:{N}"

Targets = Callable[..., NDArray[np.complex64]]
CodesFor = Callable[..., NDArray[Any]]
Opener = Callable[..., Device]
ErrorOf = Callable[[NDArray[Any], NDArray[Any]], float]


def faulty(faults: str, of: str = LAB) -> Device:
    return open_device(f"fault:?{faults}&of={of}", threads=2)


def without_faults(codes: NDArray[Any], **options: Any) -> NDArray[Any]:
    with open_device(LAB, threads=1) as device:
        counts: NDArray[Any] = device.expose(codes, **options)
    return counts


# ---- retry ---------------------------------------------------------------------------------------

RETRIED = {
    "dropped_frame": (FrameLostError, lib.ODEV_FAULT_DROPPED_FRAME, "frame 2 was dropped"),
    "timeout": (NoAnswerError, lib.ODEV_FAULT_TIMEOUT, "no answer to frame 2"),
    "short_read": (ShortReadError, lib.ODEV_FAULT_SHORT_READ, "frame 2 came short: 1024 of 2048"),
}


@pytest.mark.parametrize("fault", RETRIED)
def test_a_lost_frame_is_repeated_as_the_next(fault: str, codes_for: CodesFor) -> None:
    """Its codes again, one place and one frame's time later, and so for all frames after it."""
    with faulty(f"{fault}=2") as device:
        codes = codes_for(device, 4)
        counts = device.expose(codes)
        told, result = device.telemetry(), device.last_result
        frame_s = device.info.timing.frame_us() * 1e-6
    assert result is not None
    assert (result.frames, result.finished, result.lost_frames) == (4, 4, 1)
    assert (told.frames, told.lost_frames, told.faults, told.exposures) == (5, 1, 0, 20)
    assert told.device_time_s == pytest.approx(5 * frame_s, rel=1e-12)
    exposed = without_faults(codes[[0, 1, 2, 2, 3]])
    assert np.array_equal(counts, exposed[[0, 1, 3, 4]])


@pytest.mark.parametrize("fault", RETRIED)
def test_what_was_measured_before_a_fault_that_stays_is_kept(
    fault: str, codes_for: CodesFor
) -> None:
    kind, native_code, message = RETRIED[fault]
    with faulty(f"{fault}=2-9") as device:
        codes = codes_for(device, 4)
        with pytest.raises(kind, match=message.replace("frame 2", "frame 5")) as caught:
            device.expose(codes)
        assert caught.value.native_code == native_code
        assert np.array_equal(caught.value.finished, without_faults(codes)[:2])
        result = caught.value.result
        assert (result.frames, result.finished) == (2, 2)
        # The frame itself and its three repeats.
        assert result.lost_frames == 1 + lib.ODEV_MAX_REPEATS == 4
        told = device.telemetry()
        assert (told.frames, told.lost_frames, told.faults) == (6, 4, 1)
        # The device goes on where it is: four more are lost, then all is well.
        with pytest.raises(kind):
            device.expose(codes[2:])
        rest = device.expose(codes[2:])
    exposed = without_faults(codes[[0, 1, *[2] * 8, 2, 3]])
    assert np.array_equal(rest, exposed[-2:])


def test_a_series_of_losses_shorter_than_the_bound_is_survived(codes_for: CodesFor) -> None:
    with faulty("dropped_frame=0-1,4,7-8&short_read=5") as device:
        counts = device.expose(codes_for(device, 5), reference="off")
        assert len(counts) == 5
        assert device.telemetry().lost_frames == 6


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("residual", [False, True])
def test_transform_repeats_lost_frames(
    calibrated: Opener, targets: Targets, error_of: ErrorOf, threads: int, residual: bool
) -> None:
    """Pilots and items alike; the result is as good as without losses."""
    x = targets(30, N, N)
    wanted = np.fft.fft2(x, norm="ortho")
    errors = []
    for faults in ("seed=0", "dropped_frame=0,5,26-27,40&short_read=p0.05&seed=1"):
        uri = f"fault:?{faults}&of=emulator:lab"
        with calibrated(uri, seed=7, device__n=N, threads=threads) as device:
            errors.append(error_of(device.transform(x, residual=residual), wanted))
            told, result = device.telemetry(), device.last_result
            assert result is not None
            assert result.finished == 30
            assert told.frames == result.frames + result.lost_frames
            assert (result.lost_frames > 4) == ("dropped" in faults)
    assert errors[1] < 1.2 * errors[0]


def test_transform_keeps_the_items_before_a_fault_that_stays(
    calibrated: Opener, targets: Targets, error_of: ErrorOf
) -> None:
    x = targets(30, N, N)
    wanted = np.fft.fft2(x, norm="ortho")
    with calibrated("emulator:lab", seed=7, device__n=N) as device:
        sound = error_of(device.transform(x), wanted)
    with calibrated("fault:?dropped_frame=12-15&of=emulator:lab", seed=7, device__n=N) as device:
        with pytest.raises(FrameLostError) as caught:
            device.transform(x)
        # Frame 0 is the pilot, frames 1 to 11 are items.
        assert len(caught.value.finished) == caught.value.result.finished == 11
        assert error_of(caught.value.finished, wanted[:11]) < 1.2 * sound < 0.2
        assert device.telemetry().frames == 16
        again = device.transform(x[11:])
    assert error_of(again, wanted[11:]) < 1.2 * sound


def test_a_residual_item_whose_second_frame_is_lost_is_not_finished(
    calibrated: Opener, targets: Targets
) -> None:
    uri = "fault:?dropped_frame=4-7&of=emulator:lab"
    with calibrated(uri, seed=7, device__n=N) as device:
        with pytest.raises(FrameLostError) as caught:
            device.transform(targets(3, N, N), residual=True, track=False, retries=0)
        # Items are frames 0-1, 2-3, 4-5: two whole ones, and none of the third.
        assert caught.value.result.finished == 2
        told, t = device.telemetry(), device.info.timing
        assert told.frames == 8
        assert told.device_time_s == pytest.approx(8e-6 * t.frame_us(2), rel=1e-12)
    uri = "fault:?dropped_frame=3-6&of=emulator:lab"
    with calibrated(uri, seed=7, device__n=N) as device:
        with pytest.raises(FrameLostError) as caught:
            device.transform(targets(3, N, N), residual=True, track=False, retries=0)
        assert caught.value.result.finished == 1
        assert caught.value.result.frames == 3
        assert device.telemetry().device_time_s == pytest.approx(
            7e-6 * device.info.timing.frame_us(2), rel=1e-12
        )


# ---- interlock -----------------------------------------------------------------------------------


def test_a_tripped_laser_stays_off_until_it_is_enabled(codes_for: CodesFor) -> None:
    with faulty("laser_trip=2") as device:
        codes = codes_for(device, 4)
        with pytest.raises(InterlockError, match="tripped at frame 2") as caught:
            device.expose(codes)
        assert caught.value.native_code == lib.ODEV_FAULT_LASER_TRIP
        assert np.array_equal(caught.value.finished, without_faults(codes)[:2])
        told = device.telemetry()
        assert told.interlock
        assert (told.frames, told.faults, told.lost_frames) == (2, 1, 0)
        assert device.params["laser_enabled"] is False
        with pytest.raises(InterlockError, match="laser_enabled"):
            device.expose(codes)
        with (
            pytest.raises(InterlockError, match="laser_enabled"),
            pytest.warns(UncalibratedWarning),
        ):
            device.transform(np.ones((N, N)))
        assert device.telemetry().frames == 2
        dark = device.expose(codes[:1], laser="off")  # darkness is allowed
        assert len(dark) == 1
        device.params["laser_enabled"] = True
        assert not device.telemetry().interlock
        assert len(device.expose(codes)) == 4


def test_a_laser_that_is_off_does_not_trip(codes_for: CodesFor) -> None:
    with faulty("laser_trip=0-9") as device:
        assert len(device.expose(codes_for(device, 3), laser="off")) == 3


def test_over_temperature_voids_the_job_and_cuts_the_heaters(codes_for: CodesFor) -> None:
    with faulty("over_temperature=3&temperature_k=333") as device:
        codes = codes_for(device, 4)
        first = device.expose(codes[:1])
        with pytest.raises(OverTemperatureError, match="333 K at frame 3") as caught:
            device.expose(codes)
        assert caught.value.native_code == lib.ODEV_FAULT_OVER_TEMPERATURE
        assert len(caught.value.finished) == 0
        assert caught.value.result.over_temperature
        told = device.telemetry()
        assert (told.frames, told.faults) == (5, 1)  # the job's frames and time have passed
        frame_s = device.info.timing.frame_us() * 1e-6
        assert told.device_time_s == pytest.approx(5 * frame_s, rel=1e-12)
        after = device.expose(codes)
    zero = np.zeros_like(codes[:1])
    exposed = without_faults(np.concatenate([codes[:1], codes[:3], zero, codes]))
    assert np.array_equal(first, exposed[:1])
    assert np.array_equal(after, exposed[5:])  # as after a frame of all zeros


def test_the_thermometer_shows_over_temperature() -> None:
    with faulty("over_temperature=0&temperature_k=333") as device:
        assert device.telemetry().temperature_k == 333
    with faulty("seed=1") as device:
        assert device.telemetry().temperature_k < 310


# ---- flags and refusals --------------------------------------------------------------------------


def test_a_clock_that_jumps_is_followed_and_flagged(calibrated: Opener, targets: Targets) -> None:
    uri = "fault:?clock_jump=20&clock_jump_s=100&of=emulator:lab"
    with calibrated(uri, seed=7, device__n=N) as device:
        x = targets(10, N, N)
        device.transform(x, retries=0)
        assert device.last_result is not None
        assert not device.last_result.clock_jumped
        device.transform(x, retries=0)
        assert device.last_result.clock_jumped
        told = device.telemetry()
        assert told.clock_jumps == 1
        # 20 items in two exposures, and the first job's pilot.
        t = device.info.timing
        frames_s = 20e-6 * t.frame_us(2) + 1e-6 * t.frame_us(1)
        assert told.device_time_s == pytest.approx(100 + frames_s, rel=1e-12)
        device.transform(x, retries=0)
        assert device.telemetry().pilots == 2, "no pilot after the jump"


def test_a_clock_that_jumps_back_is_flagged_only(codes_for: CodesFor) -> None:
    with faulty("clock_jump=1&clock_jump_s=-100") as device:
        device.expose(codes_for(device, 3))
        assert device.last_result is not None
        assert device.last_result.clock_jumped
        expected = 3e-6 * device.info.timing.frame_us()
        assert device.telemetry().device_time_s == pytest.approx(expected, rel=1e-12)


def test_a_wrong_serial_is_refused_with_the_calibration(calibrated: Opener) -> None:
    with calibrated("emulator:lab", seed=7, device__n=N) as sound:
        calibration = sound.calibration
    assert calibration is not None
    with faulty("wrong_serial=LAB-OTHER") as device:
        assert device.info.serial == "LAB-OTHER"
        with pytest.raises(CalibrationMismatchError, match="LAB-OTHER"):
            device.load_calibration(calibration)
        assert device.calibration is None


def test_a_stale_calibration_is_flagged(calibrated: Opener, targets: Targets) -> None:
    uri = "fault:?stale_calibration=9-&of=emulator:lab"
    with calibrated(uri, seed=7, device__n=N) as device:
        device.transform(targets(8, N, N), retries=0)
        assert device.last_result is not None
        assert not device.last_result.calibration_stale
        device.idle(1.0)  # a new pilot is due
        device.transform(targets(8, N, N), retries=0)
        assert device.last_result.calibration_stale
        assert device.telemetry().drift_amplitude == pytest.approx(0.7, abs=0.05)


# ---- what lasts ----------------------------------------------------------------------------------


def test_dead_and_hot_pixels_count_what_they_count(codes_for: CodesFor) -> None:
    with faulty("dead_pixel=1-2&dead_at=3.5,0.0&hot_pixel=2-&hot_at=15.15") as device:
        codes = codes_for(device, 4)
        counts = device.expose(codes)
    sound = without_faults(codes)
    wanted = sound.copy()
    wanted[1:3, :, 3, 5] = wanted[1:3, :, 0, 0] = 0
    wanted[2:, :, 15, 15] = 4095
    assert np.array_equal(counts, wanted)
    assert sound[1, 0, 3, 5] > 0


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_stuck_heater_holds_its_code(codes_for: CodesFor, level: float) -> None:
    where = "stuck_at=0.1.3.5,1.0.15.0"
    with faulty(f"stuck_heater=1-2&{where}&stuck_level={level}") as device:
        codes = codes_for(device, 5)
        counts = np.concatenate([device.expose(codes[:2]), device.expose(codes[2:])])
    stuck = codes.copy()
    stuck[1:3, 0, 1, 3, 5] = stuck[1:3, 1, 0, 15, 0] = round(level * (2**14 - 1) + 1e-9)
    assert np.array_equal(counts, without_faults(stuck))
    assert not np.array_equal(counts, without_faults(codes))


def test_a_place_by_chance_is_the_seed_s(codes_for: CodesFor) -> None:
    places = []
    for seed in (1, 1, 2):
        with faulty(f"hot_pixel=0-&seed={seed}") as device:
            counts = device.expose(codes_for(device, 1), launch_step=31)
            places.append(np.argwhere(counts[0, 0] == 4095).tolist())
    assert places[0] == places[1] != places[2]
    assert len(places[0]) == len(places[2]) == 1


def test_unquantised_devices_have_faults_too(codes_for: CodesFor) -> None:
    faults = "dead_pixel=0-&dead_at=1.2&stuck_heater=0-&stuck_at=0.0.0.0&dropped_frame=1"
    with faulty(faults, f"emulator:ideal?device__n={N}") as device:
        counts = device.expose(codes_for(device, 3))
        assert counts.dtype == np.float32
        assert np.all(counts[:, :, 1, 2] == 0)
