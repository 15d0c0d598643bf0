"""How often, and how brightly, each frame is exposed.

A Fourier plane spans more than the camera's dynamic range.  Frames are therefore exposed at one or
more settings of the launch attenuator and merged, bin by bin, by inverse variance.
"""

from __future__ import annotations

from driver.errors import ValueRangeError

__all__ = ["EXPOSURES", "GAIN_DB", "brightening"]

GAIN_DB = 15.0
"""Power ratio of the bright exposure to the dim one.

Convolution error of photographs through one `lab` device, packed: 1.7 % at 9 dB, 1.4 % at 12 dB,
1.3 % at 15 dB (``benchmarks/precision.py`` prints the error at the value chosen).
"""

EXPOSURES: dict[str, tuple[int, ...]] = {
    "single": (0,),
    "two_gain": (0, 1),
    "averaged": (0, 1, 1, 1, 1),
}
"""Exposures of a frame, in order; 1 marks a bright one.  The first is always the dimmest."""


def brightening(exposure: str, launch_step_db: float) -> tuple[int, ...]:
    """Attenuator steps by which each exposure is brighter than the first.

    Raises
    ------
    ValueRangeError
        `exposure` is not one of `EXPOSURES`.
    """
    if not isinstance(exposure, str) or exposure not in EXPOSURES:
        raise ValueRangeError(f"exposure={exposure!r} must be one of {', '.join(EXPOSURES)}")
    bright = round(GAIN_DB / launch_step_db)
    return tuple(bright * mark for mark in EXPOSURES[exposure])
