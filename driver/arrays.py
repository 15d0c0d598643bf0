"""Arrays across the driver's face: NumPy or torch goes in, the same kind comes out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.errors import DTypeError, ShapeError
from driver.library import check, ffi, lib, pointer

__all__ = ["Restore", "complex_frames", "from_caller", "largest_magnitude", "to_caller"]

Restore = Callable[[NDArray[Any]], Any]


def from_caller(x: Any, name: str) -> tuple[NDArray[Any], Restore]:
    """The caller's array as NumPy, without a copy, and what turns a result into the caller's kind.

    Raises
    ------
    DTypeError
        Neither a NumPy array nor a torch CPU tensor.
    """
    if isinstance(x, np.ndarray):
        return x, to_caller(None)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        if x.device.type != "cpu":
            raise DTypeError(
                f"{name} is a tensor on {x.device}; the device takes CPU tensors: use .cpu()"
            )
        try:
            return x.detach().resolve_conj().resolve_neg().numpy(), to_caller(torch)
        except TypeError:
            raise DTypeError(
                f"{name} is a {x.layout} tensor of {x.dtype}, which NumPy does not have"
            ) from None
    raise DTypeError(f"{name} must be a NumPy array or a torch CPU tensor, not {type(x).__name__}")


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
