"""Flat field: the reference beam's shape, and what every pixel makes of it (PRNU).

The beam is smooth and the pixels are not: the logarithm of the level is fitted by a polynomial of
degree 2, a Gaussian beam, and what is left is the pixels' own response.  A smooth part of that
cannot be told from the beam, nor its mean from the beam's power.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.reference import check_beam
from driver.calibration.report import Check, Findings, Histogram, Picture, Value, judged

__all__ = ["FRAMES", "beam_of", "run"]

FRAMES = 32

DEAD = 0.5
"""A pixel with less than this of its neighbours' response is dead."""


def run(bench: Bench) -> Findings:
    """Measure the reference beam on the camera; sets `reference_dn`, finds dead pixels.

    Raises
    ------
    CalibrationError
        The beam is too faint to measure a field by.
    """
    counts = bench.device.expose(bench.heaters_off(FRAMES), reference="only")
    level: RealArray = counts[:, 0].astype(np.float64).mean(0) - bench.black_dn
    check_beam(bench.info, float(np.mean(level)))
    shot = np.maximum(level, 0) / bench.gain_e_per_dn
    sigma = np.sqrt((shot + bench.dark_variance_dn2) / FRAMES + bench.black_sigma_dn**2)
    usable = level > DEAD * np.median(level)
    # A wide beam keeps more than half its power in the corners (data sheet), a dead pixel does not.
    smooth = _smooth(level, usable)
    dead = level < DEAD * smooth
    bench.camera_dead |= dead
    good = ~bench.camera_dead
    bench.reference_dn = np.where(good, level, smooth)
    beam, beam_sigma, response = beam_of(bench.reference_dn, good)
    response_sigma = np.where(good, sigma / np.maximum(level, 1e-9), 0.0)
    noise = float(np.mean(response_sigma[good] ** 2))
    total = float(np.var(response[good]))
    prnu = float(np.sqrt(max(total - noise, 0.0)))
    prnu_sigma = total * np.sqrt(2 / good.sum()) / (2 * prnu) if prnu else 0.0
    checks = [
        Check("dead camera pixels", float(dead.sum()), 0, 0.01 * dead.size),
        Check("PRNU", 100 * prnu, 2, 10, "%"),
        Check(
            "signal's saturation by the beam alone",
            float(np.max(level)) / bench.saturation_dn,
            0.5,
            0.9,
        ),
    ]
    verdict, reason = judged(checks)
    names = ("beam centre, row", "beam centre, column", "beam waist")
    return Findings(
        values=(
            Value("reference beam", "DN", bench.reference_dn, np.where(good, sigma, 0.0)),
            Value("response", "relative", response, response_sigma),
            Value("PRNU", "relative", prnu, prnu_sigma),
            *(
                Value(name, "px", value, error)
                for name, value, error in zip(names, beam, beam_sigma, strict=True)
            ),
            Value("dead camera pixels", "", float(dead.sum()), 0.0),
        ),
        plots=(
            Picture("Reference beam", bench.reference_dn, "DN"),
            Picture("Response of a pixel", 100 * response, "% off the beam"),
            Histogram(
                "Response of a pixel", "off the beam [%]", (("pixels", 100 * response[good]),)
            ),
        ),
        verdict=verdict,
        reason=reason,
    )


def beam_of(
    level: RealArray, good: RealArray
) -> tuple[tuple[float, ...], tuple[float, ...], RealArray]:
    """A Gaussian beam through levels (N, N): (row, column, waist), sigmas, and relative residual.

    ``ln level = a - 2 ((r - r0)^2 + (c - c0)^2) / w^2``; row and column count from pixel N//2.
    """
    size = len(level)
    axis = np.arange(size) - size // 2.0
    row, column = np.meshgrid(axis, axis, indexing="ij")
    basis = np.stack([np.ones_like(row), row, column, row**2 + column**2], -1)
    target = np.log(np.maximum(level, 1e-9))
    design = basis[good]
    solution, *_ = np.linalg.lstsq(design, target[good], rcond=None)
    response = np.where(good, target - basis @ solution, 0.0)
    noise = float(np.var(response[good]))
    covariance = np.linalg.inv(design.T @ design) * noise
    _, by_row, by_column, curve = (float(value) for value in solution)
    if curve >= 0:  # flat, or no beam at all
        return (0.0, 0.0, float("inf")), (0.0, 0.0, 0.0), response
    bend = float(np.sqrt(covariance[3, 3]))
    beam = (-by_row / (2 * curve), -by_column / (2 * curve), float(np.sqrt(-2 / curve)))
    tilt = [float(np.sqrt(covariance[i, i])) / (2 * -curve) for i in (1, 2)]
    sigma = tuple(float(np.hypot(tilt[i], beam[i] * bend / curve)) for i in (0, 1))
    return beam, (*sigma, beam[2] * bend / (2 * -curve)), response


def _smooth(level: RealArray, usable: RealArray) -> RealArray:
    """What the beam should be everywhere, from the pixels that see it."""
    if not np.any(usable):
        return level
    size = len(level)
    axis = np.arange(size) - size // 2.0
    row, column = np.meshgrid(axis, axis, indexing="ij")
    basis = np.stack([np.ones_like(row), row, column, row**2 + column**2], -1)
    solution, *_ = np.linalg.lstsq(basis[usable], np.log(level[usable]), rcond=None)
    smooth: RealArray = np.exp(basis @ solution)
    return smooth
