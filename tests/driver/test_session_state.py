"""A session that another device takes up: it goes on as if it had never been interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, SessionState, open_device
from driver.backends import plain_info
from driver.errors import CapabilityError, ShapeError, ValueRangeError

SEED = 7
N = 16

Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]


@pytest.mark.parametrize("uri", ["emulator:lab", "golden:lab"])
def test_a_restored_session_goes_on_as_the_first_one_did(
    calibrated: Opener, targets: Targets, uri: str
) -> None:
    # 30 frames a call: pilots fall in the middle, drift goes on, and some frames saturate.
    before, after = targets(30, N, N), targets(30, N, N)
    with calibrated(uri, seed=SEED, device__n=N) as first:
        first.transform(before)
        first.idle(3.0)
        first.telemetry()
        state = first.session_state()
        wanted = first.transform(after), first.telemetry(), first.transform(before)
    assert state.frames > 30
    with calibrated(uri, seed=SEED, device__n=N) as fresh:
        assert not np.array_equal(fresh.transform(after), wanted[0])
        # A checkpoint holds plain values.
        fresh.restore(SessionState(**asdict(state)))
        assert fresh.session_state().frames == state.frames
        seen = fresh.transform(after), fresh.telemetry(), fresh.transform(before)
    assert np.array_equal(seen[0], wanted[0])
    assert seen[1] == wanted[1]
    assert np.array_equal(seen[2], wanted[2])


def test_the_heaters_memory_is_part_of_it(lab: Device, codes_for: Callable[..., Any]) -> None:
    """One frame of memory: the first counts after restoring depend on the last codes before."""
    lab.expose(codes_for(lab, 3))
    state = lab.session_state()
    assert np.array_equal(state.codes, codes_for(lab, 3)[-1])
    wanted = lab.expose(codes_for(lab, 1, salt=1))
    lab.restore(state)
    assert np.array_equal(lab.expose(codes_for(lab, 1, salt=1)), wanted)
    lab.restore(replace(state, codes=np.zeros_like(state.codes)))
    assert not np.array_equal(lab.expose(codes_for(lab, 1, salt=1)), wanted)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"serial": "ANOTHER"}, ValueRangeError, "of device ANOTHER"),
        ({"device_time_ns": -1}, ValueRangeError, "device time"),
        ({"device_time_ns": 2**63 - 1}, ValueRangeError, "device time"),
        ({"frames": -1}, ValueRangeError, "frames cannot be -1"),
        ({"frames": 1.5}, ValueRangeError, "frames cannot be 1.5"),
        ({"pilot_re": np.nan}, ValueRangeError, "finite"),
        ({"phase_count": -1.0}, ValueRangeError, "finite"),
        ({"codes": np.zeros((2, 2, 8, 8), np.uint16)}, ShapeError, "codes must be"),
        ({"codes": np.full((2, 2, N, N), 2**16 - 1, np.uint16)}, ValueRangeError, "DAC"),
    ],
)
def test_a_state_that_makes_no_sense_changes_nothing(
    lab: Device, codes_for: Callable[..., Any], change: dict[str, Any],
    error: type[Exception], message: str,
) -> None:  # fmt: skip
    lab.expose(codes_for(lab, 2))
    state = lab.session_state()
    with pytest.raises(error, match=message):
        lab.restore(replace(state, **change))
    kept = lab.session_state()
    assert (kept.frames, kept.device_time_ns) == (state.frames, state.device_time_ns)
    assert np.array_equal(kept.codes, state.codes)


class Bench:
    """Stands for hardware: its clock is its own."""

    laser_nominal_mw, laser_max_mw = 1.0, 1.0

    def __init__(self) -> None:
        self.info = plain_info("BENCH", 8, write_us=1, settle_us=1, readout_us=1)

    def execute(self, block: Any) -> None:
        block.counts[...] = 0

    def sensors(self, reading: Any) -> tuple[float, float]:
        return 298.0, 1.0


def test_hardware_has_no_such_state() -> None:
    with open_device(backend=Bench()) as device:
        with pytest.raises(CapabilityError, match="not reproducible"):
            device.session_state()
        with open_device("null:8") as other:
            state = other.session_state()
        with pytest.raises(CapabilityError, match="not reproducible"):
            device.restore(replace(state, serial="BENCH"))
