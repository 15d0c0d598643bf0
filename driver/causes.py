"""Exceptions on their way from a backend written in Python, through C, to whoever asked for a job.

C carries a number for each (``odev_report.cause``, ``odev_last_cause``).
"""

from __future__ import annotations

import threading
from itertools import count

__all__ = ["keep", "take"]

MOST = 64
"""Exceptions kept at a time: those of jobs that nobody waits for are forgotten, oldest first."""

_kept: dict[int, BaseException] = {}
_numbers = count(1)
_lock = threading.Lock()


def keep(error: BaseException) -> int:
    """Keep an exception; its number, never 0."""
    with _lock:
        number = next(_numbers)
        _kept[number] = error
        while len(_kept) > MOST:
            del _kept[next(iter(_kept))]
    return number


def take(number: int) -> BaseException | None:
    """The exception of a number, once; None if there is none."""
    with _lock:
        return _kept.pop(number, None)
