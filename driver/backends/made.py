"""A backend before it is opened: the C table, its context, and the data sheet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from driver.backends.data_sheet import info_from_c
from driver.errors import DriverError, ErrorCode
from driver.info import DeviceInfo
from driver.library import check, ffi, lib, struct

__all__ = ["Made", "OpenedDevice", "as_told", "make_from_c", "open_made"]


@dataclass(frozen=True)
class OpenedDevice:
    """An ``odev_device *`` and its data sheet.  There is no way back to the device's truth."""

    handle: Any
    info: DeviceInfo


@dataclass
class Made:
    """A backend for `open_made`, or for a wrapper around it; its context is whoever's it goes to.

    Attributes
    ----------
    backend, context
        ``odev_backend *`` and ``void *``.
    info : DeviceInfo
        The data sheet.
    settings
        Parameters to set once the device is open, by their number in C.
    """

    backend: Any
    context: Any
    info: DeviceInfo
    settings: dict[int, float] = field(default_factory=dict)

    def close(self) -> None:
        """Give the context back, unopened."""
        self.backend.close(self.context)


def as_told(info: DeviceInfo, backend: Any, context: Any) -> DeviceInfo:
    """A data sheet with what a backend says of itself, which wins.

    Raises
    ------
    BackendError
        It says nothing.
    """
    caps = struct("odev_caps")
    check(backend.get_caps(context, caps))
    serial = ffi.string(caps.serial).decode(errors="replace")
    return replace(info, serial=serial, reproducible=bool(caps.reproducible))


def make_from_c(uri: bytes) -> Made:
    """The backend that the C library makes of a URI, with the data sheet that it tells."""
    backend, context = ffi.new("odev_backend *"), ffi.new("void **")
    check(lib.odev_make_backend(uri, backend, context))
    return made_of_table(backend, context[0])


def made_of_table(backend: Any, context: Any) -> Made:
    """A made backend whose data sheet comes from C."""
    try:
        return Made(backend, context, info_from_c(backend, context))
    except DriverError:
        backend.close(context)
        raise


def open_made(made: Made) -> OpenedDevice:
    """Open a device on a backend.

    Raises
    ------
    BackendError
        Its capabilities make no sense.
    """
    handle = ffi.new("odev_device **")
    status = lib.odev_open_backend(made.backend, made.context, handle)
    try:
        check(status)
    except DriverError as error:
        if error.code == ErrorCode.ODEV_ERR_ARGUMENT:
            made.close()  # it was not touched
        raise
    try:
        for number, value in made.settings.items():
            check(lib.odev_set_param(handle[0], number, value))
        return OpenedDevice(handle[0], as_told(made.info, made.backend, made.context))
    except DriverError:
        check(lib.odev_close(handle[0]))
        raise
