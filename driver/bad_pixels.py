"""Camera pixels that died or got stuck: found in a few frames, and masked in the calibration.

A whole calibration finds them too.  This is for one that goes in the middle of a session: it takes
eight frames (64 without a reference beam), and the calibration stays what it is otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from driver.calibration.calibration import Calibration
from driver.device import Device
from driver.errors import CalibrationError

__all__ = ["DEAD", "HOT", "BadPixels", "find_bad_pixels", "mask_bad_pixels", "masked"]

FRAMES = 4
"""Frames of each kind: a read noise of 0.1 % of full scale is halved."""

SPECKLES = 32
"""Frames of random codes where there is no reference beam: the mean of so many speckles is below
`DEAD` of its own mean once in 10^10 pixels (the sum of 32 exponentials)."""

DEAD = 0.2
"""A pixel that answers to light with less than this part of its neighbours' median is dead."""

HOT = 0.2
"""A pixel that is brighter in the dark than the median by this part of full scale is hot."""


@dataclass(frozen=True)
class BadPixels:
    """Camera pixels that tell nothing, (N, N) booleans each."""

    dead: NDArray[np.bool_]
    hot: NDArray[np.bool_]

    @property
    def any(self) -> NDArray[np.bool_]:
        """Of either kind, (N, N)."""
        return self.dead | self.hot


def find_bad_pixels(device: Device) -> BadPixels:
    """Expose a few frames of darkness and of the reference beam, and see who does not follow.

    Returns
    -------
    BadPixels
        With no light on the camera at all, nobody is dead.
    """
    info = device.info
    codes = np.zeros((FRAMES, 2, 2, *info.grid), info.code_dtype)
    mode: dict[str, Any] = {"reference": "only"}
    if info.detection == "intensity":
        drive = np.random.default_rng(0).random((SPECKLES, 2, 2, *info.grid))
        codes = (drive * info.code_max).astype(info.code_dtype)
        mode = {"reference": "off", "launch_step": info.nominal.launch_steps // 2}
    dark = np.mean(device.expose(codes, laser="off", **mode), axis=(0, 1), dtype=np.float64)
    lit = np.mean(device.expose(codes, **mode), axis=(0, 1), dtype=np.float64)
    full = min(info.count_max, info.nominal.full_well_e / info.nominal.gain_e_per_dn)
    hot: NDArray[np.bool_] = np.asarray(
        dark > np.median(dark) + HOT * (full if np.isfinite(full) else np.ptp(lit))
    )
    answer = np.where(hot, np.median(lit - dark), lit - dark)
    usual = median_filter(answer, size=min(5, info.grid[0]), mode="nearest")
    return BadPixels(dead=(answer < DEAD * usual) & ~hot, hot=hot)


def masked(calibration: Calibration, bad: NDArray[np.bool_]) -> Calibration:
    """A calibration with camera pixels left out: decoded values there are 0, and nothing else.

    Parameters
    ----------
    bad : (N, N) bool

    Raises
    ------
    CalibrationError
        Every pixel is bad.
    """
    if np.all(bad):
        raise CalibrationError("every camera pixel is bad: there is nothing to mask for")
    return replace(
        calibration,
        output_map=np.where(bad, 0, calibration.output_map),
        pilot_spectrum=np.where(bad, 0, calibration.pilot_spectrum),
    )


def mask_bad_pixels(device: Device) -> BadPixels:
    """Find the bad pixels of a calibrated device and install its calibration without them.

    Raises
    ------
    CalibrationError
        No calibration is installed, or every pixel is bad.
    """
    if device.calibration is None:
        raise CalibrationError("a device that is not calibrated has no calibration to mask in")
    bad = find_bad_pixels(device)
    if np.any(bad.any):
        device.load_calibration(masked(device.calibration, bad.any))
    return bad
