"""Any sequence of opening, submitting, waiting, cancelling, failing and closing, against a model.

The device has no noise and no memory, so that a frame's counts are those of its codes: whatever
comes back, of a job that ended well or of one that a fault ended, is compared with what a sound
device measured.
"""

from __future__ import annotations

import gc
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)
from numpy.typing import NDArray

from driver import Device, Ticket, open_device
from driver.errors import (
    ClosedDeviceError,
    DeviceTimeoutError,
    DriverError,
    FrameLostError,
    InterlockError,
    NoAnswerError,
    OverTemperatureError,
    RequestCancelledError,
    ShortReadError,
    ValueRangeError,
)
from driver.library import lib

N = 11
SOUND = f"emulator:ideal?device__dac_bits=14&device__n={N}"
LEVELS = (0, 3000, 9000, 16383)
"""Codes of all heaters, one for a frame; frames take them in turn."""

ENDS_A_JOB = {
    "dropped_frame": (FrameLostError, lib.ODEV_FAULT_DROPPED_FRAME),
    "timeout": (NoAnswerError, lib.ODEV_FAULT_TIMEOUT),
    "short_read": (ShortReadError, lib.ODEV_FAULT_SHORT_READ),
    "laser_trip": (InterlockError, lib.ODEV_FAULT_LASER_TRIP),
    "over_temperature": (OverTemperatureError, lib.ODEV_FAULT_OVER_TEMPERATURE),
}
HARMLESS = ("clock_jump",)

LAST_FAULT = 120
"""No fault comes after this frame: a device that has got there works."""

frame = st.integers(0, LAST_FAULT)
when = st.one_of(
    frame.map(str),
    st.tuples(frame, st.integers(0, 12)).map(lambda s: f"{s[0]}-{min(sum(s), LAST_FAULT)}"),
    st.sampled_from((0.02, 0.5)).map(lambda p: f"p{p}@0-{LAST_FAULT}"),
)
faults = st.dictionaries(st.sampled_from((*ENDS_A_JOB, *HARMLESS)), when, max_size=3)


def codes_of(frames: int, first: int = 0) -> NDArray[np.uint16]:
    levels = np.take(LEVELS, np.arange(first, first + frames), mode="wrap").astype(np.uint16)
    return np.broadcast_to(levels[:, None, None, None, None], (frames, 2, 2, N, N)).copy()


@cache
def counts_of_levels() -> NDArray[Any]:
    with open_device(SOUND, threads=1) as device:
        return np.asarray(device.expose(codes_of(len(LEVELS))))


def assert_measured(counts: NDArray[Any]) -> None:
    """Counts of a job's first frames are what a sound device measures."""
    wanted = counts_of_levels()[np.arange(len(counts)) % len(LEVELS)]
    assert np.array_equal(counts, wanted)


class Session(RuleBasedStateMachine):
    """One device after another; what is known of each job is what a patient caller would know."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.device: Device | None = None
        self.faults: dict[str, str] = {}
        self.exposed = 0  # frames that must have been exposed
        self.possible = 0  # and that may have been, but for repeats

    @property
    def is_open(self) -> bool:
        return self.device is not None and not self.device.closed

    @precondition(lambda self: not self.is_open)
    @rule(faults=faults, seed=st.integers(0, 99))
    def open(self, faults: dict[str, str], seed: int) -> None:
        options = "&".join(f"{name}={when}" for name, when in {"seed": seed, **faults}.items())
        uri = f"fault:?{options}&of={SOUND}" if faults else SOUND
        self.device, self.faults = open_device(uri, threads=1), faults
        self.exposed = self.possible = 0

    @precondition(lambda self: self.device is not None)
    @rule(target=tickets, frames=st.integers(0, 400))
    def submit(self, frames: int) -> Any:
        assert self.device is not None
        codes = codes_of(frames)
        if not self.is_open:
            with pytest.raises(ClosedDeviceError):
                self.device.submit_expose(codes)
            return None
        self.possible += frames
        try:
            ticket = self.device.submit_expose(codes)
        except InterlockError as error:
            self._assert_refused(error)
            return None
        return [self.device, ticket, frames, False, self.faults]

    @precondition(lambda self: self.device is not None)
    @rule()
    def submit_nonsense(self) -> None:
        assert self.device is not None
        with pytest.raises((ValueRangeError, ClosedDeviceError)):
            self.device.submit_expose(np.full((1, 2, 2, N, N), 65535, np.uint16))

    @rule(job=tickets, patience=st.sampled_from([None, 0, 1e-4, 1e-2]))
    def wait(self, job: Any, patience: float | None) -> None:
        if job is None:
            return
        _, ticket, frames, meddled, faults = job
        try:
            counts = ticket.result(patience)
        except DeviceTimeoutError:
            assert patience is not None
        except RequestCancelledError:
            assert meddled, "nobody cancelled it"
        except DriverError as error:
            assert ticket.done()
            self._assert_failed_well(error, frames, faults)
        else:
            assert len(counts) == frames
            assert_measured(counts)
            assert ticket.done()

    @rule(job=tickets)
    def cancel(self, job: Any) -> None:
        if job is not None:
            job[3] = job[3] or job[1].cancel()

    @rule(job=tickets)
    def abort(self, job: Any) -> None:
        if job is not None:
            job[1].abort()
            job[3] = True

    @rule(job=consumes(tickets))
    def drop(self, job: Any) -> None:
        del job
        gc.collect()

    @precondition(lambda self: self.is_open)
    @rule(frames=st.integers(1, 3))
    def expose(self, frames: int) -> None:
        assert self.device is not None
        self.possible += frames
        try:
            assert_measured(self.device.expose(codes_of(frames)))
        except DriverError as error:
            self._assert_failed_well(error, frames, self.faults)
        else:
            self.exposed += frames

    @precondition(lambda self: self.is_open and "laser_trip" in self.faults)
    @rule()
    def switch_the_laser_on(self) -> None:
        assert self.device is not None
        self.device.params["laser_enabled"] = True

    @precondition(lambda self: self.is_open and self.faults)
    @rule()
    def see_it_work_again(self) -> None:
        """Behind the last fault, once the laser is on again, whatever happened before."""
        assert self.device is not None
        self._wait_for_all()  # one of them may trip the laser yet
        self.device.params["laser_enabled"] = True  # the interlock is closed,
        self.device.params["laser_enabled"] = False  # and in the dark nothing opens it
        while (told := self.device.telemetry()).frames <= LAST_FAULT:
            self.possible += LAST_FAULT
            try:
                self.device.expose(codes_of(LAST_FAULT), reference="off")
            except DriverError as error:
                self._assert_failed_well(error, LAST_FAULT, self.faults)
                assert self.device.telemetry().frames > told.frames
        self.device.params["laser_enabled"] = True
        self.possible += 2
        self.exposed += 2
        assert_measured(self.device.expose(codes_of(2)))

    @precondition(lambda self: self.is_open)
    @rule()
    def close(self) -> None:
        assert self.device is not None
        self.device.close()
        with pytest.raises(ClosedDeviceError):
            self.device.close()

    @precondition(lambda self: self.is_open)
    @rule()
    def leave_by_an_error(self) -> None:
        assert self.device is not None
        before = list(self._own_tickets())
        with pytest.raises(ZeroDivisionError), self.device:
            raise ZeroDivisionError
        for job in before:
            job[3] = job[3] or job[1].cancelled()
            assert job[1].done()

    def _wait_for_all(self) -> None:
        """Also for jobs whose tickets were dropped: behind them comes one of our own."""
        assert self.device is not None
        self.possible += 1
        while True:
            self.device.params["laser_enabled"] = True
            try:
                self.device.submit_expose(codes_of(1)).exception()
            except InterlockError as error:  # it tripped in between
                self._assert_refused(error)
            else:
                return

    def _assert_failed_well(self, error: DriverError, frames: int, faults: dict[str, str]) -> None:
        """The error is one of the device's faults, and has what was measured before it."""
        if isinstance(error, InterlockError) and error.native_code == 0:
            self._assert_refused(error, faults)
            return
        assert (type(error), error.native_code) in [
            ENDS_A_JOB[name] for name in faults if name in ENDS_A_JOB
        ]
        if isinstance(error, OverTemperatureError):
            assert error.result.finished == 0  # its counts are void
            return
        assert len(error.finished) == error.result.finished < frames
        if error.finished.shape[1] == 4:  # of a job with the reference's steps
            assert_measured(error.finished)

    def _assert_refused(self, error: DriverError, faults: dict[str, str] | None = None) -> None:
        assert "laser_trip" in (self.faults if faults is None else faults)
        assert "laser_enabled" in str(error)

    def _own_tickets(self) -> Any:
        return (v for v in self.names_to_values.values() if v and v[0] is self.device)

    @invariant()
    def frames_are_counted(self) -> None:
        if self.is_open:
            assert self.device is not None
            told = self.device.telemetry()
            assert self.exposed <= told.frames <= self.possible + told.lost_frames

    @invariant()
    def a_closed_device_s_jobs_have_ended(self) -> None:
        for _, ticket, *_ in (v for v in self.names_to_values.values() if v and v[0].closed):
            assert isinstance(ticket, Ticket)
            assert ticket.done()

    def teardown(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            self.device = None
            self.names_to_values.clear()
            gc.collect()


Session.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_sessions = pytest.mark.slow(Session.TestCase)
