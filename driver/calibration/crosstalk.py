"""Thermal crosstalk: links between pixels, between a pixel's heaters, and through the substrate.

Links need no frames of their own: with all heaters at random every pixel hears each neighbour's
power in its own phase (`driver.calibration.refinement`), and reciprocity makes both ends one
(`driver.calibration.reciprocity`).  The second ring is one strength for the whole chip.  The
substrate hardly moves in those frames, since the chip's whole power is the same in all; it gets
frames whose mean power goes up and down in the shape of its modes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from driver.calibration import heaters
from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.frames import Record
from driver.calibration.heat import MODES, RING_DISTANCES, cosines
from driver.calibration.model import DIRECTIONS, fourier, heater_power_mw, neighbour
from driver.calibration.planes import clustered, regress
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
from driver.calibration.settings import uniform_codes

__all__ = ["run"]

SIGNS = (-1.0, 1.0, 1.0, -1.0, -1.0)
"""Of a mode's power in its frames.  A little of a frame's heat lingers into the next; but for the
first frame, which is left out, those before it had as often the same sign as the other."""

SUBSTRATE_SIGMA = 0.3
"""Scatter of the substrate about its data sheet (prior): solder and carrier are a lot's own."""

NUDGE = 0.1
"""Change of the substrate's strength that its derivative is taken by: up to 10 mrad of theta."""

DEPTH = 0.35
"""By how much the mean power, half of full, goes up or down with a mode."""


def run(bench: Bench) -> Findings:
    """Report links and ring, fit the substrate; sets `link_sigma` and `chip.substrate`."""
    chip, refinement = bench.chip, bench.refinement
    strength, strength_sigma = 1.0, 0.0
    if np.any(chip.substrate):
        strength, strength_sigma, warmth = _substrate(bench)
        _refit(bench)
        # Theta0 is what is left of a phase when the substrate's warmth is taken off.
        theta0 = bench.refinement.sigma.theta0
        np.hypot(theta0, strength_sigma * warmth, out=theta0)
    links, bench.link_sigma = bench.links, link_sigma(bench)
    nominal = bench.info.nominal
    nearest = links.coefficient[:, :, :2][..., :-1, :-1]
    checks = []
    if nominal.link_nearest:
        off = abs(float(np.median(nearest)) / nominal.link_nearest - 1)
        swing = np.pi / nominal.p_pi_mw * nominal.power_full_mw
        known = float(np.median(bench.link_sigma[:, :, :2])) * swing
        checks += [
            Check("nearest links off their data sheet by", 100 * off, 50, 200, "%"),
            Check("phase that a link is uncertain by", 1e3 * known, 3, 20, "mrad"),
        ]
    if np.any(chip.substrate):
        off, unsure = 100 * abs(strength - 1), 300 * strength_sigma
        checks.append(Check("substrate off its data sheet by", off, 50 + unsure, 200 + unsure, "%"))
    verdict, reason = judged(checks) if checks else ("pass", "the data sheet has no crosstalk")
    return Findings(
        values=(
            Value("links", "", links.coefficient, bench.link_sigma),
            Value("partner link", "", chip.partner.astype(np.float64), refinement.sigma.partner),
            Value(
                "second ring", "of the data sheet", refinement.ring_strength, refinement.ring_sigma
            ),
            Value("substrate", "of the data sheet", strength, strength_sigma),
            heaters.phase_without_heat(bench),
        ),
        plots=_plots(bench),
        verdict=verdict,
        reason=reason,
    )


def link_sigma(bench: Bench) -> RealArray:
    """Uncertainty of the reciprocal links, (2, 2, 4, N, N).

    Of two views with posterior variances ``s^2 = sigma^2 (1 - f)`` under a common prior sigma, the
    joint one is ``sigma^2 (1 - f) / (1 + f)``.
    """
    one_way = bench.refinement.sigma.links
    _, scatter, _ = bench.refinement.link_prior()
    sigma = np.zeros((*one_way.shape[:2], 4, *one_way.shape[3:]))
    for index in range(4):
        offset = DIRECTIONS[index]
        inside = neighbour(np.ones(one_way.shape[-2:]), offset)
        back = neighbour(one_way[:, :, index + 4], offset)
        variance = 0.5 * (one_way[:, :, index] ** 2 + back**2)
        prior = np.maximum(scatter[:, :, index, None, None] ** 2, 1e-30)
        known = np.clip(1 - variance / prior, 0.0, 1.0)
        sigma[:, :, index] = inside * np.sqrt(variance / (1 + known))
    return sigma


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
    heaters.settle(bench)


def _usual_moments(bench: Bench) -> RealArray:
    """Mean moments of the power in the frames that each stage's theta0 comes from, (2, 3, 3)."""
    fits = (bench.refinement, bench.last_refinement or bench.refinement)
    usual = []
    for s, fit in enumerate(fits):
        power = heater_power_mw(fit.record.cold[..., :64], bench.chip.beta[..., None])
        usual.append(bench.chip.moments(power)[s].mean(-1))
    return np.array(usual)


def _substrate(bench: Bench) -> tuple[float, float, RealArray]:
    """Fit the substrate's strength.

    Returns it relative to the data sheet's, its sigma, and theta's phase by the data sheet's warmth
    in the main frames [rad], (2, N, N).

    Theta0 was fitted with the warmth of the main frames in it, as the data sheet's substrate has
    it: it moves by what that was wrong by.
    """
    info, chip = bench.info, bench.chip
    waves = cosines(info.grid[0])
    codes = []
    for order in np.ndindex(MODES, MODES):
        shape = np.multiply.outer(waves[order[0]], waves[order[1]])
        for sign in SIGNS:
            mean = 0.5 * (1 + sign * DEPTH * shape)
            spread = np.minimum(mean, 1 - mean)
            part = mean + spread * (2 * bench.rng.random((2, 2, *info.grid)) - 1)
            codes.append(uniform_codes(part, info))
    dimmer = min(bench.launch_step + 1, info.nominal.launch_steps - 1)
    record = bench.take(np.array(codes), dimmer)
    kept_frames = np.arange(record.cold.shape[-1]) % len(SIGNS) > 0
    record = Record(
        record.cold[..., kept_frames],
        record.spectrum[..., kept_frames],
        record.trusted[..., kept_frames],
    )
    kept = chip.substrate.copy()
    warmth = np.einsum("pr,mq,spm->srq", waves, waves, kept * _usual_moments(bench))
    warmth = warmth.astype(np.float32)
    strength = sigma = 1.0
    for _ in range(2):
        warmer = replace(
            chip,
            substrate=chip.substrate + NUDGE * kept,
            theta0=chip.theta0 - np.float32(NUDGE) * warmth,
        )
        field = chip.field(record.cold)
        change = (warmer.field(record.cold) - field) / np.float32(NUDGE)
        model = chip.output_map[..., None] * fourier(field)
        change = chip.output_map[..., None] * fourier(change)
        pulls, weights = [], []
        for f in range(model.shape[-1]):
            see = record.trusted[..., f]
            y, m, d = (part[..., f][see] for part in (record.spectrum, model, change))
            gain = regress(y, m)
            # What the frame's own gain can take up is not the substrate's.
            d = gain * (d - regress(d, m) * m)
            rest = y - gain * m
            pulls.append(float(np.vdot(d, rest).real))
            weights.append(float(np.vdot(d, d).real))
        # What lingers of the frame before cancels over the frames of a mode.  Few modes carry most
        # of the warmth, though, so that their scatter may be small by chance: half of the single
        # frames', lingering heat and all, is the least that is believed.
        pull, weight = np.array(pulls), np.array(weights)
        by_mode = (MODES**2, len(SIGNS) - 1)
        step, by_modes = clustered(pull.reshape(by_mode).sum(1), weight.reshape(by_mode).sum(1))
        sigma = max(by_modes, 0.5 * clustered(pull, weight)[1])
        # Where there's little warmth to see, what the data sheet says stands.
        share = SUBSTRATE_SIGMA**2 / (SUBSTRATE_SIGMA**2 + sigma**2)
        step = 1 + share * (strength + step - 1) - strength
        sigma *= share**0.5
        strength += step
        chip.substrate = kept * strength
        chip.theta0 -= np.float32(step) * warmth
    return strength, sigma, warmth


def _plots(bench: Bench) -> tuple[Panel | Picture | Histogram, ...]:
    links = bench.links.coefficient
    names = ("east", "south", "south-east", "south-west")
    samples = tuple(
        (name, 100 * links[:, :, i][links[:, :, i] != 0]) for i, name in enumerate(names)
    )
    near = links[:, :, :2][links[:, :, :2] != 0]
    diagonal = links[:, :, 2:][links[:, :, 2:] != 0]
    distance = np.array([1.0, 2**0.5])
    mean = np.array([near.mean() if near.size else 0, diagonal.mean() if diagonal.size else 0])
    spread = np.array([near.std() if near.size else 0, diagonal.std() if diagonal.size else 0])
    lines = [Line("links, mean and scatter", distance, mean, spread, points=True)]
    if np.any(bench.chip.ring):
        ring = np.asarray(bench.chip.ring, np.float64)
        error = bench.refinement.ring_sigma * ring / bench.refinement.ring_strength
        lines.append(Line("second ring", np.array(RING_DISTANCES), ring, error, points=True))
    return (
        Panel(
            "Heat felt of a neighbour", "distance [pixels]", "of its power", tuple(lines), log=True
        ),
        Histogram("Links", "of the neighbour's power [%]", samples),
        Picture("Link to the east, θ a", 100 * links[0, 0, 0], "%"),
    )
