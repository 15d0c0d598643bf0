"""Ctrl-C, and a terminating signal: an end after the step under way, with nothing lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["InterruptedRunError", "StopRequest", "listening"]


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

    def agreed(self, trainer: Any) -> bool:
        """Whether any process was asked; all processes must ask this at the same step."""
        if trainer.world_size == 1:
            return self.is_made
        return bool(trainer.strategy.reduce_boolean_decision(self.is_made, all=False))


@contextmanager
def listening(request: StopRequest) -> Iterator[None]:
    """Take the first SIGINT or SIGTERM as a request; a second one acts as it always does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        request.is_made = True
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
