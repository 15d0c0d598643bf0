"""The C handle of an open device: kept open while it is used, refused after close and fork.

Ctrl-C raises its exception between any two steps of the main thread.  What is kept here is kept so
that such an exception leaves at worst an entry of its own thread behind, which `close` passes over.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Any

from driver.errors import ClosedDeviceError, ForkedDeviceError
from driver.flights import Flights
from driver.library import check, lib
from driver.watcher import Watcher

__all__ = ["Handle"]

LONG_S = 0.1
"""A job that is expected to take longer never runs on the main thread [s]: Ctrl-C would wait."""


class Handle:
    """An ``odev_device *`` that many threads may use and one of them close.

    Attributes
    ----------
    flights : Flights
        The device's asynchronous jobs.
    watcher : Watcher
        Waits for those with callbacks.
    frame_s : float
        What a frame of the last job took [s]; before the first one, more than of most devices.
    """

    def __init__(self, handle: Any, serial: str) -> None:
        self._handle = handle
        self._serial = serial
        self._process = os.getpid()
        self._guard = threading.Condition()
        self._users: dict[int, int] = {}
        self._closing = False
        self.flights = Flights()
        self.watcher = Watcher()
        self.frame_s = 0.01

    @property
    def closed(self) -> bool:
        """Whether it has been closed, or belongs to a parent process."""
        return not self.owned

    @property
    def owned(self) -> bool:
        """Whether it is open and this process's to close."""
        return self._handle is not None and not self._closing and os.getpid() == self._process

    @property
    def alone(self) -> bool:
        """Whether nobody else is known to use the device now."""
        if self.flights:
            self.flights.sweep()
        return not self.flights and not self._others()

    def looks_short(self, frames: int) -> bool:
        """Whether a job of so many frames may run on the main thread, by the last job's pace."""
        return frames * self.frame_s < LONG_S

    def use(self) -> Use:
        """A context whose value is the pointer, valid inside it.

        Raises
        ------
        ClosedDeviceError, ForkedDeviceError
        """
        return Use(self, even_closing=False)

    def use_even_closing(self) -> Use:
        """The same while `close` waits: for who waits for a job that close waits for."""
        return Use(self, even_closing=True)

    def close(self, *, abort: bool = False) -> None:
        """Wait for whoever uses it and for all jobs, then free it.

        Interrupted by an exception such as Ctrl-C's, it aborts what is left, frees the device all
        the same and raises it then.

        Parameters
        ----------
        abort : bool
            Abort the jobs first: none begins, and the running one ends before its next block.

        Raises
        ------
        ClosedDeviceError, ForkedDeviceError
        """
        self.check_process()
        if not self.claim():
            raise ClosedDeviceError(f"device {self._serial} is closed already")
        self.close_claimed(abort=abort)

    def claim(self) -> bool:
        """Promise to close it: whether it is open, this process's, and nobody else has."""
        if os.getpid() != self._process:
            return False
        with self._guard:
            claimed, self._closing = self.owned, True
            return claimed

    def close_claimed(self, *, abort: bool) -> None:
        """What `close` does, for who has made the promise."""
        interrupted: BaseException | None = None
        while True:
            try:
                if abort or interrupted is not None:
                    check(lib.odev_abort_all(self._handle))
                self.flights.land_all()
                with self._guard:
                    while self._others():
                        self._guard.wait()
                self.flights.land_all()  # those that another thread was just submitting
                break
            except BaseException as error:
                interrupted = error
        handle, self._handle = self._handle, None
        self.flights.clear()
        check(lib.odev_close(handle))
        if interrupted is not None:
            raise interrupted

    def check_process(self) -> None:
        """In a forked child neither the guard nor the users can be trusted: don't wait.

        Raises
        ------
        ForkedDeviceError
        """
        if os.getpid() != self._process:
            self._handle = None
            raise ForkedDeviceError(
                f"device {self._serial} was opened before a fork; open it again in this process"
            )

    def _others(self) -> bool:
        """Whether another thread is inside a `use`; this one can't be, whatever its entry says."""
        own = threading.get_ident()
        return any(depth and ident != own for ident, depth in list(self._users.items()))


class Use:
    """The context of `Handle.use`."""

    __slots__ = ("_before", "_even_closing", "_handle")

    def __init__(self, handle: Handle, *, even_closing: bool) -> None:
        self._handle = handle
        self._even_closing = even_closing

    def __enter__(self) -> Any:
        handle = self._handle
        handle.check_process()
        with handle._guard:
            if handle._handle is None or (handle._closing and not self._even_closing):
                raise ClosedDeviceError(f"device {handle._serial} is closed; open it again")
            self._before = handle._users.get(threading.get_ident(), 0)
            handle._users[threading.get_ident()] = self._before + 1
            return handle._handle

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        handle = self._handle
        with handle._guard:
            if self._before:
                handle._users[threading.get_ident()] = self._before
            else:
                handle._users.pop(threading.get_ident(), None)
            if handle._closing:
                handle._guard.notify_all()
