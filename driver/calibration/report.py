"""What a calibration routine hands back: values with uncertainties, plots, a verdict, its cost.

Plots are data here; :mod:`driver.calibration.drawing` puts them on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from driver.calibration.calibration import RealArray

__all__ = [
    "Check",
    "Findings",
    "Histogram",
    "Line",
    "Panel",
    "Picture",
    "Plot",
    "RoutineReport",
    "Value",
    "Verdict",
    "judged",
    "number",
    "report_lines",
]

Verdict: TypeAlias = Literal["pass", "degraded", "failed"]
"""pass: as the data sheet promises; degraded: usable, but worse; failed: don't compute with it."""


FEW = 8
"""Numbers that are listed one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A measured quantity, one number or one of each pixel, with its standard uncertainty."""

    name: str
    unit: str
    value: Any
    """float or real array."""
    sigma: Any
    """Standard uncertainty, from the fit's covariance and residuals; of the value's shape."""

    @property
    def typical(self) -> float:
        """The value, or the median over pixels."""
        return float(np.median(self.value))

    @property
    def typical_sigma(self) -> float:
        """Its uncertainty, or the median of the pixels'."""
        return float(np.median(self.sigma))

    @property
    def scatter(self) -> float | None:
        """Standard deviation over pixels or steps; None for a few numbers."""
        return float(np.std(self.value)) if self.is_map else None

    @property
    def is_map(self) -> bool:
        """Whether it has a value of each pixel or step, not a few that can be read one by one."""
        return np.size(self.value) > FEW

    @property
    def value_text(self) -> str:
        """The value as a lab book writes it: the median of many, or all of a few numbers."""
        return number(self.typical) if self.is_map else _listed(self.value)

    @property
    def sigma_text(self) -> str:
        """The uncertainty likewise; empty where there is none."""
        if not np.any(self.sigma):
            return ""
        return number(self.typical_sigma) if self.is_map else _listed(self.sigma)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A curve, or points with error bars."""

    label: str
    x: RealArray
    y: RealArray
    sigma: RealArray | None = None
    points: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Curves over one axis."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    log: bool = False
    """Logarithmic y axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One value of each pixel, (N, N)."""

    title: str
    values: RealArray
    unit: str
    cyclic: bool = False
    """A phase in (-pi, pi]."""
    span: tuple[float, float] | None = None
    """Values at the ends of the colours; None: nearly all of the picture's own."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Distributions over pixels, by label."""

    title: str
    x_label: str
    samples: tuple[tuple[str, RealArray], ...]


Plot: TypeAlias = Panel | Picture | Histogram


@dataclass(frozen=True, slots=True)
class Check:
    """One criterion of a verdict: `value` above `good` is degraded, above `usable` has failed."""

    what: str
    value: float
    good: float
    usable: float
    unit: str = ""

    @property
    def verdict(self) -> Verdict:
        if not self.value <= self.usable:  # also NaN
            return "failed"
        return "pass" if self.value <= self.good else "degraded"

    @property
    def text(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        limit = self.usable if self.verdict == "failed" else self.good
        return f"{self.what} {number(self.value)}{unit} (at most {number(limit)}{unit})"


def judged(checks: Sequence[Check]) -> tuple[Verdict, str]:
    """Verdict and reason of several criteria: the worst one's, or all of them when all pass."""
    for verdict in ("failed", "degraded"):
        worse = [check.text for check in checks if check.verdict == verdict]
        if worse:
            return verdict, "; ".join(worse)
    return "pass", "; ".join(check.text for check in checks)


def _listed(values: Any) -> str:
    """Numbers one by one; one that they all share, once."""
    texts = [number(float(value)) for value in np.ravel(values)]
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def number(value: float) -> str:
    """Four digits at most, as a lab book writes it."""
    return f"{value:.4g}"


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a routine found, before its cost is known."""

    values: tuple[Value, ...]
    plots: tuple[Plot, ...]
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class RoutineReport:
    """One routine's record in the laboratory's book."""

    routine: str
    """Name, as `opticonv calibrate` takes it."""
    title: str
    verdict: Verdict
    reason: str
    """The criteria with their values and limits, or what went wrong."""
    values: tuple[Value, ...]
    plots: tuple[Plot, ...]
    frames: int
    """Frames exposed."""
    device_time_s: float
    host_time_s: float

    def value(self, name: str) -> Value:
        """The value of that name.

        Raises
        ------
        KeyError
        """
        for value in self.values:
            if value.name == name:
                return value
        raise KeyError(name)


def report_lines(report: RoutineReport) -> list[str]:
    """A report as plain text."""
    lines = [f"{report.title}: {report.verdict} ({report.reason})"]
    for value in report.values:
        spread = "" if value.scatter is None else f", scatter {number(value.scatter)}"
        unit = f" {value.unit}" if value.unit else ""
        sigma = f" ± {value.sigma_text}" if value.sigma_text else ""
        name = f"{value.name} (median)" if value.is_map else value.name
        lines.append(f"  {name}: {value.value_text}{sigma}{unit}{spread}")
    lines.append(
        f"  {report.frames} frames, {report.device_time_s:.3f} s of device time, "
        f"{report.host_time_s:.2f} s of host time"
    )
    return lines
