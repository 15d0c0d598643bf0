"""Heater curves of all pixels in parallel, through the coherent readout.

First a look at one stage at a time (`driver.calibration.first_look`), then all heaters of all
pixels at random, refined together (`driver.calibration.refinement`); the links between pixels are
made reciprocal and the rest is fitted once more; and all of it again when the substrate is known
(`driver.calibration.substrate`), whose warmth the fits before took from the data sheet.
"""

from __future__ import annotations

import numpy as np

from driver.calibration import first_look, substrate, two_chips
from driver.calibration.bench import Bench
from driver.calibration.launch import choose_step
from driver.calibration.nominal import nominal_launch_gain
from driver.calibration.reciprocity import directed_links, symmetrise
from driver.calibration.refinement import Refinement
from driver.calibration.report import (
    Check,
    Findings,
    Histogram,
    Line,
    Panel,
    Picture,
    Value,
    judged,
)
from driver.errors import CalibrationError

__all__ = ["run"]

MAIN_FRAMES = 512
"""Frames with all four heaters of all pixels at random.  The refinement lives on these alone: the
first rounds' frames are dimmer, and with equal weight they would add more noise than they tell."""

SCHEDULE = (False, True, True)
"""Refinements with (True) or without the thermal parameters; a fourth changes no error by 1 %."""

SATURATED = 0.02
"""Bins that may saturate in the main frames: the refinement fills them with its prediction, and the
others gain more by the light than is lost with these (errors 20 % smaller than at 0.002)."""

FIRST_DIMMER = 6
"""Launch steps by which the first rounds are dimmer: a stage parked bright doubles the light, and
the first fits know no prediction to fill saturated bins with."""

LARGEST_RESIDUAL = 0.1
"""Residual over signal, RMS, above which a calibration has failed; noise alone leaves 0.008."""


def run(bench: Bench) -> Findings:
    """Find slope, bend, arm ratio and phase of every heater, and the first maps.

    Sets `launch_step`, `main`, `refinement`, `links`, `substrate_strength`, and `chip` but for its
    gauge.

    Raises
    ------
    CalibrationError
        The device does not behave as its data sheet says.
    """
    if bench.info.layout == "4f":
        two_chips.explore(bench)
    else:
        _explore(bench)
    info = bench.info
    if not bench.refinement.residual < LARGEST_RESIDUAL:
        raise CalibrationError(
            f"the model of {info.serial} leaves {bench.refinement.residual:.0%} of the light "
            f"unexplained (at most {LARGEST_RESIDUAL:.0%}): is the profile the right one?"
        )
    if np.any(bench.chip.substrate):
        warmth = substrate.measure(bench)
        _refit(bench)
        # Theta0 is what is left of a phase when the substrate's warmth is taken off.
        theta0 = bench.refinement.sigma.theta0
        np.hypot(theta0, bench.substrate_sigma * warmth, out=theta0)
    return _findings(bench)


def _explore(bench: Bench) -> None:
    """Layout mft: one stage at a time, then both."""
    info, chip = bench.info, bench.chip
    sample = first_look.random_codes(bench.rng, 4, info)
    bench.launch_step = choose_step(bench, sample, SATURATED)
    first_step = min(bench.launch_step + FIRST_DIMMER, info.nominal.launch_steps - 1)
    amplitudes = np.abs(nominal_launch_gain(info, 0))
    chip.output_map *= np.float32(amplitudes[first_step])
    first_look.first_round(bench, first_step)
    bench.progress(0.1)
    first_look.second_round(bench, first_step)
    bench.progress(0.2)
    bench.main = bench.take(
        first_look.random_codes(bench.rng, MAIN_FRAMES, info), bench.launch_step
    )
    chip.output_map *= np.float32(amplitudes[bench.launch_step] / amplitudes[first_step])
    _refine(bench)


def _refine(bench: Bench) -> None:
    """Gauss-Newton: once without the thermal parameters, then with, then with links made one."""
    refinement = bench.refinement = Refinement(bench.chip, bench.main, bench.info.nominal)
    for index, thermal in enumerate(SCHEDULE):
        bench.progress(0.3 + 0.7 * index / (len(SCHEDULE) + 1))
        refinement.iterate(thermal=thermal)
    bench.progress(0.3 + 0.7 * len(SCHEDULE) / (len(SCHEDULE) + 1))
    _settle(bench)


def _refit(bench: Bench) -> None:
    """Links, second ring and all else once more, with the substrate that was found.

    The substrate's warmth reaches the same neighbours, so that the main frames' fit gave the ring
    and the links part of what the data sheet's strength was wrong by: a ring smaller by 0.009 of
    itself for all of it on `lab`, three of its sigmas where a lot is off by 0.2.  What the strength
    is uncertain by is a twentieth of a sigma.
    """
    for fit in filter(None, (bench.last_refinement, bench.refinement)):
        fit.chip.substrate = bench.chip.substrate
        fit.iterate(thermal=True)
    _settle(bench)


def _settle(bench: Bench) -> None:
    """Make links reciprocal, fit the rest to them, and maps and second ring once more."""
    if bench.last_refinement is not None:
        two_chips.settle(bench)
        return
    refinement = bench.refinement
    bench.links = symmetrise(bench.chip.links, *refinement.link_prior())
    bench.chip.links[...] = directed_links(bench.links)
    bench.chip.strength[...] = bench.links.strength
    refinement.iterate(thermal=False)
    refinement.finish()


def _findings(bench: Bench) -> Findings:
    chip, refinement, nominal = bench.chip, bench.refinement, bench.info.nominal
    sigma = refinement.sigma
    full = nominal.power_full_mw
    theta0 = np.mod(chip.theta0.astype(np.float64) + np.pi, 2 * np.pi) - np.pi
    swing, swing_sigma = chip.kappa.astype(np.float64) * full, sigma.kappa * full
    bend, bend_sigma = chip.beta.astype(np.float64) * full, sigma.beta * full
    off = np.abs(np.median(swing) / (np.pi / nominal.p_pi_mw * full) - 1)
    checks = [
        Check("residual of the light", 100 * refinement.residual, 2, 100 * LARGEST_RESIDUAL, "%"),
        Check("slope off its data sheet by", 100 * float(off), 12, 20, "%"),
        Check("slope known to", 100 * float(np.median(swing_sigma / swing)), 0.5, 3, "%"),
    ]
    verdict, reason = judged(checks)
    names = ("θ a", "φ a", "θ b", "φ b")
    by_heater = swing.reshape(4, -1) / np.pi
    return Findings(
        values=(
            Value("phase at full cold power", "rad", swing, swing_sigma),
            Value("bend of the resistance at full power", "relative", bend, bend_sigma),
            Value("arm ratio", "", chip.rho.astype(np.float64), sigma.rho),
            Value("phase without heat", "rad", theta0, sigma.theta0),
            Value(
                "residual of a pixel's field",
                "relative",
                refinement.noise,
                np.zeros(bench.info.grid),
            ),
        ),
        plots=(
            _curve(bench),
            Histogram(
                "Phase at full cold power",
                "phase [π]",
                tuple(zip(names, by_heater, strict=True)),
            ),
            Picture("Residual of a pixel's field", 100 * refinement.noise, "%"),
        ),
        verdict=verdict,
        reason=reason,
    )


def _curve(bench: Bench) -> Panel:
    """The heater curve of the middle pixel's theta a: what was seen, and what is fitted."""
    chip, record = bench.chip, bench.main
    fit = bench.refinement
    heated = fit.path.heated(fit.chip, fit.record.cold)
    field = heated.field()
    light = fit.path.spectrum(field)
    seen_light = record.spectrum / (chip.output_map[..., None] * fit.maps.gain)
    z = field + fit.path.residual(np.where(record.trusted, seen_light - light, 0), field)
    middle = (bench.info.grid[0] // 2, bench.info.grid[1] // 2)
    other = np.abs(heated.carrier[middle] * (1 + heated.arm_b[middle]))
    bright = other > np.median(other)
    heat = heated.heat[0, 0, middle[0], middle[1]]
    fine = np.linspace(float(heat.min()), float(heat.max()), 300)
    phase = float(chip.theta0[0][middle]) + float(chip.kappa[0, 0][middle]) * fine
    phase = phase + float(
        np.mean(
            np.angle(
                heated.arm_a[middle]
                * np.exp(-1j * (chip.theta0[0][middle] + chip.kappa[0, 0][middle] * heat))
            )
        )
    )
    curve = np.abs(1 + chip.rho[0][middle] * np.exp(1j * phase)) / 2
    seen = np.abs(z[middle]) / other / 2
    return Panel(
        f"Heater θ of stage a at pixel {middle}",
        "effective heat [mW]",
        "transmission of the stage, amplitude",
        (
            Line("frames", heat[bright], seen[bright], points=True),
            Line("fit", fine, curve),
        ),
    )
