"""DLPack both ways: in by `__dlpack__`, out by the protocol of what comes back, and no copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driver import Device
from driver.arrays import from_caller
from driver.errors import DTypeError, ShapeError, ValueRangeError

N = 16

Targets = Callable[..., NDArray[np.complex64]]
CodesFor = Callable[..., NDArray[Any]]


class Foreign:
    """An array of some other library: it speaks DLPack, and that is all."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)


class Old(Foreign):
    """One that speaks the protocol as it was before it knew of read-only memory."""

    def __dlpack__(self, stream: Any = None) -> Any:  # type: ignore[override]
        return self.array.__dlpack__()


@pytest.mark.parametrize("wrap", [Foreign, Old])
@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
def test_targets_go_in_without_a_copy(
    ideal: Device, targets: Targets, wrap: type[Foreign], make: Callable[[Any], Any]
) -> None:
    x = targets(2, N, N)
    taken, _ = from_caller(wrap(make(x)), "x")
    assert np.shares_memory(taken, x)
    seen = ideal.transform(wrap(make(x)))
    assert isinstance(seen, np.ndarray)
    assert np.array_equal(seen, ideal.transform(x))


def test_every_result_goes_out_without_a_copy(lab: Device, targets: Targets) -> None:
    """NumPy's results, as torch takes them over: the same memory, type, shape and values."""
    x = targets(2, N, N)
    encoded = lab.encode(Foreign(x))
    counts = lab.expose(Foreign(encoded.codes))
    results = [
        encoded.codes,
        counts,
        lab.decode(Foreign(counts), encoded),
        lab.transform(Foreign(x)),
        lab.submit_transform(Foreign(x)).result(60),
        lab.convolve2d(Foreign(np.ones((1, 1, 9, 9), np.float32)), np.ones((1, 1, 3, 3))),
    ]
    for array in results:
        assert isinstance(array, np.ndarray)
        taken = torch.from_dlpack(array)
        assert taken.data_ptr() == array.ctypes.data
        assert taken.shape == array.shape
        assert np.array_equal(taken.numpy(), array)


def test_round_trip(lab: Device, targets: Targets) -> None:
    """torch to the device as what it is, to NumPy by DLPack, in again, and nothing is copied."""
    codes = torch.from_dlpack(np.asarray(lab.encode(targets(2, N, N)).codes))
    counts = lab.expose(codes, launch_step=9)
    assert isinstance(counts, torch.Tensor)
    assert counts.dtype == torch.uint16
    back = np.from_dlpack(counts)
    assert back.ctypes.data == counts.data_ptr()
    taken, _ = from_caller(Foreign(back), "counts")
    assert taken.ctypes.data == counts.data_ptr()


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[::2],
        lambda x: x.swapaxes(1, 2),
        lambda x: x[:, ::-1, ::-2].repeat(2, axis=2),
        lambda x: x[:, ::-1],
        lambda x: np.broadcast_to(x[:1], x.shape),
        lambda x: x[:0],
    ],
    ids=["every second", "transposed", "mirrored", "upside down", "broadcast", "empty"],
)
def test_strides(ideal: Device, targets: Targets, view: Callable[[Any], Any]) -> None:
    strided = view(targets(4, N, N))
    seen = ideal.transform(Foreign(strided))
    assert np.array_equal(seen, ideal.transform(np.ascontiguousarray(strided)))


@pytest.mark.parametrize("dtype", ["f2", "i4", "u2", "?", "u1"])
def test_dtypes_are_checked_not_read_as_others(ideal: Device, dtype: str) -> None:
    with pytest.raises(DTypeError, match="x has dtype"):
        ideal.transform(Foreign(np.ones((N, N), dtype)))
    with pytest.raises(DTypeError, match="codes have dtype"):
        ideal.expose(Foreign(np.ones((1, 2, 2, N, N), dtype)))
    with pytest.raises(ShapeError):
        ideal.transform(Foreign(np.ones((N, N + 1), np.complex64)))
    with pytest.raises(DTypeError, match="PyCapsule"):
        ideal.transform(np.ones((N, N), np.complex64).__dlpack__())
    assert ideal.telemetry().frames == 0


def test_read_only_memory_is_read_and_not_written(ideal: Device, targets: Targets) -> None:
    x = targets(2, N, N)
    wanted = ideal.transform(x)
    x.flags.writeable = False
    assert np.array_equal(ideal.transform(Foreign(x)), wanted)
    with pytest.raises(ValueRangeError, match="read-only"):
        ideal.transform(targets(2, N, N), out=Foreign(x))
    with pytest.raises(DTypeError, match="readonly"):
        ideal.transform(Old(x))  # its own library doesn't let it out


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
def test_results_go_into_foreign_memory(
    ideal: Device, targets: Targets, make: Callable[[Any], Any]
) -> None:
    x, memory = targets(2, N, N), np.empty((2, N, N), np.complex64)
    out = Foreign(make(memory))
    assert ideal.transform(x, out=out) is out
    assert np.array_equal(memory, ideal.transform(x))
    with pytest.raises(ValueRangeError, match="shares memory"):
        ideal.transform(memory, out=out)
    with pytest.raises(ValueRangeError, match="DLPack before"):
        ideal.transform(x, out=Old(make(memory)))  # may be anything: NumPy writes to none of it
