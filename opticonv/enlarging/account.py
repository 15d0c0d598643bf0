"""What an enlargement took, and what a whole run did, in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import add

from opticonv.console import count
from opticonv.enlarging.jobs import Job
from opticonv.metering import Cost

__all__ = ["Account", "Done"]


@dataclass(frozen=True)
class Done:
    """One result: sizes (height, width), time on this host [s], and by light the device's cost."""

    job: Job
    size: tuple[int, int]
    scale: int
    host_time_s: float
    cost: Cost | None = None
    notes: tuple[str, ...] = ()

    def line(self) -> str:
        """What was written, from what, and what it took."""
        height, width = self.size
        size = f"{width}×{height} → {self.scale * width}×{self.scale * height}"
        spent = (
            f"electronic, {self.host_time_s:.1f} s"
            if self.cost is None
            else f"optical, {_spent(self.cost)}"
        )
        return f"{self.job.target}: {'; '.join((f'{size}, {spent}', *self.notes))}"


def _spent(cost: Cost) -> str:
    told = (
        f"{count(cost.frames)} frames, device time {cost.device_time_s:.1f} s, "
        f"host time {cost.host_time_s:.1f} s, energy {count(cost.energy_j)} J"
    )
    if cost.retries:
        told += f"; {count(cost.retries)} frames saturated and were repeated with less light"
    if cost.saturations:
        told += f"; {count(cost.saturations)} bins stayed saturated"
    if cost.faults:
        told += f"; {count(cost.faults)} jobs failed"
    return told


@dataclass
class Account:
    """What a run did: results, those that were there before, and what failed."""

    done: list[Done] = field(default_factory=list)
    skipped: list[Job] = field(default_factory=list)
    failed: dict[Job, str] = field(default_factory=dict)

    def summary(self) -> str:
        """The whole run in one line or two."""
        told = f"{len(self.done)} written"
        if self.skipped:
            told += f", {len(self.skipped)} already there (--overwrite makes them anew)"
        if self.failed:
            told += f", {len(self.failed)} failed"
        costs = [done.cost for done in self.done if done.cost is not None]
        if costs:
            told += f"; optical: {_spent(reduce(add, costs))}"
        electronic = [done.host_time_s for done in self.done if done.cost is None]
        if electronic:
            told += f"; electronic: {sum(electronic):.1f} s"
        return told
