"""Ctrl-C, and a terminating signal: an end after the step under way, with nothing lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["InterruptedRunError", "StopRequest"]


class InterruptedRunError(Exception):
    """A run was asked to end, and has saved where it stands.

    Attributes
    ----------
    checkpoint : Path
    """

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(f"interrupted; what was trained is kept in {checkpoint}")
        self.checkpoint = checkpoint


class StopRequest:
    """Whether somebody has asked the run to end."""

    def __init__(self) -> None:
        self.is_made = False
        self._before: dict[signal.Signals, Any] = {}

    def agreed(self, trainer: Any) -> bool:
        """Whether any process was asked; all processes must ask this at the same step."""
        if trainer.world_size == 1:
            return self.is_made
        return bool(trainer.strategy.reduce_boolean_decision(self.is_made, all=False))

    def listen(self) -> None:
        """Take the next SIGINT or SIGTERM as this request, within `listening`.

        Lightning puts a handler of its own in place when training begins, which talks to the other
        processes at once, amid whatever they are doing: one process that is asked alone would wait
        forever.  `agreed` asks them between two steps instead.
        """
        for number in self._before:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_made = True
        signal.signal(number, self._before[signal.Signals(number)])

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the first SIGINT or SIGTERM as a request; a second one acts as it always does."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        self._before = {
            number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
        }
        self.listen()
        try:
            yield
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            self._before = {}
