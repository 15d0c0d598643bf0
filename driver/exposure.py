"""How often, and how brightly, each frame is exposed.

A Fourier plane spans more than the camera's dynamic range.  Frames are therefore exposed at one or
more settings of the launch attenuator and merged, bin by bin, by inverse variance.
"""

from __future__ import annotations

from driver.errors import ValueRangeError
from driver.numbers import shown

__all__ = ["EXPOSURES", "GAIN_DB", "RETRIES", "brightening"]

RETRIES = 4
"""How often a frame whose dimmest exposure saturated is repeated, 3 dB dimmer each time."""

GAIN_DB = 15.0
"""Power ratio of the bright exposure to the dim one.

Convolution error of photographs at precision "balanced", calibrated `lab` devices of seeds 0 and 1,
packed: 1.46 % at 9 dB, 1.25 % at 12 dB, 1.15 % at 15 dB, 1.19 % at 18 dB, 1.25 % at 21 dB
(``benchmarks/precision.py`` prints it at the value chosen, docs/calibration.md for six devices).
"""

EXPOSURES: dict[str, tuple[int, ...]] = {
    "single": (0,),
    "two_gain": (0, 1),
    "averaged": (0, 1, 1, 1, 1),
}
"""Exposures of a frame, in order; 1 marks a bright one.  The first is always the dimmest."""


def brightening(exposure: str, launch_step_db: float, launch_steps: int) -> tuple[int, ...]:
    """Attenuator steps by which each exposure is brighter than the first.

    An attenuator whose whole range is less than `GAIN_DB` gives its range.

    Raises
    ------
    ValueRangeError
        `exposure` is not one of `EXPOSURES`.
    """
    if not isinstance(exposure, str) or exposure not in EXPOSURES:
        raise ValueRangeError(f"exposure={shown(exposure)} must be one of {', '.join(EXPOSURES)}")
    bright = round(min(GAIN_DB / launch_step_db, launch_steps - 1))
    return tuple(bright * mark for mark in EXPOSURES[exposure])
