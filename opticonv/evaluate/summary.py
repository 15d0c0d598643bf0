"""What one reads off a table of judgements: means by method, and what light costs or gains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from nn.judging import Interval, crossed_interval, paired_interval
from opticonv.evaluate.table import MEASURES, EvaluationTable, Judgement, Measure

__all__ = ["Difference", "MethodSummary", "differences", "summaries"]


@dataclass(frozen=True)
class MethodSummary:
    """Means of one method over the pictures of a set, and over its devices.

    Attributes
    ----------
    set_name, method : str
    kind : "baseline", "electronic" or "optical"
    weights : str or None
    matched : "input", "truth" or None
    seeds : tuple of int
        Devices of an optical method.
    pictures : int
    means : dict
        By measure; None: not measured of every picture.
    """

    set_name: str
    method: str
    kind: Literal["baseline", "electronic", "optical"]
    weights: str | None
    matched: Literal["input", "truth"] | None
    seeds: tuple[int, ...]
    pictures: int
    means: dict[Measure, float | None]


def summaries(table: EvaluationTable, set_name: str) -> tuple[MethodSummary, ...]:
    """Means of each method on a set: baselines first, then each network's rows together."""
    found = [_summary(table.of(set_name, method)) for method in table.methods(set_name)]
    order = {"baseline": 0, "electronic": 1, "optical": 2}
    variants = {None: 0, "input": 1, "truth": 2}
    weights = list(dict.fromkeys(summary.weights for summary in found))

    def place(summary: MethodSummary) -> tuple[int, int, int, int]:
        network = 0 if summary.weights is None else 1
        return (
            network,
            weights.index(summary.weights),
            variants[summary.matched],
            order[summary.kind],
        )

    return tuple(sorted(found, key=place))


def _summary(rows: Sequence[Judgement]) -> MethodSummary:
    first = rows[0]
    means: dict[Measure, float | None] = {}
    for measure in MEASURES:
        values = [getattr(row, measure) for row in rows]
        means[measure] = None if None in values else fmean(values)
    return MethodSummary(
        set_name=first.set_name,
        method=first.method,
        kind=first.kind,
        weights=first.weights,
        matched=first.matched,
        seeds=tuple(sorted({row.seed for row in rows if row.seed is not None})),
        pictures=len({row.picture for row in rows}),
        means=means,
    )


@dataclass(frozen=True)
class Difference:
    """Optical minus electronic of one network on one set, in one measure.

    Attributes
    ----------
    set_name : str
    weights : str
    matched : "input", "truth" or None
    measure : str
    interval : Interval
        Of one device: Student's t over pictures.  Of several: over pictures and devices.
    bootstrap : Interval
        BCa over pictures, of the mean over the devices.
    """

    set_name: str
    weights: str
    matched: Literal["input", "truth"] | None
    measure: Measure
    interval: Interval
    bootstrap: Interval


def differences(
    table: EvaluationTable, set_name: str, measures: Sequence[Measure] = MEASURES
) -> tuple[Difference, ...]:
    """Optical minus electronic, picture by picture, of each network that was judged as both.

    Pictures that one of the two, or one of the devices, hasn't been judged on are left out.  There
    is no difference where a figure wasn't measured, is infinite, or fewer than two pictures remain.
    """
    rows = [row for row in table.judgements if row.set_name == set_name]
    networks = dict.fromkeys((r.weights, r.matched) for r in rows if r.kind == "optical")
    found = []
    for weights, matched in networks:
        own = [row for row in rows if (row.weights, row.matched) == (weights, matched)]
        for measure in measures:
            grid = _grid(own, measure)
            if grid is None or weights is None:
                continue
            several = len(grid) > 1
            found.append(
                Difference(
                    set_name,
                    weights,
                    matched,
                    measure,
                    crossed_interval(grid) if several else paired_interval(grid[0]),
                    paired_interval(grid.mean(axis=0), method="bca"),
                )
            )
    return tuple(found)


def _grid(rows: Sequence[Judgement], measure: Measure) -> np.ndarray | None:
    """Optical minus electronic, (devices, pictures); None where there's no difference to take."""
    electronic = {r.picture: getattr(r, measure) for r in rows if r.kind == "electronic"}
    optical: dict[int | None, dict[str, float | None]] = {}
    for row in rows:
        if row.kind == "optical":
            optical.setdefault(row.seed, {})[row.picture] = getattr(row, measure)
    shared = [
        picture
        for picture in electronic
        if optical and all(picture in device for device in optical.values())
    ]
    values = [
        (device[picture], electronic[picture]) for device in optical.values() for picture in shared
    ]
    if len(shared) < 2 or any(v is None or not math.isfinite(v) for pair in values for v in pair):
        return None
    light, host = np.array(values, dtype=np.float64).reshape(len(optical), len(shared), 2).T
    return np.ascontiguousarray((light - host).T)
