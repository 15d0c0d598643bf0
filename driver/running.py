"""Running a job while the caller waits, so that Ctrl-C can come in the middle.

Python's signal handlers run in the main thread, and only between calls into C.  There, a job that
may take long is therefore handed to the device's own thread and waited for in slices; a short one
runs on the caller's thread, without that hop, as any job of another thread does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from driver.handle import Handle
from driver.job import Job
from driver.library import struct, throw
from driver.result import JobResult
from driver.ticket import Ticket

__all__ = ["run"]


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


def _run_in_slices(ticket: Ticket) -> tuple[Any, JobResult]:
    try:
        return ticket.submit().result(), ticket.job_result()
    except BaseException:
        ticket.abort()
        if ticket.submitted:
            ticket.exception()
        raise
