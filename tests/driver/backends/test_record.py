"""record: and replay:, a session to a file and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.errors import FrameLostError, InterlockError, RecordingError, ValueRangeError

N = 16
LAB = f"emulator:lab?device__n={N}&seed=7"

CodesFor = Callable[..., NDArray[Any]]
Targets = Callable[..., NDArray[np.complex64]]
Opener = Callable[..., Device]


def session(device: Device, codes_for: CodesFor) -> list[Any]:
    """Everything that a session can hold, and what came of it."""
    codes = codes_for(device, 5)
    told: list[Any] = [device.telemetry()]
    told.append(device.expose(codes[:3]))
    device.idle(12.5)
    device.params["laser_mw"] = 4.0
    told.append(device.expose(codes[3:], reference="off", exposure_us=37.0, launch_step=9))
    told.append(device.telemetry())
    device.params["reference_fraction"] = 0.5
    told.append(device.expose(codes[:1], launch_step=np.array([[1, 2, 3]])))
    told.append(device.expose(codes[:1], reference="only", laser="off"))
    told.append(device.telemetry())
    return told


def assert_same(one: list[Any], other: list[Any]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)
        else:  # threads: recording takes one
            for name in ("device_time_s", "frames", "exposures", "temperature_k", "laser_mw"):
                assert getattr(a, name) == getattr(b, name)


@pytest.fixture
def recorded(tmp_path: Path, codes_for: CodesFor) -> Path:
    path = tmp_path / "session.h5"
    with open_device(f"record:{path}?of={LAB}") as device:
        session(device, codes_for)
    return path


def test_a_recorded_device_is_the_device_and_a_replay_gives_it_again(
    recorded: Path, codes_for: CodesFor
) -> None:
    with open_device(LAB, threads=1) as device:
        plain, info = session(device, codes_for), device.info
    with open_device(f"replay:{recorded}") as device:
        assert device.info == info
        assert_same(session(device, codes_for), plain)
    recorded.chmod(0o400)
    with open_device(f"replay:{recorded}") as device:  # and again: nothing is used up
        assert_same(session(device, codes_for), plain)


def test_the_file_holds_codes_counts_times_settings_and_sensors(
    recorded: Path, codes_for: CodesFor
) -> None:
    with open_device(LAB) as device:
        codes, counts = codes_for(device, 5), device.expose(codes_for(device, 5)[:3])
        frame_ns = round(1000 * device.info.timing.frame_us())
    with h5py.File(recorded, "r") as file:
        assert file.attrs["complete"]
        frames = file["frames"][()]
        assert frames["index"].tolist() == list(range(7))
        assert np.array_equal(file["codes"][:5], codes)
        assert np.array_equal(file["planes"][:12], counts.reshape(12, N, N))
        starts = [0, frame_ns, 2 * frame_ns, 3 * frame_ns + 12_500_000_000]
        assert frames["start_ns"][:4].tolist() == starts
        assert frames["reference"].tolist() == [1, 1, 1, 0, 0, 1, 2]
        assert frames["laser_mw"][[0, 3]].tolist() != [4.0, 4.0]
        assert frames["laser_mw"][3:].tolist() == [4.0] * 4
        assert frames["laser_on"].tolist() == [1] * 6 + [0]
        assert frames["exposures"].tolist() == [1] * 5 + [3, 1]
        assert file["launch_step"][-4:-1].tolist() == [1, 2, 3]
        assert len(file["sensors"]) == 3


def test_frames_may_make_other_jobs(recorded: Path, codes_for: CodesFor) -> None:
    with open_device(f"replay:{recorded}") as device:
        codes = codes_for(device, 3)
        whole = device.expose(codes)
    with open_device(f"replay:{recorded}") as device:
        parts = [device.expose(codes[i : i + 1]) for i in range(3)]
    assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("jobs", [[12], [1] * 12, [5, 5, 2], [4, 3, 1, 4]])
def test_frames_after_a_jump_of_the_clock_may_make_other_jobs(
    tmp_path: Path, codes_for: CodesFor, jobs: list[int]
) -> None:
    """The jump stands where the driver followed it: behind the block that it came in."""
    faults = f"fault:?clock_jump=3&dropped_frame=7&of={LAB}"
    path = tmp_path / "jump.h5"
    with open_device(f"record:{path}?of={faults}") as device:
        codes = codes_for(device, 12)
        counts, told = device.expose(codes), device.telemetry()
    with open_device(f"replay:{path}") as device:
        ends = np.cumsum(jobs)
        seen = [device.expose(codes[e - j : e]) for e, j in zip(ends, jobs, strict=True)]
        again = device.telemetry()
    assert np.array_equal(np.concatenate(seen), counts)
    assert (told.clock_jumps, told.lost_frames) == (again.clock_jumps, again.lost_frames) == (1, 1)
    assert again.device_time_s == told.device_time_s


@pytest.mark.slow
def test_a_whole_calibration_and_a_convolution_again(tmp_path: Path) -> None:
    """The replay knows no emulator, and yet gives the same calibration and the same pictures."""
    path = tmp_path / "whole.h5"
    rng = np.random.default_rng(5)
    pictures = rng.random((2, 2, 24, 24), np.float32)
    kernels = rng.standard_normal((3, 2, 3, 3)).astype(np.float32)
    told = []
    for uri in (f"record:{path}?of={LAB}", f"replay:{path}"):
        with open_device(uri) as device:
            calibration = device.calibrate()
            told.append((calibration, device.convolve2d(pictures, kernels), device.telemetry()))
    (one, seen, end), (other, again, same) = told
    assert np.array_equal(one.output_map, other.output_map)
    assert np.array_equal(one.theta0_rad, other.theta0_rad)
    assert np.array_equal(seen, again)
    assert (end.frames, end.device_time_s) == (same.frames, same.device_time_s)


@pytest.mark.parametrize("uri", [f"record:?of={LAB}", "replay:"])
def test_a_file_must_be_named(uri: str) -> None:
    with pytest.raises(ValueRangeError, match="path of a file"):
        open_device(uri)


@pytest.mark.parametrize(
    ("ask", "where"),
    [
        (lambda d, c: d.expose(_with(c, 1, (0, 1, 3, 5))), r"frame 1.*stage a, heater phi.*3, 5"),
        (lambda d, c: d.expose(_with(c, 2, (1, 0, 0, 0))), r"frame 2.*stage b, heater theta"),
        (lambda d, c: d.expose(c, exposure_us=50.0), r"frame 0: exposure_ns is 50000; recorded"),
        (lambda d, c: d.expose(c, reference="off"), r"frame 0: steps is 1; recorded was 4"),
        (lambda d, c: d.expose(c, laser="off"), r"frame 0: laser_on"),
        (lambda d, c: d.expose(c, launch_step=3), r"frame 0: launch_step is \[3\]; recorded"),
        (lambda d, c: (d.idle(1.0), d.expose(c)), r"frame 0: start_ns is 1000000000; recorded"),
        (
            lambda d, c: (d.params.update(laser_mw=1.0), d.expose(c)),
            r"frame 0: laser_mw is 1.0; recorded",
        ),
        (lambda d, c: (d.expose(c), d.idle(12.5), d.expose(c)), r"frame 3"),
    ],
)
def test_a_replay_refuses_what_was_not_recorded(
    recorded: Path, codes_for: CodesFor, ask: Callable[[Device, Any], Any], where: str
) -> None:
    with (
        open_device(f"replay:{recorded}") as device,
        pytest.raises(RecordingError, match=where) as caught,
    ):
        ask(device, codes_for(device, 3))
    assert caught.value.name == "ODEV_ERR_RECORDING"


def _with(codes: NDArray[Any], frame: int, place: tuple[int, ...]) -> NDArray[Any]:
    changed = codes.copy()
    changed[(frame, *place)] ^= 1
    return changed


def test_a_refusal_keeps_the_frames_before_it(recorded: Path, codes_for: CodesFor) -> None:
    with open_device(f"replay:{recorded}") as device:
        codes = codes_for(device, 3)
        with pytest.raises(RecordingError) as caught:
            device.expose(_with(codes, 2, (0, 0, 0, 0)))
        assert len(caught.value.finished) == 2
        assert device.expose(codes[2:]).any()  # and what is asked rightly then is given


def test_a_recording_ends(recorded: Path, codes_for: CodesFor) -> None:
    with open_device(f"replay:{recorded}") as device:
        session(device, codes_for)
        with pytest.raises(RecordingError, match=r"frame 7 is not recorded; the last one is 6"):
            device.expose(codes_for(device, 1))


def test_failures_are_recorded_too(tmp_path: Path, codes_for: CodesFor) -> None:
    """Losses, repeats and a trip come again as they came."""
    path = tmp_path / "faults.h5"
    faults = "dropped_frame=1&short_read=4-7&laser_trip=11"
    lives = []
    for uri in (f"record:{path}?of=fault:?{faults}&of={LAB}", f"replay:{path}"):
        with open_device(uri, threads=1) as device:
            codes = codes_for(device, 4)
            first = device.expose(codes[:3])
            with pytest.raises(Exception, match="frame 7 came short") as short:
                device.expose(codes)
            second = device.expose(codes[:2])
            with pytest.raises(InterlockError, match="tripped at frame 11") as trip:
                device.expose(codes)
            assert device.telemetry().interlock
            lives.append((first, second, trip.value.finished, device.telemetry().lost_frames))
            assert short.value.native_code == 3  # type: ignore[attr-defined]
            assert trip.value.native_code == 4
    for a, b in zip(*lives, strict=True):
        assert np.array_equal(a, b)
    assert lives[0][3] == 5


def test_a_calibrated_session_replays(tmp_path: Path, calibrated: Opener, targets: Targets) -> None:
    """Encoding, pilots, decoding are the driver's: with the same calibration, the same result."""
    path, x, seen = tmp_path / "transform.h5", targets(30, N, N), []
    with calibrated(f"record:{path}?of=emulator:lab", seed=7, device__n=N) as device:
        calibration = device.calibration
        assert calibration is not None
        seen.append(device.transform(x))
    with open_device(f"replay:{path}") as device:
        device.load_calibration(calibration)
        seen.append(device.transform(x))
    assert np.array_equal(seen[0], seen[1])


def test_recording_overwrites_nothing(recorded: Path, tmp_path: Path) -> None:
    before = recorded.read_bytes()
    with pytest.raises(RecordingError, match="exists"):
        open_device(f"record:{recorded}?of={LAB}")
    assert recorded.read_bytes() == before
    with pytest.raises(RecordingError, match="cannot write"):
        open_device(f"record:{tmp_path}/no/such/folder.h5?of={LAB}")
    with pytest.raises(ValueRangeError, match="of="):
        open_device(f"record:{tmp_path}/new.h5")
    with pytest.raises(ValueRangeError, match="no option"):
        open_device(f"record:{tmp_path}/new.h5?fast=1&of={LAB}")
    assert not (tmp_path / "new.h5").exists()


def test_files_that_are_no_recordings(tmp_path: Path, recorded: Path) -> None:
    with pytest.raises(RecordingError, match="no recording at"):
        open_device(f"replay:{tmp_path}/nothing.h5")
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    with pytest.raises(RecordingError, match="no recording"):
        open_device(f"replay:{text}")
    empty = tmp_path / "empty.h5"
    h5py.File(empty, "w").close()
    with pytest.raises(RecordingError, match="corrupt or no recording"):
        open_device(f"replay:{empty}")
    with h5py.File(recorded, "r+") as file:
        file.attrs["schema"] = 99
    with pytest.raises(RecordingError, match="schema 99"):
        open_device(f"replay:{recorded}")
    with pytest.raises(ValueRangeError, match="no seed"):
        open_device(f"replay:{recorded}", seed=3)


def test_damaged_tables_are_refused(recorded: Path) -> None:
    with h5py.File(recorded, "r+") as file:
        info = str(file.attrs["info"])
        file.attrs["info"] = info.replace('"serial"', '"number"')
    with pytest.raises(RecordingError, match="data sheet"):
        open_device(f"replay:{recorded}")
    with h5py.File(recorded, "r+") as file:
        file.attrs["info"] = info
        planes = file["planes"][:2]
        del file["planes"]
        file["planes"] = planes
    with pytest.raises(RecordingError, match=r"damaged: planes is uint16 of shape \(2, 16, 16\)"):
        open_device(f"replay:{recorded}")


def test_a_session_that_was_not_closed_can_be_replayed(
    tmp_path: Path, run_python: Callable[[str], None], codes_for: CodesFor
) -> None:
    """What had reached the disk is there after a crash."""
    path = tmp_path / "crash.h5"
    script = f"""
import os, numpy as np
import driver.backends.record as record
record.FLUSH_S = 0.0
from driver import open_device
device = open_device("record:{path}?of={LAB}")
device.expose(np.zeros((3, 2, 2, {N}, {N}), np.uint16))
os._exit(0)
"""
    run_python(script)
    with open_device(f"replay:{path}") as device:
        assert device.expose(np.zeros((3, 2, 2, N, N), np.uint16)).any()


def test_losses_end_a_replayed_job_as_they_ended_it(tmp_path: Path, codes_for: CodesFor) -> None:
    path = tmp_path / "lost.h5"
    for uri in (f"record:{path}?of=fault:?dropped_frame=0-9&of=null:{N}", f"replay:{path}"):
        with open_device(uri) as device, pytest.raises(FrameLostError, match="frame 3 was dropped"):
            device.expose(codes_for(device, 2), reference="off")
