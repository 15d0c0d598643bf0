"""Photon transfer: system gain, linearity and saturation of the camera (EMVA 1288, 4.0).

The reference beam alone lights the camera at a ladder of exposures.  Half the variance of the
difference of two images of a pair, against their mean above black, is a straight line whose slope
is the inverse system gain; the mean against exposure time is another, whose bend is the
non-linearity.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.report import Check, Findings, Line, Panel, Value, judged

__all__ = ["run"]

FRACTIONS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Mean signals of the ladder, of the range up to saturation."""
PAIRS = 8
NO_SHOT_NOISE = 1e-6
"""Slope of variance over mean [DN] below which a camera has no shot noise to tell a gain by."""


def run(bench: Bench) -> Findings:
    """Measure gain and saturation; sets `gain_e_per_dn` and `saturation_dn`."""
    info = bench.info
    bench.saturation_dn, saturation_sigma = _saturation(bench)
    exposure = _ladder(bench)
    mean, variance, sigma = (
        np.array(part) for part in zip(*map(_pairs, [bench] * len(exposure), exposure), strict=True)
    )
    read_sigma = bench.dark_variance_dn2 * np.sqrt(2 / 63 / bench.black_dn.size)
    slope, slope_sigma, offset = _line(
        np.append(0.0, mean),
        np.append(bench.dark_variance_dn2, variance),
        np.append(read_sigma, sigma),
    )
    has_shot_noise = slope > NO_SHOT_NOISE
    bench.gain_e_per_dn = 1 / slope if has_shot_noise else info.nominal.gain_e_per_dn
    gain_sigma = slope_sigma / slope**2 if has_shot_noise else 0.0
    noise_e = bench.read_noise_dn * bench.gain_e_per_dn
    noise_sigma = noise_e * np.hypot(
        gain_sigma / bench.gain_e_per_dn,
        read_sigma / (2 * bench.dark_variance_dn2) if bench.dark_variance_dn2 else 0.0,
    )
    rate = float(np.sum(mean * exposure) / np.sum(exposure**2))
    bend = (mean - rate * exposure) / mean.max()
    checks = [
        Check(
            "gain off its data sheet by",
            100 * abs(bench.gain_e_per_dn / info.nominal.gain_e_per_dn - 1),
            15,
            50,
            "%",
        ),
        Check("non-linearity", 100 * float(np.max(np.abs(bend))), 0.5, 3, "% of full scale"),
    ]
    verdict, reason = judged(checks)
    fitted = offset + slope * mean
    return Findings(
        values=(
            Value("system gain", "e-/DN", bench.gain_e_per_dn, gain_sigma),
            Value("read noise", "e-", noise_e, noise_sigma),
            Value("saturation", "DN", bench.saturation_dn, saturation_sigma),
            Value("non-linearity", "of full scale", float(np.max(np.abs(bend))), 0.0),
        ),
        plots=(
            Panel(
                "Photon transfer",
                "mean above black [DN]",
                "temporal variance [DN²]",
                (
                    Line("pairs", mean, variance, sigma, points=True),
                    Line(f"1 / ({bench.gain_e_per_dn:.2f} e-/DN)", mean, fitted),
                ),
            ),
            Panel(
                "Linearity",
                "exposure [µs]",
                "off the straight line [% of full scale]",
                (Line("mean of all pixels", exposure, 100 * bend, points=True),),
            ),
        ),
        verdict=verdict,
        reason=reason,
    )


def _saturation(bench: Bench) -> tuple[float, float]:
    """Counts from here on are saturated [DN], and its sigma; inf when twice the light gives more.

    An overexposed frame is flat at the full well or the end of the ADC, whichever comes first, to
    within the rounding to whole DN.
    """
    longest = bench.info.timing.exposure_range_us[1]
    half, whole = (
        float(
            np.median(
                bench.device.expose(bench.heaters_off(1), reference="only", exposure_us=exposure)
            )
        )
        for exposure in (longest / 2, longest)
    )
    if whole > half + 1.0:
        return float("inf"), 0.0
    return whole - 0.5, 12**-0.5


def _ladder(bench: Bench) -> RealArray:
    """Exposures [us] at which the beam takes the camera to `FRACTIONS` of its range."""
    timing = bench.info.timing
    black = float(np.mean(bench.black_dn))
    image = bench.device.expose(bench.heaters_off(2), reference="only").astype(np.float64)
    level = max(float(np.mean(image)) - black, 1e-3)
    brightest = float(np.percentile(image.mean((0, 1)), 99.9)) - black
    room = bench.saturation_dn if np.isfinite(bench.saturation_dn) else black + 10 * level
    top = (room - black) * min(level / max(brightest, 1e-9), 1.0)
    wanted = timing.exposure_us * np.array(FRACTIONS) * top / level
    return np.unique(np.clip(np.round(wanted, 3), *timing.exposure_range_us))


def _pairs(bench: Bench, exposure_us: float) -> tuple[float, float, float]:
    """Mean above black, temporal variance, and the variance's sigma at one exposure."""
    images = bench.device.expose(
        bench.heaters_off(2 * PAIRS), reference="only", exposure_us=float(exposure_us)
    )[:, 0].astype(np.float64)
    difference = images[0::2] - images[1::2]
    # Laser noise moves a whole frame: taken out with the frame's mean, before the variance.
    difference -= difference.mean(axis=(1, 2), keepdims=True)
    variance = float(np.mean(difference**2)) / 2 * (1 + 1 / difference[0].size)
    level = np.maximum(images.mean(0) - bench.black_dn, 0)
    mean = float(np.mean(level))
    # Of n Gaussian squares; a pixel's variance goes with its light, which is not the same for all.
    uneven = float(np.mean(level**2)) / max(mean, 1e-9) ** 2
    sigma = variance * float(np.sqrt(2 / difference.size * uneven))
    return mean, variance, max(sigma, 1e-12)


def _line(x: RealArray, y: RealArray, sigma: RealArray) -> tuple[float, float, float]:
    """Weighted straight line through points: slope, its sigma, and offset."""
    design = np.stack([x, np.ones_like(x)], 1) / np.maximum(sigma, 1e-12)[:, None]
    solution, *_ = np.linalg.lstsq(design, y / np.maximum(sigma, 1e-12), rcond=None)
    covariance = np.linalg.pinv(design.T @ design)
    return float(solution[0]), float(np.sqrt(covariance[0, 0])), float(solution[1])
