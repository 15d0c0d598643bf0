"""Whether light takes part: what a convolution checks before and after its frames.

A picture's polynomial goes around the light (`driver.cutting`), so a convolution in the dark
would still look like one.  It has to be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from driver.errors import BackendError, CapabilityError
from driver.last_result import LastResult
from driver.params import Params
from driver.result import JobResult

__all__ = ["DARK_PILOT", "check_light", "check_pilot", "lit_job"]

NEEDED = ("laser_enabled", "laser_mw", "reference_fraction")
"""Parameters without any of which there is no light to measure."""

DARK_PILOT = 1e-2
"""Amplitude of a pilot, relative to its calibration, below which what is measured is noise."""


def check_light(params: Params) -> None:
    """Refuse a device whose laser is disabled or at 0 mW, or whose reference beam has no light.

    Raises
    ------
    CapabilityError
    """
    for name, value in zip(NEEDED, params.together(*NEEDED), strict=True):
        if not value:
            raise CapabilityError(
                f"a convolution needs light, but params[{name!r}] is {value}: set it first"
            )


def check_pilot(result: JobResult, drift_amplitude: float) -> None:
    """Refuse a finished job whose pilots, if it had any, came back dark.

    Raises
    ------
    BackendError
    """
    if result.pilots and drift_amplitude < DARK_PILOT:
        raise BackendError(
            f"the pilot came back with {drift_amplitude:.1e} of its amplitude: "
            "no light reaches the camera"
        )


@contextmanager
def lit_job(
    params: Params, last: LastResult, drift_amplitude: Callable[[], float]
) -> Iterator[None]:
    """Make all that a thread does inside one job that needs light; its results are summed up.

    Raises
    ------
    CapabilityError
        On entry, or at the end: the laser is off.
    BackendError
        At the end: the pilots inside came back dark, so what was measured is noise.
    """
    check_light(params)
    with last.one_job() as parts:
        yield
    check_light(params)
    if parts:
        assert last.value is not None
        check_pilot(last.value, drift_amplitude())
