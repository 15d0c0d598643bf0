"""Any sequence of opening, submitting, waiting, cancelling and closing, against a model."""

from __future__ import annotations

import gc
import warnings
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

from driver import Device, Ticket, open_device
from driver.errors import (
    ClosedDeviceError,
    DeviceTimeoutError,
    RequestCancelledError,
    ValueRangeError,
)

N = 11
CODE = 9000


class Session(RuleBasedStateMachine):
    """One device after another; what is known of each job is what a patient caller would know."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.device: Device | None = None
        self.exposed = 0  # frames that must have been exposed
        self.possible = 0  # and that may have been

    @property
    def is_open(self) -> bool:
        return self.device is not None and not self.device.closed

    @precondition(lambda self: not self.is_open)
    @rule()
    def open(self) -> None:
        self.device = open_device("emulator:lab", device__n=N, threads=1)
        self.exposed = self.possible = 0

    @precondition(lambda self: self.device is not None)
    @rule(target=tickets, frames=st.integers(0, 400))
    def submit(self, frames: int) -> Any:
        assert self.device is not None
        codes = np.full((frames, 2, 2, N, N), CODE, np.uint16)
        if not self.is_open:
            with pytest.raises(ClosedDeviceError):
                self.device.submit_expose(codes)
            return None
        self.possible += frames
        return [self.device, self.device.submit_expose(codes), frames, False]

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
        _, ticket, frames, meddled = job
        try:
            counts = ticket.result(patience)
        except DeviceTimeoutError:
            assert patience is not None
        except RequestCancelledError:
            assert meddled, "nobody cancelled it"
        else:
            assert counts.shape == (frames, 4, N, N)
            assert frames == 0 or counts[-1].any()
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
        self.exposed += frames
        assert self.device.expose(np.full((frames, 2, 2, N, N), CODE, np.uint16)).any()

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

    def _own_tickets(self) -> Any:
        return (v for v in self.names_to_values.values() if v and v[0] is self.device)

    @invariant()
    def frames_are_counted(self) -> None:
        if self.is_open:
            assert self.device is not None
            assert self.exposed <= self.device.telemetry().frames <= self.possible

    @invariant()
    def a_closed_device_s_jobs_have_ended(self) -> None:
        for _, ticket, _, _ in (v for v in self.names_to_values.values() if v and v[0].closed):
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
