"""Ctrl-C between readings, and not in the middle of drawing one."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType

__all__ = ["Rest"]


class Rest:
    """Inside its ``with`` block, Ctrl-C raises KeyboardInterrupt where `for_s` is called.

    A terminal that is interrupted while it is written to is left with half a character.  A second
    Ctrl-C comes through anywhere: the terminal may be what hangs.
    """

    def __init__(self) -> None:
        self._resting = self._asked = False
        self._in_main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Rest:
        if self._in_main:
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._in_main:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._resting or self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def for_s(self, seconds: float) -> None:
        """Rest, unless Ctrl-C has come or comes meanwhile."""
        self._resting = True
        try:
            if self._asked:
                raise KeyboardInterrupt
            time.sleep(seconds)
        finally:
            self._resting = False
