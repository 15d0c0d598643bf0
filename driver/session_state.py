"""Where a session stands, so that a device that is opened alike can go on from there.

Everything in it is known in front of the boundary: how many frames were exposed, how much device
time has passed, what the heaters hold, what the last pilot showed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.errors import ShapeError, ValueRangeError
from driver.handle import Handle
from driver.info import DeviceInfo
from driver.library import check, ffi, lib, pointer, struct
from driver.running import in_turn

__all__ = ["SessionState", "restore_session", "save_session"]


@dataclass(frozen=True, slots=True, eq=False)
class SessionState:
    """What later counts depend on beside the device, its calibration and its parameters.

    Plain numbers and one array, so that ``dataclasses.asdict`` gives what a file can hold.
    """

    serial: str
    """Of the device whose session it is."""
    device_time_ns: int
    frames: int
    """Frames exposed: the next frame's number, which its noise is drawn by."""
    exposures: int
    pilots: int
    retries: int
    saturations: int
    faults: int
    lost: int
    clock_jumps: int
    readings: int
    """Readings of the sensors."""
    pilot_re: float
    pilot_im: float
    """Gain of the last pilot against its calibration."""
    pilot_time_ns: int
    """-1: no pilot yet."""
    frames_since_pilot: int
    phase_mean_square: float
    """Of the phase between pilots [rad²], over `phase_count` pilots, old ones forgotten."""
    phase_count: float
    codes: NDArray[Any]
    """What the heaters hold, (2, 2, N, N) of ``info.code_dtype``: the next frame remembers them."""


_NUMBERS = tuple(
    name for name in SessionState.__dataclass_fields__ if name not in ("serial", "codes")
)


def save_session(handle: Handle, info: DeviceInfo) -> SessionState:
    """Ask a device where its session stands; waits for the jobs before.

    Raises
    ------
    CapabilityError
        The device's counts are not a function of what it was asked (``info.reproducible``).
    """
    codes = np.empty((2, 2, *info.grid), info.code_dtype)
    data = struct("odev_session", codes=ffi.from_buffer("char[]", codes))
    with in_turn(handle) as device:
        check(lib.odev_save_session(device, data))
    numbers = {name: getattr(data, name) for name in _NUMBERS}
    return SessionState(serial=info.serial, codes=codes, **numbers)


def restore_session(handle: Handle, info: DeviceInfo, state: SessionState) -> None:
    """Put a device where another session stood.

    Raises
    ------
    CapabilityError
        As in `save_session`.
    ValueRangeError
        It is another device's session, or a number is out of its range.
    ShapeError
        The codes are not this device's.
    """
    if state.serial != info.serial:
        raise ValueRangeError(
            f"the session is of device {state.serial}, and this is device {info.serial}"
        )
    shape = (2, 2, *info.grid)
    codes = np.ascontiguousarray(state.codes)
    if codes.shape != shape or codes.dtype != info.code_dtype:
        raise ShapeError(
            f"a session's codes must be {shape} {info.code_dtype}, not {codes.shape} {codes.dtype}"
        )
    numbers = {name: getattr(state, name) for name in _NUMBERS}
    data = struct("odev_session", codes=ffi.cast("void *", pointer(codes, codes.dtype, "char *")))
    try:
        for name, value in numbers.items():
            setattr(data, name, value)
    except (OverflowError, TypeError) as error:
        raise ValueRangeError(f"a session's {name} cannot be {value!r}: {error}") from None
    with in_turn(handle) as device:
        check(lib.odev_restore_session(device, data))
