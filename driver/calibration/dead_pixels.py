"""Dead and stuck pixels of the chip, and all that are unusable of chip and camera in one map.

The first look offers every heater a slope of 0, and one that does not follow its code takes it.  A
pixel that misbehaves otherwise is left unexplained in the main frames, far beyond the noise of any
other.  Dead and hot camera pixels are found in the dark and by the flat field.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.report import Check, Findings, Histogram, Picture, Value, judged

__all__ = ["NAMES", "run"]

EXCESS = 3.0
"""Residual over the median pixel's above which no model explains a pixel.

512 frames tell a pixel's noise to 3 %, and brightness spreads it by less than 1.5."""

NAMES = ("theta a", "phi a", "theta b", "phi b")


def run(bench: Bench) -> Findings:
    """Find stuck heaters; sets `chip_dead`, and both maps to 0 where nothing can be computed."""
    by_pixel = bench.refinement.field_residual
    ratio = by_pixel / max(float(np.median(by_pixel)), 1e-30)
    # Laser noise from step to step is the same in all bins, and so all in the pixel on the axis.
    axis = tuple(length // 2 for length in bench.info.grid)
    ratio[axis] = min(ratio[axis], EXCESS)
    stuck = [
        (int(row), int(column), NAMES[2 * s + h]) for s, h, row, column in np.argwhere(bench.still)
    ]
    size = bench.camera_dead.size
    bench.chip_dead = np.any(bench.still, (0, 1))
    unexplained = int(np.sum((ratio > EXCESS) & ~bench.chip_dead))
    frames = bench.main.spectrum.shape[-1]
    kinds = np.zeros(bench.info.grid)
    kinds[bench.camera_dead] += 1
    kinds[bench.chip_dead] += 2
    bench.chip.output_map = np.where(bench.camera_dead, 0, bench.chip.output_map)
    if bench.chip.middle_map is None:
        bench.chip.input_map = np.where(bench.chip_dead, 0, bench.chip.input_map)
    else:  # two chips
        first, last = np.any(bench.still, 1)
        bench.chip.input_map = np.where(first, 0, bench.chip.input_map)
        bench.chip.middle_map = np.where(last, 0, bench.chip.middle_map)
    checks = [
        Check("chip pixels with a stuck heater", float(bench.chip_dead.sum()), 0, 0.005 * size),
        Check("camera pixels dead or hot", float(bench.camera_dead.sum()), 0, 0.01 * size),
        Check("pixels that no model explains", float(unexplained), 0, 0.01 * size),
    ]
    verdict, reason = judged(checks)
    if stuck:
        reason += ": " + ", ".join(f"{name} at ({r}, {c})" for r, c, name in stuck[:8])
    return Findings(
        values=(
            Value("chip pixels with a stuck heater", "", float(bench.chip_dead.sum()), 0.0),
            Value("camera pixels dead or hot", "", float(bench.camera_dead.sum()), 0.0),
            # A mean of squares of as many real parts as there are frames, twice.
            Value("residual of a pixel over the median", "", ratio, ratio / np.sqrt(frames)),
        ),
        plots=(
            Picture("Dead pixels", kinds, "0 none, 1 camera, 2 chip, 3 both", span=(0, 3)),
            Histogram(
                "Residual of a pixel over the median", "residual / median", (("pixels", ratio),)
            ),
        ),
        verdict=verdict,
        reason=reason,
    )
