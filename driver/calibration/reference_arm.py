"""The reference arm: its amplitude, and the errors of its phase steps.

A known field of spectrum m (in DN of Y) makes in a step k with reference

    I_k = black + R + |m|^2 / R + 2 Re(m c_k),    c_k = exp(-i delta_k) / a

Regressing every step's counts on it gives the set phases delta_k up to their mean, which the output
map absorbs.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.first_look import random_codes
from driver.calibration.model import fourier
from driver.calibration.planes import regress
from driver.calibration.reference import remove_leak
from driver.calibration.report import Check, Findings, Line, Panel, Picture, Value, judged

__all__ = ["run"]

FRAMES = 32
DIMMER = 2
"""Launch steps below the main frames': the regression knows no clipped bins."""


def run(bench: Bench) -> Findings:
    """Measure the reference's amplitude and phase steps."""
    phases, sigma, residual = _step_phases(bench)
    errors = phases - np.pi / 2 * np.arange(len(phases))
    errors = np.angle(np.exp(1j * (errors - errors[0])))
    errors = errors - errors.mean()
    amplitude = np.sqrt(np.maximum(bench.reference_dn * bench.gain_e_per_dn, 0))
    shot = np.sqrt(1 + bench.dark_variance_dn2 * bench.gain_e_per_dn**2 / amplitude**2) / 2
    maps = bench.refinement.maps
    checks = [
        Check("largest step error", 1e3 * float(np.max(np.abs(errors))), 25, 150, "mrad"),
        Check("conjugate leak", 100 * abs(bench.chip.leak), 1, 10, "%"),
        Check("steps known to", 1e3 * float(np.max(sigma)), 1, 10, "mrad"),
    ]
    verdict, reason = judged(checks)
    step = np.array(_lit(bench))
    return Findings(
        values=(
            Value("reference amplitude", "√e-", amplitude, shot / np.sqrt(32)),
            Value("phase step errors", "rad", errors, sigma),
            Value("conjugate leak, real", "", bench.chip.leak.real, maps.leak_sigma),
            Value("conjugate leak, imaginary", "", bench.chip.leak.imag, maps.leak_sigma),
            Value("residual of the counts", "DN", residual, np.zeros(len(step))),
        ),
        plots=(
            Panel(
                "Errors of the phase steps",
                "step",
                "phase [mrad]",
                (Line("measured", step, 1e3 * errors, 1e3 * sigma, points=True),),
            ),
            Picture("Reference amplitude", amplitude, "√e-"),
        ),
        verdict=verdict,
        reason=reason,
    )


def _step_phases(bench: Bench) -> tuple[RealArray, RealArray, RealArray]:
    """Set phases of the steps with reference [rad], their sigmas, and RMS residuals [DN]."""
    info, chip = bench.info, bench.chip
    launch_step = min(bench.launch_step + DIMMER, info.nominal.launch_steps - 1)
    codes = random_codes(bench.rng, FRAMES, info)
    counts = bench.device.expose(codes, reference="steps", launch_step=launch_step)
    spectrum, trusted = bench.spectrum(counts)
    clean = remove_leak(spectrum, chip.leak)
    field = chip.field(bench.cold(codes))
    model = np.moveaxis(chip.output_map[..., None] * fourier(field), -1, 0)
    for frame in range(FRAMES):
        see = trusted[frame]
        model[frame] *= np.complex64(regress(clean[frame][see], model[frame][see]))
    m = model[trusted].astype(np.complex128)
    reference = np.broadcast_to(bench.reference_dn, trusted.shape)[trusted]
    rest = np.broadcast_to(bench.black_dn + bench.reference_dn, trusted.shape)[trusted]
    own = np.abs(m) ** 2 / np.maximum(reference, 1e-9)
    # Noise goes with the light; a weighted fit of (Re c, Im c, constant, own intensity).
    variance = bench.dark_variance_dn2 + (reference + own) / bench.gain_e_per_dn
    weight = 1 / np.sqrt(variance + 1e-9)
    design = np.stack([2 * m.real, -2 * m.imag, np.ones_like(own), own], 1) * weight[:, None]
    inverse = np.linalg.inv(design.T @ design)
    steps = _lit(bench)
    phases, sigma, residual = (np.zeros(len(steps)) for _ in range(3))
    for k, step in enumerate(steps):
        target = (counts[:, step][trusted] - rest) * weight
        solution = inverse @ (design.T @ target)
        off = target - design @ solution
        scale = float(np.mean(off**2))
        phases[k] = -np.arctan2(solution[1], solution[0])
        sigma[k] = np.sqrt(0.5 * (inverse[0, 0] + inverse[1, 1]) * scale)
        residual[k] = float(np.sqrt(np.mean((off / weight) ** 2)))
    # Less their mean: a degree of freedom less.
    return phases, sigma * np.sqrt(1 - 1 / len(steps)), residual


def _lit(bench: Bench) -> tuple[int, ...]:
    """Steps that have the reference in them: of three, the first has not."""
    return (0, 1, 2, 3) if bench.info.reference_steps == 4 else (1, 2)
