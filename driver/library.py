"""The C library as Python sees it, and the one place where its statuses become errors."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from driver import causes
from driver._optical_driver import ffi, lib
from driver.errors import DriverError, error_from_code

__all__ = ["check", "error_of", "ffi", "lib", "pointer", "struct", "throw"]


def error_of(status: int) -> DriverError:
    """The error that a status other than ``ODEV_OK`` stands for, with the library's message.

    An exception in a backend written in Python is its cause; a `DriverError` of such a backend is
    what it is.
    """
    message = ffi.string(lib.odev_last_message()).decode(errors="replace")
    native_code, cause = lib.odev_last_native_code(), causes.take(lib.odev_last_cause())
    if isinstance(cause, DriverError):
        return cause
    error = error_from_code(status, message, native_code=native_code)
    error.__cause__ = cause
    return error


def throw(error: DriverError) -> NoReturn:
    """Raise an error; Ctrl-C in a backend that is written in Python as what it is."""
    cause = error.__cause__
    if cause is not None and not isinstance(cause, Exception):
        raise cause
    raise error


def check(status: int) -> None:
    """Raise the error that a status stands for (`error_of`); nothing on success."""
    if status != lib.ODEV_OK:
        throw(error_of(status))


def struct(kind: str, **fields: Any) -> Any:
    """A new C struct with ``struct_size`` and the given fields set."""
    pointer_type, size = _type_of(kind)
    return ffi.new(pointer_type, {"struct_size": size, **fields})


@cache
def _type_of(kind: str) -> tuple[Any, int]:
    return ffi.typeof(f"{kind} *"), ffi.sizeof(kind)


def pointer(array: NDArray[Any], dtype: Any, kind: str) -> Any:
    """A C pointer into a contiguous array, whose dtype must be exactly `dtype`.

    cffi would read any buffer as whatever the pointer says; this is where that is kept from
    happening.
    """
    if array.dtype != dtype or not array.flags.c_contiguous:
        raise AssertionError(f"expected contiguous {np.dtype(dtype)}, got {array.dtype}")
    return ffi.cast(kind, ffi.from_buffer(array, require_writable=False))
