"""Tickets: futures of jobs that a device works off in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, NoReturn

from driver.errors import ClosedDeviceError, DeviceTimeoutError, DriverError, RequestCancelledError
from driver.flights import WAIT_NS
from driver.handle import Handle
from driver.job import Job
from driver.library import check, error_of, ffi, lib, struct
from driver.numbers import real
from driver.result import JobResult

__all__ = ["Ticket"]

_log = logging.getLogger("driver")


class Ticket:
    """A job that was submitted: `Device.submit_expose`, `Device.submit_transform`.

    A future in the manner of `concurrent.futures.Future`, which any thread may ask and any
    coroutine may await.  It owns the job's arrays until the job has ended: writing to what was
    passed in before that makes the result undefined, and nothing else.  Dropping a ticket does
    not stop its job.
    """

    def __init__(
        self, handle: Handle, job: Job, report: Callable[[Any], JobResult], owner: object
    ) -> None:
        self._handle = handle
        self._job: Job | None = job
        self._finish: Callable[[], Any] | None = job.finish
        self._report = report
        self._owner: object = owner  # the device: it stays open as long as the job runs
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Ticket], object]] = []
        self._outcome: JobResult | DriverError | None = None
        self._value: Any = None
        self._number: int | None = None
        self._cell: Any = None

    def submit(self) -> Ticket:
        """Put the job at the end of the device's queue: itself.

        Raises
        ------
        DriverError
            It was not submitted.
        """
        handle, job = self._handle, self._job
        assert job is not None, "a ticket is submitted once"
        handle.check_process()
        handle.flights.sweep()
        with handle.use() as device:
            self._number, self._cell = handle.flights.start(self)
            try:
                check(job.submit(device, self._cell))
            except BaseException:
                if self._cell[0] == ffi.NULL:
                    handle.flights.landed(self._number)
                raise
        return self

    def done_at_once(self) -> Ticket:
        """End the job without the device, for there is nothing to do: itself."""
        with self._handle.use():
            self._end(self._report(struct("odev_result")))
        return self

    @property
    def submitted(self) -> bool:
        """Whether the job has come to the queue, and perhaps to its end."""
        return self._outcome is not None or (self._cell is not None and self._cell[0] != ffi.NULL)

    # ---- the future -----------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> Any:
        """What `expose` or `transform` would have returned.

        Parameters
        ----------
        timeout : float, optional
            How long to wait at most [s]; by default until the job has ended.

        Raises
        ------
        DeviceTimeoutError
            The job has not ended in time; it goes on, and may be waited for again.
        RequestCancelledError
            The job was cancelled or aborted.
        DriverError
            What the job failed with.
        """
        self._wait(timeout)
        if isinstance(self._outcome, DriverError):
            raise self._outcome
        with self._lock:
            if self._finish is not None:
                self._value, self._finish = self._finish(), None
        return self._value

    def job_result(self, timeout: float | None = None) -> JobResult:
        """Times, counters and flags of the job; waits and raises as `result` does."""
        self._wait(timeout)
        if isinstance(self._outcome, DriverError):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome

    def exception(self, timeout: float | None = None) -> DriverError | None:
        """The error that `result` would raise, None if the job went well; waits as it does."""
        self._wait(timeout)
        return self._outcome if isinstance(self._outcome, DriverError) else None

    def done(self) -> bool:
        """Whether the job has ended, well or not."""
        return self.land(0)

    def cancel(self) -> bool:
        """Take the job off the queue if it has not begun: whether it is cancelled now."""
        self._ask(lib.odev_cancel)
        return self.cancelled()

    def abort(self) -> None:
        """Cancel the job; if it has begun, it ends before its next block of frames.

        Its result is a `RequestCancelledError` then, unless it was done before it noticed.  The
        device goes on from the last frame that was exposed.
        """
        self._ask(lib.odev_abort)

    def cancelled(self) -> bool:
        """Whether the job was cancelled or aborted."""
        return self.done() and isinstance(self._outcome, RequestCancelledError)

    def add_done_callback(self, function: Callable[[Ticket], object]) -> None:
        """Have a function called with this ticket once the job has ended.

        It's called at once if it has; else by the thread that notices the end first: one that
        waits for it, or a thread of Python's that does nothing else.  What it raises is logged.
        """
        with self._lock:
            self._callbacks.append(function)
        if self.done():
            self._call_back()
        else:
            self._handle.watcher.add(self)

    def __await__(self) -> Generator[Any, None, Any]:
        """``await ticket``: its result.  A cancelled task cancels the job if it has not begun."""
        import asyncio

        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def end() -> None:
            if not ended.done():
                ended.set_result(None)

        def wake(_: Ticket) -> None:
            try:
                loop.call_soon_threadsafe(end)
            except RuntimeError:
                _log.debug("an event loop was closed while it awaited a job")

        self.add_done_callback(wake)
        try:
            yield from ended
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self.result()

    def __repr__(self) -> str:
        if self._outcome is None:
            state = "in flight"
        elif isinstance(self._outcome, DriverError):
            state = type(self._outcome).__name__
        else:
            state = "done"
        return f"<Ticket {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a ticket cannot be pickled: its job belongs to this process")

    def __del__(self) -> None:
        number = getattr(self, "_number", None)
        if number is not None:
            self._handle.flights.spent(number)

    # ---- waiting --------------------------------------------------------------------------

    def land(self, timeout_ns: int) -> bool:
        """Wait, and keep the outcome if the job has ended: whether it has.

        Raises
        ------
        ForkedDeviceError
        """
        return self._land(lambda ticket: lib.odev_poll(ticket, timeout_ns))

    def _land(self, wait: Callable[[Any], int]) -> bool:
        if self._outcome is None:
            try:
                with self._handle.use_even_closing():
                    if not self.submitted:
                        return False  # another thread is about to
                    status = wait(self._cell[0])
                    if status == lib.ODEV_ERR_TIMEOUT:
                        return False
                    check(status)
                    result = struct("odev_result")
                    status = lib.odev_outcome(self._cell[0], result)
                    self._end(self._outcome_of(status, result))
            except ClosedDeviceError:
                if self._outcome is None:  # else close has seen it land
                    raise
        self._call_back()
        return True

    def _outcome_of(self, status: int, result: Any) -> JobResult | DriverError:
        job = self._job
        if not status:
            return self._report(result)
        return error_of(status) if job is None else job.failure(status, result, self._report)

    def _end(self, outcome: JobResult | DriverError) -> None:
        if self._outcome is None:
            self._outcome = outcome
        if isinstance(outcome, DriverError):
            self._finish = None
        if self._number is not None:
            self._handle.flights.landed(self._number)
        self._job = self._owner = None

    def _wait(self, timeout: float | None) -> None:
        limit = None if timeout is None else real(timeout, "timeout", 0.0, 1e9, "s")
        deadline = None if limit is None else time.monotonic() + limit
        # Signals are handled by the main thread alone, between two calls into C.
        patience = WAIT_NS if threading.current_thread() is threading.main_thread() else -1
        job = self._job
        short = job is not None and self._handle.looks_short(job.frames)
        if deadline is None and short and self._land(lib.odev_lend):
            return  # without the hop to the device's thread and back
        while self._outcome is None:
            step = patience
            if deadline is not None:
                left = max(0, round(1e9 * (deadline - time.monotonic())))
                step = left if patience < 0 else min(left, patience)
            if self.land(step):
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise DeviceTimeoutError(f"the job was not done within {limit:g} s; wait again")

    def _ask(self, function: Callable[[Any], int]) -> None:
        if self._outcome is not None or not self.submitted:
            return
        try:
            with self._handle.use_even_closing():
                check(function(self._cell[0]))
        except ClosedDeviceError:
            if self._outcome is None:
                raise

    def _call_back(self) -> None:
        while self._callbacks:
            with self._lock:
                function = self._callbacks.pop(0) if self._callbacks else None
            if function is None:
                break
            try:
                function(self)
            except Exception:
                _log.exception("a ticket's callback failed")
