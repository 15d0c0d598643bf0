"""What a job reports beside its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from driver.library import lib

__all__ = ["CALIBRATION_MAX_AGE_S", "JobResult", "job_result", "one_result"]

CALIBRATION_MAX_AGE_S = 24 * 3600.0
"""Device time after which a calibration counts as old [s]."""


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
    """Flag CALIBRATION_STALE: the pilot's amplitude moved by over a tenth since the calibration, or
    the calibration that a transform used is older than `CALIBRATION_MAX_AGE_S` of device time.

    A device's clock starts at 0 when it is opened.  A calibration of an earlier session may carry a
    time that this session has yet to reach: its age is then unknown, and not flagged.
    """
    over_temperature: bool = False
    """Flag OVER_TEMPERATURE: the interlock tripped.

    Such a job raises, its counts are void, and its frames and their time have passed.
    """


def job_result(data: Any, calibrated_ns: int | None) -> JobResult:
    """From the C struct.

    Parameters
    ----------
    data
        ``odev_result``.
    calibrated_ns : int, optional
        Device time of the measured calibration that the job used [ns]; None if it used none.
    """
    old = (
        calibrated_ns is not None
        and data.frames > 0
        and data.start_ns - calibrated_ns > CALIBRATION_MAX_AGE_S * 1e9
    )
    return JobResult(
        start_s=data.start_ns * 1e-9,
        end_s=data.end_ns * 1e-9,
        frames=data.frames,
        exposures=data.exposures,
        pilots=data.pilots,
        retries=data.retries,
        saturations=data.saturations,
        saturated=bool(data.flags & lib.ODEV_FLAG_SATURATED),
        calibration_stale=old or bool(data.flags & lib.ODEV_FLAG_CALIBRATION_STALE),
        over_temperature=bool(data.flags & lib.ODEV_FLAG_OVER_TEMPERATURE),
    )


def one_result(parts: Sequence[JobResult]) -> JobResult:
    """One result for jobs that were parts of one.

    It lasts from the first start to the last end, adds the counters and has every part's flags.
    """
    return JobResult(
        start_s=min(part.start_s for part in parts),
        end_s=max(part.end_s for part in parts),
        frames=sum(part.frames for part in parts),
        exposures=sum(part.exposures for part in parts),
        pilots=sum(part.pilots for part in parts),
        retries=sum(part.retries for part in parts),
        saturations=sum(part.saturations for part in parts),
        saturated=any(part.saturated for part in parts),
        calibration_stale=any(part.calibration_stale for part in parts),
        over_temperature=any(part.over_temperature for part in parts),
    )
