"""The C handle of an open device: kept open while it is used, refused after close and fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from driver.errors import ClosedDeviceError, ForkedDeviceError
from driver.library import check, lib

__all__ = ["Handle"]


class Handle:
    """An ``odev_device *`` that many threads may use and one of them close."""

    def __init__(self, handle: Any, serial: str) -> None:
        self._handle = handle
        self._serial = serial
        self._process = os.getpid()
        self._guard = threading.Condition()
        self._users = 0

    @property
    def closed(self) -> bool:
        """Whether it has been closed, or belongs to a parent process."""
        return not self.owned

    @property
    def owned(self) -> bool:
        """Whether it is open and this process's to close."""
        return self._handle is not None and os.getpid() == self._process

    @contextmanager
    def use(self) -> Iterator[Any]:
        """The pointer, valid inside the block.

        Raises
        ------
        ClosedDeviceError, ForkedDeviceError
        """
        self._check_process()
        with self._guard:
            if self._handle is None:
                raise ClosedDeviceError(f"device {self._serial} is closed; open it again")
            self._users += 1
            handle = self._handle
        try:
            yield handle
        finally:
            with self._guard:
                self._users -= 1
                self._guard.notify_all()

    def close(self) -> None:
        """Wait for whoever uses it, then free it.

        Raises
        ------
        ClosedDeviceError, ForkedDeviceError
        """
        self._check_process()
        with self._guard:
            if self._handle is None:
                raise ClosedDeviceError(f"device {self._serial} is closed already")
            handle, self._handle = self._handle, None
            while self._users:
                self._guard.wait()
        check(lib.odev_close(handle))

    def _check_process(self) -> None:
        """In a forked child neither the guard nor the count of users can be trusted: don't wait."""
        if os.getpid() != self._process:
            self._handle = None
            raise ForkedDeviceError(
                f"device {self._serial} was opened before a fork; open it again in this process"
            )
