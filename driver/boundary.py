"""The raw boundary: heater codes in, camera counts out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.arrays import from_caller
from driver.encoded import Codes
from driver.errors import CapabilityError, DTypeError, ShapeError, ValueRangeError
from driver.handle import Handle
from driver.info import DeviceInfo
from driver.library import check, lib, pointer, struct
from driver.numbers import real

__all__ = ["expose", "exposure_ns"]

_REFERENCES = {"off": 0, "steps": 1, "only": 2}


def expose(
    handle: Handle,
    info: DeviceInfo,
    codes: Any,
    *,
    reference: str,
    exposure_us: float | None,
    laser: str,
    launch_step: Any,
    threads: int,
) -> tuple[Any, Any]:
    """`driver.Device.expose`, and the C result; see there."""
    if launch_step is None and isinstance(codes, Codes):
        launch_step = codes.launch_step
    plain, restore = from_caller(codes, "codes")
    if plain.dtype != info.code_dtype:
        raise DTypeError(f"codes have dtype {plain.dtype}; this device takes {info.code_dtype}")
    n = info.grid[0]
    if plain.ndim != 5 or plain.shape[1:] != (2, 2, n, n):
        raise ShapeError(f"codes have shape {plain.shape}; they must be (n, 2, 2, {n}, {n})")
    if not isinstance(reference, str) or reference not in _REFERENCES:
        raise ValueRangeError(f"reference={reference!r} must be one of {', '.join(_REFERENCES)}")
    if info.detection == "intensity" and reference != "off":
        raise CapabilityError("this device detects intensity only: it has no reference; use 'off'")
    if not isinstance(laser, str) or laser not in ("on", "off"):
        raise ValueRangeError(f"laser={laser!r} must be 'on' or 'off'")
    plain = np.ascontiguousarray(plain)
    steps_of_frame = _launch_steps(launch_step, len(plain), info)
    exposures = steps_of_frame.shape[1]
    steps = info.reference_steps if reference == "steps" else 1
    counts = np.empty((len(plain), exposures, steps, n, n), info.count_dtype)
    result = struct("odev_result")
    job = struct(
        "odev_expose_job",
        frames=len(plain),
        exposures=exposures,
        reference=_REFERENCES[reference],
        laser_on=int(laser == "on"),
        threads=threads,
        exposure_ns=exposure_ns(info, exposure_us),
        codes=pointer(plain, info.code_dtype, "const void *"),
        launch_step=pointer(steps_of_frame, np.uint8, "const uint8_t *"),
        counts=pointer(counts, info.count_dtype, "void *"),
    )
    with handle.use() as device:
        if len(plain):
            check(lib.odev_run_expose(device, job, result), result)
    return restore(counts if np.ndim(launch_step) == 2 else counts[:, 0]), result


def _launch_steps(launch_step: Any, frames: int, info: DeviceInfo) -> NDArray[np.uint8]:
    count = info.nominal.launch_steps
    steps = np.asarray(info.nominal.launch_default_step if launch_step is None else launch_step)
    if steps.dtype.kind not in "iu":
        raise DTypeError(f"launch_step has dtype {steps.dtype}; it must be of whole numbers")
    if steps.ndim > 2 or (steps.ndim and steps.shape[0] != frames) or steps.shape[1:] == (0,):
        raise ShapeError(
            f"launch_step has shape {steps.shape}; it must be (), ({frames},) or ({frames}, E)"
        )
    if steps.size and (steps.min() < 0 or steps.max() >= count):
        raise ValueRangeError(
            f"launch_step must be 0 to {count - 1}, not {steps.min()} to {steps.max()}"
        )
    spread = steps if steps.ndim == 2 else np.broadcast_to(steps.reshape(-1, 1), (frames, 1))
    return np.ascontiguousarray(spread, dtype=np.uint8)


def exposure_ns(info: DeviceInfo, exposure_us: float | None) -> int:
    """An exposure in whole nanoseconds; the profile's if none is given."""
    if exposure_us is None:
        exposure_us = info.timing.exposure_us
    return round(1000.0 * real(exposure_us, "exposure_us", *info.timing.exposure_range_us, "us"))
