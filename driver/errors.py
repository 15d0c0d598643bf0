"""The driver's errors: one ladder, and which one to raise when.

Every failure that the driver or the C library reports is a :class:`DriverError`. It carries
``code`` (an :class:`ErrorCode`, the C enum ``odev_status``), ``name`` (that code's name in C) and
``native_code`` (the backend's own error number, 0 where it has none). The message says what was
wrong and, where there is one, what is right.

Raise, before any frame is exposed where the fault can be known before:

- :class:`ShapeError`: an array's shape, rank or length does not fit (also a ``ValueError``).
- :class:`DTypeError`: an array or argument has the wrong type (also a ``TypeError``).
- :class:`ValueRangeError`: an argument's value is outside what is allowed: an unknown option, a
  negative stride, an exposure out of range (also a ``ValueError``).
- :class:`NonFiniteError`: data holds NaN or infinity (also a ``ValueError``).
- :class:`ReadOnlyError`: a parameter that can only be read is set.
- :class:`UnknownDeviceError`: a URI names no backend, profile or device (also a ``LookupError``).
- :class:`ClosedDeviceError`: the device was closed.
- :class:`ForkedDeviceError`: the device was opened by the parent of this (forked) process.
- :class:`CapabilityError`: the request is sound, but this device or layout cannot do it.
- :class:`DeviceTimeoutError`: waiting for a ticket took too long (also a ``TimeoutError``).
- :class:`RequestCancelledError`: the ticket waited for was cancelled.
- :class:`DeviceMemoryError`: the driver could not allocate (also a ``MemoryError``).
- :class:`OverTemperatureError`: the device refuses to work because it is too hot.
- :class:`BackendError`: the backend failed while it worked: hardware fault, lost connection,
  physics that did not converge.
- :class:`CalibrationError`: a calibration failed, or a calibration file is corrupt or too new.
- :class:`CalibrationMismatchError`: a sound calibration belongs to another device or profile.

Warn :class:`UncalibratedWarning` once per device when results rest on nominal values, and
:class:`PackingWarning` whenever a convolution unpacks its pictures.

Errors that come back from C are made by :func:`error_from_code`; Python code raises the classes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

__all__ = [
    "BackendError",
    "CalibrationError",
    "CalibrationMismatchError",
    "CapabilityError",
    "ClosedDeviceError",
    "DTypeError",
    "DeviceMemoryError",
    "DeviceTimeoutError",
    "DriverError",
    "ErrorCode",
    "ForkedDeviceError",
    "NonFiniteError",
    "OverTemperatureError",
    "PackingWarning",
    "ReadOnlyError",
    "RequestCancelledError",
    "ShapeError",
    "UncalibratedWarning",
    "UnknownDeviceError",
    "ValueRangeError",
    "error_from_code",
]


class ErrorCode(IntEnum):
    """The C enum ``odev_status`` (``optical_driver.h``); names and numbers are the ABI's."""

    ODEV_OK = 0
    ODEV_ERR_ARGUMENT = 1
    ODEV_ERR_SHAPE = 2
    ODEV_ERR_DTYPE = 3
    ODEV_ERR_NONFINITE = 4
    ODEV_ERR_CLOSED = 5
    ODEV_ERR_FORKED = 6
    ODEV_ERR_CAPABILITY = 7
    ODEV_ERR_TIMEOUT = 8
    ODEV_ERR_MEMORY = 9
    ODEV_ERR_BACKEND = 10
    ODEV_ERR_CALIBRATION = 11
    ODEV_ERR_OVER_TEMPERATURE = 12
    ODEV_ERR_NOT_FOUND = 13
    ODEV_ERR_CANCELLED = 14
    ODEV_ERR_READ_ONLY = 15


class DriverError(RuntimeError):
    """Base of all errors of the driver.

    Parameters
    ----------
    message
        One sentence: what was wrong, and what is right.
    native_code
        The backend's own error number, 0 if it has none.

    Attributes
    ----------
    code : ErrorCode
        The C library's code for this kind of failure.
    name : str
        That code's name, as in ``optical_driver.h``.
    native_code : int
        As given.
    """

    code: ClassVar[ErrorCode] = ErrorCode.ODEV_ERR_BACKEND

    def __init__(self, message: str, *, native_code: int = 0) -> None:
        super().__init__(message)
        self.native_code = native_code

    @property
    def name(self) -> str:
        return self.code.name

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args[0], self.native_code))


def _rebuild(kind: type[DriverError], message: str, native_code: int) -> DriverError:
    return kind(message, native_code=native_code)


class ShapeError(DriverError, ValueError):
    """An array's shape, rank or length does not fit."""

    code = ErrorCode.ODEV_ERR_SHAPE


class DTypeError(DriverError, TypeError):
    """An array or argument has the wrong type."""

    code = ErrorCode.ODEV_ERR_DTYPE


class ValueRangeError(DriverError, ValueError):
    """An argument's value is outside what is allowed."""

    code = ErrorCode.ODEV_ERR_ARGUMENT


class NonFiniteError(DriverError, ValueError):
    """Data holds NaN or infinity."""

    code = ErrorCode.ODEV_ERR_NONFINITE


class ReadOnlyError(DriverError):
    """A parameter that can only be read was set."""

    code = ErrorCode.ODEV_ERR_READ_ONLY


class UnknownDeviceError(DriverError, LookupError):
    """No backend, profile or device of that name."""

    code = ErrorCode.ODEV_ERR_NOT_FOUND


class ClosedDeviceError(DriverError):
    """The device was closed before this use."""

    code = ErrorCode.ODEV_ERR_CLOSED


class ForkedDeviceError(DriverError):
    """The device belongs to the parent of this forked process; open one of your own."""

    code = ErrorCode.ODEV_ERR_FORKED


class CapabilityError(DriverError):
    """This device, layout or detection cannot do what was asked."""

    code = ErrorCode.ODEV_ERR_CAPABILITY


class DeviceTimeoutError(DriverError, TimeoutError):
    """Waiting for a ticket took longer than the given time."""

    code = ErrorCode.ODEV_ERR_TIMEOUT


class RequestCancelledError(DriverError):
    """The ticket that was waited for has been cancelled."""

    code = ErrorCode.ODEV_ERR_CANCELLED


class DeviceMemoryError(DriverError, MemoryError):
    """The driver could not allocate memory."""

    code = ErrorCode.ODEV_ERR_MEMORY


class OverTemperatureError(DriverError):
    """A frame would have heated the chip above the interlock's limit.

    The job's results are void, its frames and their time have passed, and all heaters are off.
    """

    code = ErrorCode.ODEV_ERR_OVER_TEMPERATURE
    result: Any = None
    """The C result of the job."""


class BackendError(DriverError):
    """The backend failed while it worked."""

    code = ErrorCode.ODEV_ERR_BACKEND


class CalibrationError(DriverError):
    """A calibration failed, or a calibration file cannot be used."""

    code = ErrorCode.ODEV_ERR_CALIBRATION


class CalibrationMismatchError(CalibrationError):
    """A sound calibration that belongs to another device or profile."""


class UncalibratedWarning(UserWarning):
    """Results rest on nominal values, because no calibration is installed."""


class PackingWarning(UserWarning):
    """Pictures no longer share frames: the phase between pilots is not known well enough."""


_CLASS_OF_CODE: dict[ErrorCode, type[DriverError]] = {
    kind.code: kind
    for kind in (
        ShapeError,
        DTypeError,
        ValueRangeError,
        NonFiniteError,
        ReadOnlyError,
        UnknownDeviceError,
        ClosedDeviceError,
        ForkedDeviceError,
        CapabilityError,
        DeviceTimeoutError,
        RequestCancelledError,
        DeviceMemoryError,
        OverTemperatureError,
        BackendError,
        CalibrationError,
    )
}


def error_from_code(code: int, message: str, *, native_code: int = 0) -> DriverError:
    """Make the error that a non-zero return code of the C library stands for.

    Parameters
    ----------
    code
        What the C function returned; not ``ODEV_OK``.
    message
        The library's thread-local message.
    native_code
        The backend's own error number.

    Returns
    -------
    DriverError
        An instance of the class for ``code``, for the caller to raise. A code that this version
        does not know becomes a :class:`BackendError` that says so.
    """
    try:
        kind = _CLASS_OF_CODE[ErrorCode(code)]
    except (KeyError, ValueError):
        return BackendError(f"{message} (unknown error code {code})", native_code=native_code)
    return kind(message, native_code=native_code)
