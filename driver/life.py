"""How an open device is closed: by hand, by ``with``, by the garbage collector, at the end of all.

A device left open is warned about and closed, at the latest when the interpreter ends: C's threads
would otherwise go on writing into arrays whose interpreter is gone.
"""

from __future__ import annotations

import warnings
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from driver.handle import Handle

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DeviceLife"]


class DeviceLife:
    """Owns a handle, and closes it once."""

    def __init__(self, handle: Any, serial: str) -> None:
        self._serial = serial
        self._handle = Handle(handle, serial)
        # Once, when it is collected or else when the interpreter ends, whichever thread sees to it.
        weakref.finalize(self, _close_left_open, self._handle, serial)

    def close(self) -> None:
        """Wait for all jobs, also those that are only submitted, and free the device.

        Raises
        ------
        ClosedDeviceError
            It was closed before.
        ForkedDeviceError
            It belongs to the parent process.
        """
        self._handle.close()

    @property
    def closed(self) -> bool:
        """Whether the device has been closed, or belongs to the parent of this process."""
        return self._handle.closed

    def __enter__(self) -> Self:
        with self._handle.use():  # raises if it is closed
            return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.closed:
            self._handle.close(abort=kind is not None)

    def __copy__(self) -> Self:
        return self  # there is one device, however many layers refer to it

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"device {self._serial} cannot be pickled: it belongs to the process that opened it; "
            "open it there by its URI"
        )


def _close_left_open(handle: Handle, serial: str) -> None:
    if not handle.claim():  # it was closed, or is the parent's
        return
    try:
        warnings.warn(f"device {serial} was left open", ResourceWarning, stacklevel=3)
    finally:  # the warning may have been made an error
        handle.close_claimed(abort=True)
