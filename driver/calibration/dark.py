"""Camera in the dark: black level, read noise, dark current and their outliers (EMVA 1288, 4.0).

Dark images at the default exposure give every pixel's black level, dark signal included, and the
temporal noise; images at a long exposure then give the dark current of every pixel.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.report import Check, Findings, Histogram, Picture, Value, judged

__all__ = ["run"]

FRAMES = 16
"""Of four images each."""
LONG_FRAMES = 8
LONG = 100
"""Long exposure over the default one, as far as the camera goes."""

HOT_SIGMAS = 8.0
"""Pixels whose black level or noise is further than this from the others' are hot.

In sigmas of the camera's own scatter; a Gaussian camera of 64 x 64 has none beyond 6 in 1e5.
"""


def run(bench: Bench) -> Findings:
    """Measure the dark camera; sets `black_dn`, `read_noise_dn`, `dark_variance_dn2`."""
    device, info = bench.device, bench.info
    size = info.grid[0]
    images = device.expose(bench.heaters_off(FRAMES), reference="off", laser="off")
    more = [
        device.expose(bench.heaters_off(FRAMES), reference="off", laser="off") for _ in range(3)
    ]
    dark = np.concatenate([images, *more]).astype(np.float64).reshape(-1, size, size)
    count = len(dark)
    bench.black_dn = dark.mean(0)
    variance = dark.var(0, ddof=1)
    bench.dark_variance_dn2 = float(variance.mean())
    rounding = 1 / 12 if info.adc_bits else 0.0
    read_variance = max(bench.dark_variance_dn2 - rounding, 0.0)
    bench.read_noise_dn = float(np.sqrt(read_variance))
    # The mean of n variances with (count - 1) degrees of freedom each.
    variance_sigma = bench.dark_variance_dn2 * np.sqrt(2 / (count - 1) / size**2)
    noise_sigma = variance_sigma / (2 * bench.read_noise_dn) if bench.read_noise_dn else 0.0

    exposure = info.timing.exposure_us
    long = min(LONG * exposure, info.timing.exposure_range_us[1])
    bright = device.expose(
        bench.heaters_off(LONG_FRAMES), reference="off", laser="off", exposure_us=long
    )
    bright = bright.astype(np.float64).reshape(-1, size, size)
    slope = 1e6 / max(long - exposure, 1e-9)
    current = (bright.mean(0) - bench.black_dn) * slope
    each = bench.dark_variance_dn2 * np.ones(info.grid)
    black_sigma = np.sqrt(each / count)
    shot = np.maximum(np.mean(bright.var(0, ddof=1)), bench.dark_variance_dn2)
    bench.black_sigma_dn = black_sigma
    current_sigma = slope * np.sqrt(shot / len(bright) + each / count)

    hot = _outliers(bench.black_dn) | _outliers(current) | _outliers(variance)
    bench.camera_dead |= hot
    checks = [
        Check("hot pixels", float(hot.sum()), 0, 0.01 * size**2),
        Check("read noise", bench.read_noise_dn, *_noise_limits(bench), "DN"),
    ]
    verdict, reason = judged(checks)
    return Findings(
        values=(
            Value("black level", "DN", bench.black_dn, black_sigma),
            Value("read noise", "DN", bench.read_noise_dn, noise_sigma),
            Value("dark current", "DN/s", current, current_sigma),
            Value("hot pixels", "", float(hot.sum()), 0.0),
        ),
        plots=(
            Picture("Black level", bench.black_dn, "DN"),
            Histogram(
                "Temporal noise of a pixel", "noise [DN]", (("64 images", np.sqrt(variance)),)
            ),
            Histogram("Dark current", "current [DN/s]", (("pixels", current),)),
        ),
        verdict=verdict,
        reason=reason,
    )


def _outliers(values: np.ndarray) -> np.ndarray:
    """Pixels further than `HOT_SIGMAS` robust sigmas above the median."""
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle))
    return np.asarray(values - middle > HOT_SIGMAS * spread + 1e-9)


def _noise_limits(bench: Bench) -> tuple[float, float]:
    """The data sheet's read noise with a quarter on top, and twice it [DN]."""
    nominal = bench.info.nominal
    expected = nominal.read_noise_e / nominal.gain_e_per_dn
    return 1.25 * expected + 1e-9, 2 * expected + 1e-9
