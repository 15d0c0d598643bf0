"""Tickets: futures of jobs that run in the background."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, Ticket, open_device
from driver.errors import (
    DeviceTimeoutError,
    DTypeError,
    RequestCancelledError,
    ShapeError,
    ValueRangeError,
)
from driver.library import lib

SEED = 7
N = 16

Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]
CodesFor = Callable[..., NDArray[Any]]


@pytest.fixture
def slow() -> Iterator[Device]:
    """A device that takes about a tenth of a second for `long_job`, in some hundred blocks."""
    with open_device("emulator:lab", seed=SEED, device__n=32, threads=1) as device:
        yield device


LONG = 6000
CODES = np.full((LONG, 2, 2, 32, 32), 9000, np.uint16)


def long_job(device: Device) -> NDArray[np.uint16]:
    """Codes of `LONG` frames."""
    assert device.n == 32
    return CODES


def test_a_submitted_job_gives_what_the_blocking_one_would(
    calibrated: Opener, targets: Targets, codes_for: CodesFor
) -> None:
    results = []
    x = targets(3, 5, N, N)
    pictures = x.real.copy()
    for submits in (False, True):
        with calibrated("emulator:lab", seed=SEED, device__n=N) as device:
            codes = codes_for(device, 4)
            if submits:
                tickets = [
                    device.submit_transform(x),
                    device.submit_expose(codes, "only"),
                    device.submit_transform(pictures, pack=True, exposure="single"),
                ]
                results.append([ticket.result(60) for ticket in reversed(tickets)][::-1])
                assert tickets[0].job_result().frames >= 15
                assert [t.job_result().end_s for t in tickets][-1] == device.params["device_time_s"]
                assert tickets[0].exception() is None
            else:
                results.append(
                    [
                        device.transform(x),
                        device.expose(codes, "only"),
                        device.transform(pictures, pack=True, exposure="single"),
                    ]
                )
    for plain, submitted in zip(*results, strict=True):
        assert np.array_equal(plain, submitted)


def test_nothing_to_do_is_done_at_once(ideal: Device) -> None:
    ticket = ideal.submit_transform(np.empty((2, 0, N, N), np.complex64))
    assert ticket.done()
    assert ticket.result().shape == (2, 0, N, N)
    assert ticket.job_result().frames == 0
    assert not ticket.cancel()


def test_bad_jobs_are_refused_when_they_are_submitted(ideal: Device) -> None:
    with pytest.raises(ShapeError):
        ideal.submit_transform(np.ones((N, N + 1), np.complex64))
    with pytest.raises(DTypeError):
        ideal.submit_expose(np.zeros((1, 2, 2, N, N)))
    assert ideal.telemetry().queued == 0


def test_time_outs(slow: Device) -> None:
    ticket = slow.submit_expose(long_job(slow))
    for impatient in (0, 1e-3):
        with pytest.raises(DeviceTimeoutError):
            ticket.result(impatient)
        with pytest.raises(TimeoutError):
            ticket.exception(impatient)
    assert not ticket.done()
    assert "in flight" in repr(ticket)
    for refused in (-1.0, float("nan"), "1", True, 10**400):
        with pytest.raises(ValueRangeError, match="timeout"):
            ticket.result(refused)  # type: ignore[arg-type]
    assert ticket.result(60).any()
    assert ticket.done()
    assert "done" in repr(ticket)


def test_cancelling_what_has_not_begun(slow: Device) -> None:
    first = slow.submit_expose(long_job(slow))
    second = slow.submit_expose(long_job(slow)[:1])
    assert slow.telemetry().queued == 2
    assert second.cancel()
    assert second.cancelled()
    assert second.cancel()
    assert isinstance(second.exception(), RequestCancelledError)
    for ask in (second.result, second.job_result):
        with pytest.raises(RequestCancelledError, match="before it began"):
            ask()
    assert first.result().any()
    assert not first.cancel()
    assert slow.telemetry().frames == LONG
    assert slow.telemetry().faults == 0


def begun(device: Device) -> Ticket:
    """A long job in the midst of its frames; those before it were cancelled whole, or done."""
    while True:
        ticket = device.submit_expose(long_job(device))
        time.sleep(0.01)
        if not ticket.cancel() and not ticket.done():
            return ticket


def test_aborting_what_has_begun(slow: Device) -> None:
    ticket = begun(slow)
    ticket.abort()
    with pytest.raises(RequestCancelledError, match="stopped after"):
        ticket.result(60)
    told = slow.telemetry()
    assert told.frames % LONG, "some frames of it"
    # The device goes on from the last frame: its clock and its counter agree.
    assert told.device_time_s == pytest.approx(told.frames * slow.info.timing.frame_us() * 1e-6)
    assert slow.expose(long_job(slow)[:3]).any()
    assert slow.telemetry().frames == told.frames + 3


def test_an_aborted_transform_leaves_a_sound_device(
    targets: Targets, error_of: Callable[..., float]
) -> None:
    x = np.broadcast_to(targets(8, 1, 32, 32), (8, 500, 32, 32)).copy()
    with open_device("emulator:ideal", device__n=32, threads=2) as device:
        ticket = device.submit_transform(x, exposure="averaged")
        while not device.telemetry().queued:
            pass
        ticket.abort()
        assert isinstance(ticket.exception(60), RequestCancelledError)
        told = device.telemetry()
        assert told.frames < 4000
        seen = device.transform(x[:, 0])
        assert error_of(seen, np.fft.fft2(x[:, 0], norm="ortho")) < 1e-5
        assert device.telemetry().frames >= told.frames + 8


def test_a_dropped_ticket_s_job_runs_on_in_its_own_arrays(slow: Device) -> None:
    codes = long_job(slow).copy()
    kept = weakref.ref(codes)
    slow.submit_expose(codes)
    del codes
    gc.collect()
    assert kept() is not None, "C reads from it"
    assert slow.submit_expose(long_job(slow)[:1]).result(60).any()
    slow.submit_expose(long_job(slow)[:1]).result(60)  # sweeps up
    gc.collect()
    assert kept() is None
    assert slow.telemetry().frames == LONG + 2


def test_arrays_are_let_go_once_the_job_is_done(ideal: Device, targets: Targets) -> None:
    x = targets(2, N, N)
    kept = weakref.ref(x)
    ticket = ideal.submit_transform(x)
    result = ticket.result(60)
    assert result is ticket.result(), "computed once"
    del x
    assert kept() is None


def test_many_threads_ask_one_ticket(slow: Device) -> None:
    ticket = slow.submit_expose(long_job(slow))
    results: list[Any] = []

    def ask(patience: float | None) -> None:
        while True:
            try:
                results.append(ticket.result(patience))
                return
            except DeviceTimeoutError:
                continue

    threads = [threading.Thread(target=ask, args=(p,)) for p in (None, 1e-3, None, 0.01, 2e-3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 5
    assert all(result is results[0] for result in results)


def test_many_threads_submit_and_wait(ideal: Device, targets: Targets) -> None:
    x = targets(8, 40, N, N)
    wanted = np.fft.fft2(x, norm="ortho")

    def work(lane: int) -> None:
        tickets = [ideal.submit_transform(x[lane, i]) for i in range(40)]
        for i, ticket in enumerate(tickets):
            if i % 5 == 4 and ticket.cancel():
                continue
            assert np.allclose(ticket.result(60), wanted[lane, i], atol=1e-3)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [None] * 8
    assert ideal.telemetry().queued == 0


def test_callbacks_run_once_on_a_thread_of_python_s(
    slow: Device, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[tuple[Ticket, str]] = []
    both = threading.Event()

    def note(ticket: Ticket) -> None:
        assert ticket.done()
        called.append((ticket, threading.current_thread().name))
        if len(called) == 2:
            both.set()

    def broken(ticket: Ticket) -> None:
        raise ZeroDivisionError

    ticket = slow.submit_expose(long_job(slow))
    with caplog.at_level(logging.ERROR, "driver"):
        for function in (note, broken, note):
            ticket.add_done_callback(function)
        assert both.wait(60)
    assert called == [(ticket, "opticonv-tickets")] * 2
    assert "ZeroDivisionError" in caplog.text
    ticket.add_done_callback(note)
    assert called[2] == (ticket, threading.current_thread().name), "at once, when it's done"


def test_tickets_can_be_awaited(slow: Device) -> None:
    codes = long_job(slow)

    async def session() -> list[int]:
        tickets = [slow.submit_expose(codes[:k]) for k in (LONG, 3, 2, 1)]
        impatient = asyncio.create_task(_awaiting(tickets[2]))
        await asyncio.sleep(0)
        impatient.cancel()
        counts = await asyncio.gather(tickets[0], tickets[1], tickets[3])
        with pytest.raises(asyncio.CancelledError):
            await impatient
        with pytest.raises(RequestCancelledError):
            await tickets[2]
        assert np.array_equal(await tickets[1], counts[1]), "awaited twice"
        return [len(c) for c in counts]

    assert asyncio.run(session()) == [LONG, 3, 1]


async def _awaiting(ticket: Ticket) -> Any:
    return await ticket


class Watched:
    """The C library, and what was called of it."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.called.append(name)
        return getattr(lib, name)


def test_who_waits_lends_its_thread_to_short_jobs_alone(
    slow: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a time limit or Ctrl-C would have to wait for the job's end, it does not."""
    watched = Watched()
    monkeypatch.setattr("driver.ticket.lib", watched)
    code = long_job(slow)[:1]
    slow._handle.frame_s = 1e-4  # what it would be told by a blocking call

    def lends(job: NDArray[Any], timeout: float | None) -> bool:
        submitted = slow.submit_expose(job)
        watched.called.clear()
        assert submitted.result(timeout).shape == (len(job), 4, 32, 32)
        return "odev_lend" in watched.called

    assert lends(code, None)
    assert not lends(code, 60)
    assert not lends(long_job(slow), None)
