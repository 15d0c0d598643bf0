"""Nanoseconds per pixel of each stage of a frame, one thread, and of the plain transform."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.backends.emulator import emulator_spec
from driver.library import check, ffi, lib, pointer
from optical_device.fabrication import Fabrication

__all__ = ["STAGES", "FrameStages", "fft2_seconds"]

STAGES = ("codes to phases", "phases to field", "field to spectrum", "spectrum to counts")


class FrameStages:
    """The physics of one device, stage by stage on random codes, four steps an exposure."""

    def __init__(self, fabrication: Fabrication, kernels: str, frames: int) -> None:
        profile, n = fabrication.profile, fabrication.profile.device.n
        self._spec, self._kept = emulator_spec(fabrication)
        self._kernels, self._pixels = kernels.encode(), frames * n * n
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 2**profile.device.dac_bits, (frames, 2, 2, n, n), dtype=np.uint16)
        steps = np.full((frames, 1), profile.source.launch_default_step, np.uint8)
        counts = np.empty((4, n, n), np.uint16)
        block = ffi.new("odev_block *")
        block.frames, block.exposures = frames, 1
        block.reference, block.laser_on = lib.ODEV_REFERENCE_STEPS, 1
        block.laser_mw, block.reference_fraction = profile.source.laser_mw, 1.0
        block.exposure_ns = round(1000 * profile.timing.exposure_us)
        block.codes = pointer(codes, np.uint16, "const void *")
        block.launch_step = pointer(steps, np.uint8, "const uint8_t *")
        block.counts = pointer(counts, np.uint16, "void *")
        self._block, self._arrays = block, (codes, steps, counts)

    def nanoseconds(self, rounds: int) -> NDArray[np.float64]:
        """Per pixel, in the order of `STAGES`: the fastest of the rounds, without other load."""
        seconds: Any = ffi.new("double[4]")
        times = []
        for _ in range(rounds):
            check(lib.odev_stages_time(self._spec, self._kernels, self._block, seconds))
            times.append(list(seconds))
        return np.min(times, axis=0) * 1e9 / self._pixels


def fft2_seconds(kernels: str, n: int, frames: int) -> float:
    """Seconds of so many transforms of n x n, one thread, in place."""
    seconds = ffi.new("double *")
    check(lib.odev_stages_time_fft2(kernels.encode(), n, frames, seconds))
    return float(seconds[0])
