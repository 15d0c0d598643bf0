"""Timing in turn: round by round, so that other load falls on all that is compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

__all__ = ["in_turn", "median_ratio", "medians"]

Seconds = Mapping[str, Sequence[float]]


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every work in every round, after one call each that is not counted."""
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def medians(seconds: Seconds) -> dict[str, float]:
    """Each work's median over the rounds [s]."""
    return {name: statistics.median(column) for name, column in seconds.items()}


def median_ratio(seconds: Seconds, slow: str, fast: str) -> float:
    """Median over the rounds of one work's time over another's."""
    return statistics.median(s / f for s, f in zip(seconds[slow], seconds[fast], strict=True))
