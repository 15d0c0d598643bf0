"""Thermal crosstalk: links between pixels, between a pixel's heaters, and through the substrate.

Links need no frames of their own: with all heaters at random every pixel hears each neighbour's
power in its own phase (`driver.calibration.refinement`), and reciprocity makes both ends one
(`driver.calibration.reciprocity`).  The second ring is one strength for the whole chip.  So is the
substrate, which the heaters' fit has taken into account (`driver.calibration.substrate`).
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.heat import RING_DISTANCES
from driver.calibration.model import DIRECTIONS, neighbour
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

__all__ = ["LINKS", "run"]


LINKS = {"nearest links": slice(0, 2), "diagonal links": slice(2, 4)}
"""Which of the four directions they are."""


def run(bench: Bench) -> Findings:
    """Report links, ring and substrate; sets `link_sigma`."""
    chip, refinement = bench.chip, bench.refinement
    strength, strength_sigma = bench.substrate_strength, bench.substrate_sigma
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
            *(
                Value(name, "", links.coefficient[:, :, which], bench.link_sigma[:, :, which])
                for name, which in LINKS.items()
            ),
            Value("partner link", "", chip.partner.astype(np.float64), refinement.sigma.partner),
            Value(
                "second ring", "of the data sheet", refinement.ring_strength, refinement.ring_sigma
            ),
            Value("substrate", "of the data sheet", strength, strength_sigma),
            Value(
                "a link's two views off their mean",
                "",
                links.apart,
                links.apart / np.sqrt(2 * max(links.pairs, 1)),
            ),
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
    # In layout 4f each fit knows the population of its own chip, and has 0 for the other.
    fits = filter(None, (bench.refinement, bench.last_refinement))
    scatter = np.sum([fit.link_prior()[1] for fit in fits], 0)
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


def _plots(bench: Bench) -> tuple[Panel | Picture | Histogram, ...]:
    links = bench.links.coefficient
    east = links[0, 0, 0]
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
        Picture("Link to the east, θ a", 100 * np.where(east != 0, east, np.nan), "%"),
    )
