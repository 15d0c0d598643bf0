"""Whether light takes part: what a convolution checks before and after its frames.

A picture's polynomial goes around the light (`driver.cutting`), so a convolution in the dark
would still look like one.  It has to be refused.
"""

from __future__ import annotations

from driver.errors import BackendError, CapabilityError
from driver.params import Params
from driver.result import JobResult

__all__ = ["DARK_PILOT", "check_light", "check_pilot"]

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
