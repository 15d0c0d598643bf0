"""Dead and stuck pixels of the chip, and all that are unusable of chip and camera in one map.

A heater that does not follow its code leaves its pixel's field unexplained in the main frames, far
beyond the noise of any other.  Which of its four heaters stands still is told by taking each one's
motion out of the model in turn: the right one makes the rest fit again.  Dead and hot camera pixels
are found in the dark and by the flat field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver.calibration.bench import Bench
from driver.calibration.calibration import ComplexArray
from driver.calibration.model import HEATERS, ChipModel, HeatedChip, fourier, fourier_inverse
from driver.calibration.report import Check, Findings, Histogram, Picture, Value, judged

__all__ = ["NAMES", "run"]

EXCESS = 3.0
"""Residual over the median pixel's above which a pixel is looked at.

512 frames tell a pixel's noise to 3 %, and brightness spreads it by less than 1.5."""

EXPLAINED = 0.8
"""Part of a pixel's field that a model with one heater stuck must explain to be believed."""

NAMES = ("theta a", "phi a", "theta b", "phi b")


def run(bench: Bench) -> Findings:
    """Find stuck heaters; sets `chip_dead`, and both maps to 0 where nothing can be computed."""
    by_pixel = bench.refinement.field_residual
    ratio = by_pixel / max(float(np.median(by_pixel)), 1e-30)
    suspects = np.argwhere(ratio > EXCESS)
    stuck = _stuck(bench, suspects)
    bench.chip_dead = ratio > EXCESS
    size = bench.camera_dead.size
    kinds = np.zeros(bench.info.grid)
    kinds[bench.camera_dead] += 1
    kinds[bench.chip_dead] += 2
    bench.chip.output_map = np.where(bench.camera_dead, 0, bench.chip.output_map)
    bench.chip.input_map = np.where(bench.chip_dead, 0, bench.chip.input_map)
    checks = [
        Check("chip pixels with a stuck heater", float(bench.chip_dead.sum()), 0, 0.005 * size),
        Check("camera pixels dead or hot", float(bench.camera_dead.sum()), 0, 0.01 * size),
    ]
    verdict, reason = judged(checks)
    if stuck:
        reason += ": " + ", ".join(f"{name} at ({r}, {c})" for r, c, name in stuck[:8])
    return Findings(
        values=(
            Value("chip pixels with a stuck heater", "", float(bench.chip_dead.sum()), 0.0),
            Value("camera pixels dead or hot", "", float(bench.camera_dead.sum()), 0.0),
        ),
        plots=(
            Picture("Dead pixels", kinds, "1 camera, 2 chip"),
            Histogram(
                "Residual of a pixel over the median", "residual / median", (("pixels", ratio),)
            ),
        ),
        verdict=verdict,
        reason=reason,
    )


def _stuck(bench: Bench, suspects: NDArray[np.intp]) -> list[tuple[int, int, str]]:
    """Row, column and heater of suspects that one stuck heater explains."""
    if not len(suspects):
        return []
    chip, record, maps = bench.chip, bench.main, bench.refinement.maps
    heated = chip.heated(record.cold)
    predicted = chip.output_map[..., None] * fourier(heated.field()) * maps.gain
    seen = np.where(record.trusted, record.spectrum, predicted)
    alive = np.where(np.abs(chip.output_map) > 0, chip.output_map, 1)[..., None]
    z = fourier_inverse(seen / (alive * maps.gain))
    found = []
    for row, column in suspects:
        at = (int(row), int(column))
        shares = [_explained(z[at], _without(chip, heated, at, s, h)) for s, h in HEATERS]
        best = int(np.argmax(shares))
        name = NAMES[best] if shares[best] > EXPLAINED else "unexplained"
        found.append((*at, name))
    return found


def _without(
    chip: ChipModel, heated: HeatedChip, at: tuple[int, int], stage: int, heater: int
) -> ComplexArray:
    """The pixel's field with one heater at rest, up to a factor, (frames,)."""
    arms = [1 + heated.arm_a[at], 1 + heated.arm_b[at]]
    carrier = heated.carrier[at]
    if heater:
        psi = chip.kappa[stage, 1][at] * heated.heat[stage, 1][at]
        carrier = carrier * np.exp(-1j * psi)
    else:
        arms[stage] = np.ones_like(arms[stage])
    return carrier * arms[0] * arms[1]


def _explained(seen: ComplexArray, model: ComplexArray) -> float:
    """Part of the energy that the model explains with one complex factor."""
    energy = float(np.vdot(seen, seen).real * np.vdot(model, model).real)
    return float(abs(np.vdot(model, seen)) ** 2 / energy) if energy else 0.0
