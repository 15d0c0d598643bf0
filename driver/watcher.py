"""A thread that waits for tickets with callbacks, so that no callback runs on a thread of C's."""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

from driver.errors import DriverError

__all__ = ["Watcher"]


class Watched(Protocol):
    """A ticket."""

    def land(self, timeout_ns: int) -> bool:
        """Wait until the job has ended, and call back."""


class Watcher:
    """Waits for one after another; the thread ends when there is none left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Watched] = deque()
        self._runs = False

    def add(self, ticket: Watched) -> None:
        """Have a ticket waited for."""
        with self._lock:
            self._waiting.append(ticket)
            start, self._runs = not self._runs, True
        if start:
            threading.Thread(target=self._run, name="opticonv-tickets", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._runs = False
                    return
                ticket = self._waiting.popleft()
            try:
                ticket.land(-1)
            except DriverError:
                continue
