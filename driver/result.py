"""What a job reports beside its arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from driver.library import lib

__all__ = ["JobResult", "job_result"]


@dataclass(frozen=True, slots=True)
class JobResult:
    """Device times, counters and flags of one finished job."""

    start_s: float
    """Device time at which the job's first frame was written [s]."""
    end_s: float
    """Device time at its end [s]."""
    frames: int
    """Frames exposed, pilots and retries included."""
    exposures: int
    """Camera readouts."""
    pilots: int
    """Pilot frames among the frames."""
    retries: int
    """Frames repeated with less light."""
    saturations: int
    """Bins still saturated in their dimmest exposure."""
    saturated: bool
    """Flag SATURATED: there are such bins."""
    calibration_stale: bool
    """Flag CALIBRATION_STALE: the pilot's amplitude moved by over a tenth since the calibration."""


def job_result(data: Any) -> JobResult:
    """From the C struct."""
    return JobResult(
        start_s=data.start_ns * 1e-9,
        end_s=data.end_ns * 1e-9,
        frames=data.frames,
        exposures=data.exposures,
        pilots=data.pilots,
        retries=data.retries,
        saturations=data.saturations,
        saturated=bool(data.flags & lib.ODEV_FLAG_SATURATED),
        calibration_stale=bool(data.flags & lib.ODEV_FLAG_CALIBRATION_STALE),
    )
