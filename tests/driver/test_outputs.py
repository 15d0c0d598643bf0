"""Results that go where the caller says: `out=`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device
from driver.errors import DTypeError, ShapeError, ValueRangeError

N = 16

Targets = Callable[..., NDArray[np.complex64]]


def test_results_go_where_the_caller_says(lab: Device, targets: Targets) -> None:
    x, out = targets(2, N, N), np.empty((2, N, N), np.complex64)
    assert lab.submit_transform(x, out=out).result(60) is out
    assert np.any(out)
    codes = np.full((3, 2, 2, N, N), 9000, np.uint16)
    counts = np.zeros((3, 4, N, N), np.uint16)
    assert lab.expose(codes, out=counts) is counts
    assert counts.all()


@pytest.mark.parametrize(
    ("out", "error"),
    [
        ([1.0], DTypeError),
        (np.empty((2, N, N), np.complex128), DTypeError),
        (np.empty((2, N, N), ">c8"), DTypeError),
        (np.empty((1, N, N), np.complex64), ShapeError),
        (np.empty((N, N, 2), np.complex64).transpose(2, 0, 1), ValueRangeError),
        (np.broadcast_to(np.empty((1, N, N), np.complex64), (2, N, N)), ValueRangeError),
    ],
)
def test_outputs_are_refused(
    ideal: Device, targets: Targets, out: Any, error: type[Exception]
) -> None:
    for call in (ideal.transform, ideal.submit_transform):
        with pytest.raises(error, match="out"):
            call(targets(2, N, N), out=out)
    read_only = np.empty((2, N, N), np.complex64)
    read_only.flags.writeable = False
    with pytest.raises(ValueRangeError, match="read-only"):
        ideal.transform(targets(2, N, N), out=read_only)
    x = targets(2, N, N)
    with pytest.raises(ValueRangeError, match="shares memory"):
        ideal.transform(x, out=x)
    assert ideal.telemetry().frames == 0
