"""Confidence intervals of a mean difference between two methods on the same pictures.

Differences are taken picture by picture, so that what makes one picture harder than another drops
out.  An interval speaks about the population that its units were drawn from: pictures, devices, or
both (`crossed_interval`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = ["Interval", "Method", "crossed_interval", "paired_interval"]

Method = Literal["t", "bca", "crossed"]

RESAMPLES = 9999
"""Bootstrap resamples: the limits of a 95 % interval are then good to a few per cent of its
width."""


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that covers its true value with probability `confidence`.

    Attributes
    ----------
    mean, low, high : float
        Of the differences, in their unit.
    confidence : float
    method : "t", "bca" or "crossed"
        Student's t over pictures; bias-corrected and accelerated bootstrap over pictures; or
        Student's t over pictures and devices together.
    pictures, devices : int
        How many of each it rests on.
    """

    mean: float
    low: float
    high: float
    confidence: float
    method: Method
    pictures: int
    devices: int = 1

    def excludes(self, value: float) -> bool:
        """Whether `value` lies outside."""
        return not self.low <= value <= self.high


def paired_interval(
    differences: Sequence[float] | NDArray[np.float64],
    *,
    method: Literal["t", "bca"] = "t",
    confidence: float = 0.95,
) -> Interval:
    """Interval of the mean difference over pictures like these.

    "t" is Student's (exact for normal differences, good from some ten pictures on otherwise); "bca"
    is the bias-corrected and accelerated bootstrap (Efron 1987), which follows a skewed
    distribution but is too narrow for few pictures.  Its random draws are seeded.

    Parameters
    ----------
    differences : sequence of float
        One a picture, at least 2.
    method : "t" or "bca"
    confidence : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        Fewer than 2 differences, one that is not finite, or a confidence out of range.
    """
    values = _checked(differences, 1, confidence)
    mean, count = float(values.mean()), len(values)
    if method == "bca" and np.ptp(values) > 0:
        found = stats.bootstrap(
            (values,),
            np.mean,
            confidence_level=confidence,
            n_resamples=RESAMPLES,
            method="BCa",
            random_state=np.random.default_rng(0),
        ).confidence_interval
        low, high = float(found.low), float(found.high)
    else:
        half = _half_width(values.var(ddof=1) / count, count - 1, confidence)
        low, high = mean - half, mean + half
    return Interval(mean, low, high, confidence, method, count)


def crossed_interval(differences: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Interval of the mean difference over pictures *and* devices like these.

    Every device enlarged every picture: ``d_ps = μ + picture_p + device_s + rest_ps``, all random.
    The variance of the grand mean is ``(MS_p + MS_s - MS_r) / (P S)`` from the mean squares of the
    two-way analysis of variance, its degrees of freedom are Satterthwaite's (1946).  Where the
    estimate falls below the larger of the two mean squares over ``P S``, which happens when the
    other effect is nil, that one is taken, with its own degrees of freedom.

    Parameters
    ----------
    differences : array, shape (devices, pictures)
        At least 2 of each.
    confidence : float

    Raises
    ------
    ValueError
        As for `paired_interval`.
    """
    values = _checked(differences, 2, confidence)
    devices, pictures = values.shape
    mean = float(values.mean())
    of_device = values.mean(axis=1) - mean
    of_picture = values.mean(axis=0) - mean
    rest = values - mean - of_device[:, None] - of_picture[None, :]
    freedom = np.array([pictures - 1, devices - 1, (pictures - 1) * (devices - 1)])
    squares = np.array(
        [
            devices * np.sum(of_picture**2),
            pictures * np.sum(of_device**2),
            np.sum(rest**2),
        ]
    )
    mean_squares = squares / freedom
    combined = mean_squares[0] + mean_squares[1] - mean_squares[2]
    larger = int(np.argmax(mean_squares[:2]))
    if combined > mean_squares[larger]:
        degrees = combined**2 / np.sum(mean_squares**2 / freedom)
    else:
        combined, degrees = mean_squares[larger], freedom[larger]
    half = _half_width(combined / values.size, float(degrees), confidence)
    return Interval(mean, mean - half, mean + half, confidence, "crossed", pictures, devices)


def _checked(differences: ArrayLike, axes: int, confidence: float) -> NDArray[np.float64]:
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != axes or min(values.shape, default=0) < 2:
        wanted = ("pictures",) if axes == 1 else ("devices", "pictures")
        raise ValueError(
            f"differences must be ({', '.join(wanted)}), at least 2 of each, got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError("a difference that is not finite has no interval")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    return values


def _half_width(variance: float, degrees: float, confidence: float) -> float:
    return float(stats.t.ppf(0.5 + confidence / 2.0, degrees) * np.sqrt(variance))
