"""The frame path: complex targets to codes, counts to spectra, and both with the device between."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.arrays import complex_frames, from_caller, output
from driver.boundary import exposure_ns
from driver.encoded import Codes, Encoded
from driver.errors import CapabilityError, DTypeError, ShapeError, ValueRangeError
from driver.exposure import RETRIES, brightening
from driver.handle import Handle
from driver.info import DeviceInfo
from driver.job import Job
from driver.library import check, ffi, lib, pointer, struct
from driver.numbers import switch, whole
from driver.packing import packed
from driver.running import in_turn
from driver.tracking import PILOT_MAX_AGE_S, PILOT_PERIOD

__all__ = ["decode", "encode", "transform_job"]

Targets = NDArray[np.complex64]


def encode(handle: Handle, info: DeviceInfo, x: Any, *, operand: Any, inverse: bool) -> Encoded:
    """`driver.Device.encode`; see there."""
    switch(inverse, "inverse")
    targets, second, shape, restore = _targets(info, x, operand)
    n = info.grid[0]
    codes = np.empty((len(targets), 2, 2, n, n), info.code_dtype)
    scale = np.empty(len(targets), np.float32)
    launch_step = np.empty(len(targets), np.uint8)
    job = struct(
        "odev_encode_job",
        items=len(targets),
        inverse=int(inverse),
        x=pointer(targets, np.complex64, "const float *"),
        operand=_optional(second),
        codes=pointer(codes, info.code_dtype, "void *"),
        scale=pointer(scale, np.float32, "float *"),
        launch_step=pointer(launch_step, np.uint8, "uint8_t *"),
    )
    with in_turn(handle) as device:
        if len(targets):
            check(lib.odev_encode(device, job))
    return Encoded(Codes(codes, launch_step), scale, launch_step, shape, bool(inverse), restore)


def decode(handle: Handle, info: DeviceInfo, counts: Any, encoded: Encoded) -> Any:
    """`driver.Device.decode`; see there."""
    n, items = info.grid[0], _checked_items(encoded, info.grid[0])
    array, _ = from_caller(counts, "counts")
    if array.dtype != info.count_dtype:
        raise DTypeError(f"counts have dtype {array.dtype}; this device gives {info.count_dtype}")
    wanted = (items, info.reference_steps, n, n)
    if array.shape != wanted:
        raise ShapeError(f"counts have shape {array.shape}; they must be {wanted}")
    plain = np.ascontiguousarray(array)
    y = np.empty((items, n, n), np.complex64)
    job = struct(
        "odev_decode_job",
        items=items,
        exposures=1,
        inverse=int(encoded.inverse),
        counts=pointer(plain, info.count_dtype, "const void *"),
        launch_step=pointer(encoded.launch_step, np.uint8, "const uint8_t *"),
        scale=pointer(encoded.scale, np.float32, "const float *"),
        y=pointer(y, np.complex64, "float *"),
    )
    with in_turn(handle) as device:
        if items:
            check(lib.odev_decode(device, job))
    return encoded.restore(y.reshape(*encoded.shape, n, n))


def _checked_items(encoded: Any, n: int) -> int:
    """How many frames were encoded; C reads their scales and steps without looking back."""
    if not isinstance(encoded, Encoded):
        raise DTypeError(f"encoded must be what encode returned, not {type(encoded).__name__}")
    items = math.prod(encoded.shape)
    wanted = {"scale": np.dtype(np.float32), "launch_step": np.dtype(np.uint8)}
    for name, dtype in wanted.items():
        array = getattr(encoded, name)
        if not isinstance(array, np.ndarray) or array.dtype != dtype:
            raise DTypeError(f"encoded.{name} must be a {dtype} array")
        if array.shape != (items,):
            raise ShapeError(f"encoded.{name} has shape {array.shape}; it must be ({items},)")
    if encoded.codes.shape[1:] != (2, 2, n, n):
        size = encoded.codes.shape[-1]
        raise ShapeError(f"encoded is for a grid of {size}x{size}; this device has {n}x{n}")
    if not np.all(np.isfinite(encoded.scale) & (encoded.scale > 0)):
        raise ValueRangeError("encoded.scale must be positive and finite")
    return items


def transform_job(
    info: DeviceInfo,
    x: Any,
    *,
    has_pilot: bool,
    threads: int,
    operand: Any = None,
    inverse: bool = False,
    exposure: str = "two_gain",
    residual: bool = False,
    pack: bool = False,
    track: bool = True,
    retries: int = RETRIES,
    out: Any = None,
) -> Job:
    """The job of `driver.Device.transform`; see there."""
    if info.detection == "intensity":
        raise CapabilityError(
            "this device detects intensity only: it has no phase to transform with"
        )
    if not switch(pack, "pack"):
        targets, second, shape, restore = _targets(info, x, operand)
        y, given = output(out, (*shape, *info.grid), np.complex64, (targets, second))
        finish = partial(restore, y) if given is None else lambda: given

        def part(done: int) -> Any:
            return restore(y.reshape(-1, *info.grid)[:done])
    else:
        if out is not None:
            raise CapabilityError("pack=True cannot go with out: its results are made anew")
        targets, unpack = packed(x, operand, info.grid[0], inverse=switch(inverse, "inverse"))
        second, y = None, np.empty_like(targets)
        finish = partial(unpack, y)

        def part(done: int) -> Any:
            return y[:done]  # two pictures in each, still packed

    brighten = brightening(exposure, info.nominal.launch_step_db, info.nominal.launch_steps)
    data = struct(
        "odev_transform_job",
        items=len(targets),
        threads=threads,
        inverse=int(switch(inverse, "inverse")),
        residual=int(switch(residual, "residual")),
        exposures=len(brighten),
        retries=whole(retries, "retries", 0, 8),
        pilot_period=PILOT_PERIOD if switch(track, "track") and has_pilot else 0,
        pilot_max_age_ns=round(PILOT_MAX_AGE_S * 1e9),
        exposure_ns=exposure_ns(info, None),
        laser_on=1,
        x=pointer(targets, np.complex64, "const float *"),
        operand=_optional(second),
        y=pointer(y, np.complex64, "float *"),
    )
    data.brighten[0 : len(brighten)] = list(brighten)
    return Job(
        kind="transform",
        data=data,
        kept=(targets, second, y),
        frames=len(targets) * (1 + int(residual)),
        finish=finish,
        part=part,
    )


def _optional(targets: Targets | None) -> Any:
    return ffi.NULL if targets is None else pointer(targets, np.complex64, "const float *")


def _targets(
    info: DeviceInfo, x: Any, operand: Any
) -> tuple[Targets, Targets | None, tuple[int, ...], Callable[..., Any]]:
    """Targets and operands as frames, the leading shape, and the way back to the caller's kind."""
    n = info.grid[0]
    array, restore = from_caller(x, "x")
    targets = complex_frames(array, n, "x")
    if operand is None:
        return targets, None, array.shape[:-2], restore
    second, _ = from_caller(operand, "operand")
    if second.shape != array.shape:
        raise ShapeError(f"operand has shape {second.shape}; it must be x's, {array.shape}")
    return targets, complex_frames(second, n, "operand"), array.shape[:-2], restore
