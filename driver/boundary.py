"""The raw boundary: heater codes in, camera counts out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.arrays import from_caller, output
from driver.encoded import Codes
from driver.errors import CapabilityError, DTypeError, ShapeError, ValueRangeError
from driver.info import DeviceInfo
from driver.job import Job
from driver.library import pointer, struct
from driver.numbers import real, shown

__all__ = ["expose_job", "exposure_ns"]

_REFERENCES = {"off": 0, "steps": 1, "only": 2}


def expose_job(
    info: DeviceInfo,
    codes: Any,
    *,
    reference: str,
    exposure_us: float | None,
    laser: str,
    launch_step: Any,
    threads: int,
    out: Any = None,
) -> Job:
    """The job of `driver.Device.expose`; see there."""
    if launch_step is None and isinstance(codes, Codes):
        launch_step = codes.launch_step
    plain, restore = from_caller(codes, "codes")
    if plain.dtype != info.code_dtype:
        raise DTypeError(f"codes have dtype {plain.dtype}; this device takes {info.code_dtype}")
    n = info.grid[0]
    if plain.ndim != 5 or plain.shape[1:] != (2, 2, n, n):
        raise ShapeError(f"codes have shape {plain.shape}; they must be (n, 2, 2, {n}, {n})")
    if not isinstance(reference, str) or reference not in _REFERENCES:
        raise ValueRangeError(
            f"reference={shown(reference)} must be one of {', '.join(_REFERENCES)}"
        )
    if info.detection == "intensity" and reference != "off":
        raise CapabilityError("this device detects intensity only: it has no reference; use 'off'")
    if not isinstance(laser, str) or laser not in ("on", "off"):
        raise ValueRangeError(f"laser={shown(laser)} must be 'on' or 'off'")
    plain = np.ascontiguousarray(plain)
    steps_given = _whole_numbers(launch_step, info)
    steps_of_frame = _launch_steps(steps_given, len(plain), info)
    exposures = steps_of_frame.shape[1]
    steps = info.reference_steps if reference == "steps" else 1
    per_frame = (exposures, steps) if np.ndim(steps_given) == 2 else (steps,)
    counts, given = output(out, (len(plain), *per_frame, n, n), info.count_dtype, (plain,))
    data = struct(
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
    return Job(
        kind="expose",
        data=data,
        kept=(plain, steps_of_frame, counts),
        frames=len(plain),
        finish=lambda: restore(counts) if given is None else given,
    )


def _whole_numbers(launch_step: Any, info: DeviceInfo) -> NDArray[Any]:
    """A launch step as the caller gave it, or the profile's."""
    if launch_step is None:
        launch_step = info.nominal.launch_default_step
    if hasattr(launch_step, "__dlpack__") and not isinstance(launch_step, np.ndarray):
        launch_step, _ = from_caller(launch_step, "launch_step")
    try:
        steps = np.asarray(launch_step)
    except (ValueError, TypeError, OverflowError) as error:
        raise ShapeError(f"launch_step is not an array of whole numbers: {error}") from None
    if steps.dtype.kind not in "iu":
        raise DTypeError(f"launch_step has dtype {steps.dtype}; it must be of whole numbers")
    return steps


def _launch_steps(steps: NDArray[Any], frames: int, info: DeviceInfo) -> NDArray[np.uint8]:
    count = info.nominal.launch_steps
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
