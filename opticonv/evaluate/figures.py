"""How figures are headed and written, on the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from nn.judging import Interval
from opticonv.evaluate.summary import Difference, MethodSummary
from opticonv.evaluate.table import Measure

__all__ = [
    "COLUMNS",
    "Column",
    "basis",
    "best_of",
    "compared",
    "difference_text",
    "figure",
    "interval_text",
]


@dataclass(frozen=True)
class Column:
    """Heading of a measure, its unit, its digits behind the point, and whether more is better."""

    heading: str
    unit: str
    digits: int
    more_is_better: bool

    @property
    def with_unit(self) -> str:
        """Such as "PSNR RGB (dB)"."""
        return f"{self.heading} ({self.unit})" if self.unit else self.heading


COLUMNS: dict[Measure, Column] = {
    "psnr_rgb_db": Column("PSNR RGB", "dB", 2, True),
    "psnr_y_db": Column("PSNR Y", "dB", 2, True),
    "ssim_rgb": Column("SSIM RGB", "", 4, True),
    "ssim_y": Column("SSIM Y", "", 4, True),
    "perceptual": Column("VGG distance", "", 4, False),
    "delta_e2000": Column("ΔE2000", "", 2, False),
}


def figure(measure: Measure, value: float | None) -> str:
    """A figure as a table shows it."""
    if value is None:
        return "not measured"
    return "∞" if math.isinf(value) else f"{value:.{COLUMNS[measure].digits}f}"


def difference_text(measure: Measure, value: float) -> str:
    """A difference of two figures, with its sign and one digit more than one of them."""
    return f"{value:+.{COLUMNS[measure].digits + 1}f}"


def interval_text(measure: Measure, interval: Interval) -> str:
    """Both limits of an interval."""
    low, high = (difference_text(measure, value) for value in (interval.low, interval.high))
    return f"[{low}, {high}]"


def best_of(summaries: Iterable[MethodSummary]) -> dict[Measure, float]:
    """The best mean of each measure among methods that aren't told the truth."""
    best: dict[Measure, float] = {}
    for measure, column in COLUMNS.items():
        values = [
            value
            for summary in summaries
            if summary.matched != "truth" and (value := summary.means[measure]) is not None
        ]
        if values:
            best[measure] = max(values) if column.more_is_better else min(values)
    return best


def compared(difference: Difference) -> str:
    """Which network a difference is of, in words."""
    matched = "" if difference.matched is None else f", matched to {difference.matched}"
    return difference.weights + matched


def basis(interval: Interval) -> str:
    """What an interval rests on, in words."""
    devices = "1 device" if interval.devices == 1 else f"{interval.devices} devices"
    return f"{interval.pictures} pictures, {devices}"
