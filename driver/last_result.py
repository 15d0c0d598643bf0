"""What a thread's last job reported, kept for that thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from driver.result import JobResult, one_result

__all__ = ["LastResult"]


class LastResult:
    """Each thread's last result, and the sum of those that are parts of one job."""

    def __init__(self) -> None:
        self._local = threading.local()

    @property
    def value(self) -> JobResult | None:
        """The calling thread's."""
        return getattr(self._local, "result", None)

    def note(self, result: JobResult) -> None:
        """Keep a result as this thread's last, and for the job that it is part of."""
        self._local.result = result
        parts = getattr(self._local, "parts", None)
        if parts is not None:
            parts.append(result)

    @contextmanager
    def one_job(self) -> Iterator[list[JobResult]]:
        """Sum up what this thread notes inside; gives the list of it."""
        parts: list[JobResult] = []
        self._local.parts = parts
        try:
            yield parts
        finally:
            self._local.parts = None
            if parts:
                self._local.result = one_result(parts)
