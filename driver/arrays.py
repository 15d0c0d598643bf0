"""Arrays across the driver's face: NumPy or torch goes in, the same kind comes out.

What else speaks DLPack, and lies in the processor's memory, is taken as well, and NumPy comes out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.errors import DTypeError, ShapeError, ValueRangeError
from driver.library import check, ffi, lib, pointer

__all__ = [
    "Restore",
    "complex_frames",
    "from_caller",
    "largest_magnitude",
    "output",
    "to_caller",
]

Restore = Callable[[NDArray[Any]], Any]


_CPU = 1
"""``kDLCPU``."""


def from_caller(x: Any, name: str) -> tuple[NDArray[Any], Restore]:
    """The caller's array as NumPy, without a copy, and what turns a result into the caller's kind.

    Raises
    ------
    DTypeError
        Neither a NumPy array nor a torch CPU tensor nor another array in the processor's memory.
    """
    if isinstance(x, np.ndarray):
        if isinstance(x, np.ma.MaskedArray):
            raise DTypeError(f"{name} is a masked array; the device knows no mask: use .filled()")
        return x, to_caller(None)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        if x.device.type != "cpu":
            raise DTypeError(
                f"{name} is a tensor on {x.device}; the device takes CPU tensors: use .cpu()"
            )
        try:
            return x.detach().resolve_conj().resolve_neg().numpy(), to_caller(torch)
        except (TypeError, RuntimeError):
            raise DTypeError(
                f"{name} is a {x.layout} tensor of {x.dtype}, which NumPy does not have"
            ) from None
    # An array scalar speaks DLPack in some libraries; here it's a number.
    if hasattr(x, "__dlpack__") and hasattr(x, "__dlpack_device__") and not np.isscalar(x):
        return _from_dlpack(x, name), to_caller(None)
    raise DTypeError(f"{name} must be a NumPy array or a torch CPU tensor, not {type(x).__name__}")


def _from_dlpack(x: Any, name: str) -> NDArray[Any]:
    kind = type(x).__name__
    try:
        device, _ = x.__dlpack_device__()
        if device == _CPU:
            return np.from_dlpack(x)
    except Exception as error:  # whatever another library raises
        raise DTypeError(f"{name}: NumPy can't take this {kind} over: {error}") from error
    raise DTypeError(f"{name} is a {kind} that is not in the processor's memory (DLPack {device})")


def output(
    out: Any, shape: tuple[int, ...], dtype: Any, inputs: tuple[NDArray[Any] | None, ...]
) -> tuple[NDArray[Any], Any]:
    """Where C writes a result, and what the caller gets: a new array (None), or the caller's `out`.

    Raises
    ------
    DTypeError, ShapeError, ValueRangeError
        `out` can't take the result as it is: nothing is converted on the way out.
    """
    if out is None:
        return np.empty(shape, dtype), None
    array, _ = from_caller(out, "out")
    if array.dtype != dtype:
        raise DTypeError(f"out has dtype {array.dtype}; the result is {np.dtype(dtype)}")
    if array.shape != shape:
        raise ShapeError(f"out has shape {array.shape}; the result has {shape}")
    if not array.flags.c_contiguous:
        raise ValueRangeError("out must be contiguous, in C order")
    if not array.flags.writeable:
        why = "" if isinstance(out, np.ndarray) else ", or its library speaks DLPack before 1.0"
        raise ValueRangeError(f"out is read-only{why}")
    if any(other is not None and np.may_share_memory(array, other) for other in inputs):
        raise ValueRangeError("out shares memory with an input, which is read while it is written")
    return array, out


def to_caller(torch: Any) -> Restore:
    """Identity, or ``torch.from_numpy``."""
    return _unchanged if torch is None else torch.from_numpy


def _unchanged(array: NDArray[Any]) -> NDArray[Any]:
    return array


def complex_frames(x: NDArray[Any], n: int, name: str) -> NDArray[np.complex64]:
    """Check a (..., N, N) array of targets and give it as contiguous (frames, N, N) complex64.

    complex64 is passed on as it is; complex128, float32 and float64 are converted.
    """
    if x.dtype not in (np.complex64, np.complex128, np.float32, np.float64):
        raise DTypeError(
            f"{name} has dtype {x.dtype}; it must be complex64 (or complex128, float32, float64)"
        )
    if x.ndim < 2 or x.shape[-2:] != (n, n):
        raise ShapeError(f"{name} has shape {x.shape}; it must be (..., {n}, {n})")
    return np.ascontiguousarray(x, dtype=np.complex64).reshape(-1, n, n)


def largest_magnitude(x: NDArray[Any], threads: int) -> float:
    """Largest |x| of a float array; NaN or infinity if one is."""
    if x.dtype != np.float32 or not x.flags.c_contiguous:
        return max(abs(float(x.min())), abs(float(x.max())))
    largest = ffi.new("float *")
    status = lib.odev_largest_magnitude(
        pointer(x, np.float32, "const float *"), x.size, threads, largest
    )
    if status == lib.ODEV_ERR_NONFINITE:
        return float("nan")
    check(status)
    return float(largest[0])
