"""Arrays in and out: what is taken without a copy, converted, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from driver.arrays import complex_frames, from_caller
from driver.errors import DTypeError, ShapeError


def test_numpy_goes_in_without_a_copy() -> None:
    x = np.ones((3, 4), np.float32)
    array, restore = from_caller(x, "x")
    assert array is x
    assert restore(array) is x


@pytest.mark.parametrize("x", [None, 1.0, [1.0], (1.0,), "x", memoryview(b"x"), np.float32(1)])
def test_other_kinds_are_refused_by_name(x: Any) -> None:
    with pytest.raises(DTypeError, match=f"pictures.*{type(x).__name__}"):
        from_caller(x, "pictures")


def test_complex64_frames_are_passed_on() -> None:
    x = np.ones((2, 3, 4, 4), np.complex64)
    frames = complex_frames(x, 4, "x")
    assert frames.shape == (6, 4, 4)
    assert np.shares_memory(frames, x)


def test_frames_are_contiguous_and_complex64() -> None:
    x = np.arange(32.0).reshape(2, 4, 4).swapaxes(1, 2)
    frames = complex_frames(x, 4, "x")
    assert frames.dtype == np.complex64
    assert frames.flags.c_contiguous
    assert np.array_equal(frames, x)


@pytest.mark.parametrize("dtype", ["i4", "f2", ">c8", "O", "?"])
def test_dtypes_are_refused(dtype: str) -> None:
    with pytest.raises(DTypeError, match=r"targets.*complex64"):
        complex_frames(np.zeros((4, 4), dtype), 4, "targets")


@pytest.mark.parametrize("shape", [(), (4,), (4, 3), (3, 4), (4, 4, 1)])
def test_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"targets.*4, 4"):
        complex_frames(np.zeros(shape, np.complex64), 4, "targets")


def test_pointers_refuse_what_is_not_exactly_right() -> None:
    """cffi would read float64 as float32 without a word."""
    from driver.library import pointer

    with pytest.raises(AssertionError):
        pointer(np.zeros(4), np.float32, "float *")
    with pytest.raises(AssertionError):
        pointer(np.zeros((4, 4), np.float32).T[1:], np.float32, "float *")
