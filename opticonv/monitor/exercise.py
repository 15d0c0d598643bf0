"""A small workload, so that there is something to see."""

from __future__ import annotations

import threading
import warnings
from types import TracebackType

import numpy as np

from driver import Device, DriverError, Ticket, UncalibratedWarning

__all__ = ["Exercise"]

BURST = 4
"""Jobs that are submitted at once, at most."""

ITEMS = 24
"""Random pictures transformed by each."""

PAUSE_S = 0.3
"""Device time that passes between bursts [s]: the next job then begins with a pilot frame."""

REST_S = 0.05
"""The host's rest between bursts [s]."""


class Exercise:
    """Transforms random pictures, over and over, inside a ``with`` block.

    A fault of the device does not end it: the monitor is there to show it.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="opticonv-exercise", daemon=True)

    def __enter__(self) -> Exercise:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        rng = np.random.default_rng(0)
        pictures = rng.random((ITEMS, self._device.n, self._device.n), np.float32)
        tickets: list[Ticket] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncalibratedWarning)
            while not self._stopped.wait(REST_S):
                try:
                    burst = range(rng.integers(1, BURST + 1))
                    tickets = [self._device.submit_transform(pictures) for _ in burst]
                    self._device.idle(PAUSE_S)
                except DriverError:
                    if self._device.closed:
                        break
                for ticket in tickets:
                    ticket.exception()
