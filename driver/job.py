"""A checked job, ready for C: what `expose` and `transform` run and `submit_…` submits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from driver.library import lib

__all__ = ["Job"]


@dataclass(frozen=True, slots=True)
class Job:
    """One C job with the arrays that it points into.

    Attributes
    ----------
    kind : {"expose", "transform"}
        Which of the C library's jobs it is.
    data
        ``odev_expose_job`` or ``odev_transform_job``.
    kept : tuple
        Arrays that `data` points into.
    frames : int
        Frames that it will expose, without pilots and retries; 0: there is nothing to do.
    finish : callable
        What the caller gets once the job is done.
    """

    kind: str
    data: Any
    kept: tuple[Any, ...]
    frames: int
    finish: Callable[[], Any]

    def run(self, device: Any, result: Any) -> int:
        """``odev_run_…``: its status."""
        runs = {"expose": lib.odev_run_expose, "transform": lib.odev_run_transform}
        return int(runs[self.kind](device, self.data, result))

    def submit(self, device: Any, ticket: Any) -> int:
        """``odev_submit_…``: its status."""
        submits = {"expose": lib.odev_submit_expose, "transform": lib.odev_submit_transform}
        return int(submits[self.kind](device, self.data, ticket))
