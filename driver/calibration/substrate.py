"""The substrate: how much all of a chip's power warms it, and the last fit of the heaters with it.

The substrate hardly moves in the heaters' main frames, since the chip's whole power is the same in
all; it gets frames whose mean power goes up and down in the shape of its modes.  The table of modes
is the data sheet's; one strength of it is fitted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.frames import Record
from driver.calibration.heat import MODES, cosines
from driver.calibration.model import fourier, heater_power_mw
from driver.calibration.planes import clustered, regress
from driver.calibration.settings import uniform_codes

__all__ = ["FRAMES", "measure"]

SIGNS = (-1.0, 1.0, 1.0, -1.0, -1.0)
"""Of a mode's power in its frames.  A little of a frame's heat lingers into the next; but for the
first frame, which is left out, those before it had as often the same sign as the other."""

SUBSTRATE_SIGMA = 0.3
"""Scatter of the substrate about its data sheet (prior): solder and carrier are a lot's own."""

FRAMES = MODES**2 * len(SIGNS)
"""Exposed in all."""

NUDGE = 0.1
"""Change of the substrate's strength that its derivative is taken by: up to 10 mrad of theta."""

DEPTH = 0.35
"""By how much the mean power, half of full, goes up or down with a mode."""


def _usual_moments(bench: Bench) -> RealArray:
    """Mean moments of the power in the frames that each stage's theta0 comes from, (2, 3, 3)."""
    fits = (bench.refinement, bench.last_refinement or bench.refinement)
    usual = []
    for s, fit in enumerate(fits):
        power = heater_power_mw(fit.record.cold[..., :64], bench.chip.beta[..., None])
        usual.append(bench.chip.moments(power)[s].mean(-1))
    return np.array(usual)


def measure(bench: Bench) -> RealArray:
    """Fit the substrate's strength; sets `substrate_strength` and its sigma, and `chip.substrate`.

    Returns theta's phase by the data sheet's warmth in the main frames [rad], (2, N, N).

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
    bench.substrate_strength, bench.substrate_sigma = strength, sigma
    return warmth
