"""The pilot frame: a known bright field, against which phase and gain are tracked.

Both stages stand at their maximum transmission, where an error of theta costs least, and the
phases are random, so that the light spreads evenly over the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import ComplexArray
from driver.calibration.launch import choose_step
from driver.calibration.model import fourier
from driver.calibration.settings import PARKED_PHASE, codes_for_phases, to_window

if TYPE_CHECKING:
    from driver.calibration.bench import Bench

__all__ = ["Pilot", "make_pilot"]


@dataclass(slots=True)
class Pilot:
    """Codes (2, 2, N, N), launch step, and spectrum (N, N) at G = 1 and launch gain 1 [DN]."""

    codes: NDArray[Any]
    launch_step: int
    spectrum: ComplexArray


def make_pilot(bench: Bench) -> Pilot:
    """Choose the pilot's codes, its launch step (nothing saturates) and what it should give."""
    info, chip = bench.info, bench.chip
    psi = np.full((2, 2, *info.grid, 1), PARKED_PHASE)
    psi[:, 0, ..., 0] = to_window(-chip.theta0)
    psi[0, 1, ..., 0] = to_window(2 * np.pi * bench.rng.random(info.grid))
    codes = codes_for_phases(chip, psi, info)
    brightest = choose_step(bench, codes, 0.0)
    # One step of margin: laser and reference drift.
    step = min(brightest + 1, info.nominal.launch_steps - 1)
    field = chip.field(bench.cold(codes))[..., 0]
    return Pilot(codes[0], step, chip.output_map * fourier(field))
