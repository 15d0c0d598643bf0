"""Running a job while the caller waits, so that Ctrl-C can come in the middle.

Python's signal handlers run in the main thread, and only between calls into C.  There, a job that
may take long is therefore handed to the device's own thread and waited for in slices; a short one
runs on the caller's thread, without that hop, as any job of another thread does.  Calls that are
short once their turn has come wait for it in slices too: `in_turn`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from driver.handle import Handle
from driver.job import Job
from driver.library import check, ffi, lib, struct, throw
from driver.result import JobResult, job_result
from driver.ticket import Ticket

__all__ = ["in_turn", "run"]


def run(
    handle: Handle, job: Job, report: Callable[[Any], JobResult], owner: object
) -> tuple[Any, JobResult]:
    """What the job gives, and its times and counters.

    An exception that a signal's handler raises aborts the job, waits for the block of frames that
    is being exposed, and goes on to the caller.

    Raises
    ------
    DriverError
    """
    if not job.frames:
        with handle.use():
            return job.finish(), report(struct("odev_result"))
    in_main = threading.current_thread() is threading.main_thread()
    alone = handle.alone
    start = time.perf_counter()
    if in_main and not (alone and handle.looks_short(job.frames)):
        result = _run_in_slices(Ticket(handle, job, report, owner))
    else:
        data = struct("odev_result")
        with handle.use() as device:
            status = job.run(device, data)
            if status:
                throw(job.failure(status, data, report))
        result = job.finish(), report(data)
    if alone:
        handle.frame_s = (time.perf_counter() - start) / job.frames
    return result


@contextmanager
def in_turn(handle: Handle) -> Iterator[Any]:
    """`Handle.use` for a short call that takes its turn in the queue, so that Ctrl-C can come.

    The main thread waits for the jobs before it here, and leaves if it's interrupted: then the
    call isn't made.  Jobs that other threads submit meanwhile may come before it.

    Raises
    ------
    ClosedDeviceError, ForkedDeviceError
    """
    if threading.current_thread() is threading.main_thread() and not handle.alone:
        _run_in_slices(Ticket(handle, _nothing(handle), lambda data: job_result(data, None), None))
    with handle.use() as device:
        yield device


def _nothing(handle: Handle) -> Job:
    """A job of no frames: it ends when the jobs before it have."""
    caps, nowhere = struct("odev_caps"), ffi.new("uint8_t[1]")
    with handle.use() as device:
        check(lib.odev_get_caps(device, caps))
    data = struct(
        "odev_expose_job",
        exposures=1,
        exposure_ns=caps.exposure_ns,
        codes=nowhere,
        launch_step=nowhere,
        counts=nowhere,
    )
    return Job("expose", data, (nowhere,), 0, finish=lambda: None, part=lambda _: None)


def _run_in_slices(ticket: Ticket) -> tuple[Any, JobResult]:
    try:
        return ticket.submit().result(), ticket.job_result()
    except BaseException:
        ticket.abort()
        if ticket.submitted:
            ticket.exception()
        raise
