"""A device's jobs: run while the caller waits, or submitted; and what the last ones told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from driver.errors import DriverError
from driver.handle import Handle
from driver.installed import InstalledCalibration
from driver.job import Job
from driver.last_result import LastResult
from driver.result import JobResult, job_result
from driver.running import run
from driver.ticket import Ticket

__all__ = ["Jobs"]


class Jobs:
    """Runs and submits jobs of one device.

    Attributes
    ----------
    last : LastResult
        Of each thread.
    """

    def __init__(self, handle: Handle, calibration: InstalledCalibration) -> None:
        self._handle = handle
        self._calibration = calibration
        self.last = LastResult()

    def run(self, job: Job, owner: object) -> Any:
        """What the job gives; `owner`, the device, is kept as long as it runs.

        Raises
        ------
        DriverError
        """
        try:
            value, result = run(self._handle, job, self._report(job), owner)
        except DriverError as error:  # its time has passed all the same
            if error.result is not None:
                self.last.note(error.result)
            raise
        self.last.note(result)
        return value

    def submit(self, job: Job, owner: object) -> Ticket:
        """The job's ticket."""
        ticket = Ticket(self._handle, job, self._report(job), owner)
        return ticket.submit() if job.frames else ticket.done_at_once()

    def _report(self, job: Job) -> Callable[[Any], JobResult]:
        """From the C result to the caller's, of the calibration that a transform uses."""
        calibrated_ns = self._calibration.device_time_ns if job.kind == "transform" else None
        return lambda data: job_result(data, calibrated_ns)
