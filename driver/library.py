"""The C library as Python sees it, and the one place where its statuses become errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver._optical_driver import ffi, lib
from driver.errors import DriverError, OverTemperatureError, error_from_code

__all__ = ["check", "error_of", "ffi", "lib", "pointer", "struct"]


def error_of(status: int, result: Any = None) -> DriverError:
    """The error that a status other than ``ODEV_OK`` stands for, with the library's message.

    An `OverTemperatureError` takes along the C `result` of the job that it ended.
    """
    error = error_from_code(status, ffi.string(lib.odev_last_message()).decode(errors="replace"))
    if isinstance(error, OverTemperatureError):
        error.result = result
    return error


def check(status: int, result: Any = None) -> None:
    """Raise the error that a status stands for, as `error_of` makes it; nothing on success."""
    if status != lib.ODEV_OK:
        raise error_of(status, result)


def struct(kind: str, **fields: Any) -> Any:
    """A new C struct with ``struct_size`` and the given fields set."""
    made = ffi.new(f"{kind} *")
    made.struct_size = ffi.sizeof(kind)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def pointer(array: NDArray[Any], dtype: Any, kind: str) -> Any:
    """A C pointer into a contiguous array, whose dtype must be exactly `dtype`.

    cffi would read any buffer as whatever the pointer says; this is where that is kept from
    happening.
    """
    if array.dtype != np.dtype(dtype) or not array.flags.c_contiguous:
        raise AssertionError(f"expected contiguous {np.dtype(dtype)}, got {array.dtype}")
    return ffi.cast(kind, ffi.from_buffer(array, require_writable=False))
