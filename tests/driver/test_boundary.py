"""The raw boundary: what expose gives and refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, DriverError
from driver.errors import (
    DTypeError,
    NonFiniteError,
    ShapeError,
    ValueRangeError,
)

SEED = 7
N = 16

Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]
CodesFor = Callable[..., NDArray[Any]]
ErrorOf = Callable[[NDArray[Any], NDArray[Any]], float]
Unexposed = Callable[[Device], contextlib.AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (3, 4, N, N)),
        ({"reference": "off"}, (3, 1, N, N)),
        ({"reference": "only"}, (3, 1, N, N)),
        ({"launch_step": 3}, (3, 4, N, N)),
        ({"launch_step": [1, 2, 3]}, (3, 4, N, N)),
        ({"launch_step": np.ones((3, 1), np.uint8)}, (3, 1, 4, N, N)),
        ({"launch_step": np.ones((3, 5), np.int64), "reference": "off"}, (3, 5, 1, N, N)),
        ({"exposure_us": np.float32(50.0)}, (3, 4, N, N)),
        ({"exposure_us": np.int64(50)}, (3, 4, N, N)),
    ],
)
def test_expose_gives_counts(
    lab: Device, codes_for: CodesFor, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    counts = lab.expose(codes_for(lab, 3), **options)
    assert counts.shape == shape
    assert counts.dtype == lab.info.count_dtype == np.uint16
    assert lab.telemetry().frames == 3
    assert lab.telemetry().exposures == counts.size // N**2


def test_expose_of_an_unquantised_device(ideal: Device, codes_for: CodesFor) -> None:
    assert ideal.info.code_dtype == ideal.info.count_dtype == np.float32
    counts = ideal.expose(codes_for(ideal, 2))
    assert counts.dtype == np.float32
    assert np.any(counts != np.rint(counts))


def test_expose_leaves_its_codes_alone_and_takes_any_layout(
    calibrated: Opener, codes_for: CodesFor
) -> None:
    counts = []
    for layout in ("plain", "strided", "fortran", "read-only"):
        with calibrated("emulator:lab", seed=SEED, device__n=N) as device:
            codes = codes_for(device, 3)
            given = {
                "plain": codes,
                "strided": np.repeat(codes, 2, axis=0)[::2],
                "fortran": np.asfortranarray(codes),
                "read-only": codes.copy(),
            }[layout]
            given.flags.writeable = layout != "read-only"
            kept = given.copy()
            counts.append(device.expose(given))
            assert np.array_equal(given, kept)
    assert all(np.array_equal(one, counts[0]) for one in counts[1:])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: c.astype(np.float64), DTypeError),  # half as many float32: never read as such
        (lambda c: c.astype(np.float32), DTypeError),
        (lambda c: c.astype(np.int16), DTypeError),
        (lambda c: c.astype(">u2"), DTypeError),
        (lambda c: c.tolist(), DTypeError),
        (lambda c: None, DTypeError),
        (lambda c: c[0], ShapeError),
        (lambda c: c[:, :1], ShapeError),
        (lambda c: c[..., :-1], ShapeError),
        (lambda c: c.reshape(2, 4, N, N), ShapeError),
        (lambda c: c | np.uint16(1 << 14), ValueRangeError),
    ],
)
def test_expose_refuses_codes(
    lab: Device,
    codes_for: CodesFor,
    change: Callable[[Any], Any],
    error: type[DriverError],
    no_frame_exposed: Unexposed,
) -> None:
    codes = change(codes_for(lab, 2))
    with no_frame_exposed(lab), pytest.raises(error):
        lab.expose(codes)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf])
def test_expose_refuses_unquantised_codes(
    ideal: Device, codes_for: CodesFor, value: float, no_frame_exposed: Unexposed
) -> None:
    codes = codes_for(ideal, 2)
    codes[1, 1, 0, 3, 4] = value
    with no_frame_exposed(ideal), pytest.raises((ValueRangeError, NonFiniteError)):
        ideal.expose(codes)
    with no_frame_exposed(ideal), pytest.raises(DTypeError):
        ideal.expose(codes.astype(np.float64))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"reference": "on"}, ValueRangeError),
        ({"reference": None}, ValueRangeError),
        ({"reference": ["steps"]}, ValueRangeError),
        ({"laser": "dim"}, ValueRangeError),
        ({"laser": False}, ValueRangeError),
        ({"exposure_us": 0.5}, ValueRangeError),
        ({"exposure_us": 10001}, ValueRangeError),
        ({"exposure_us": np.nan}, ValueRangeError),
        ({"exposure_us": "100"}, ValueRangeError),
        ({"exposure_us": True}, ValueRangeError),
        ({"launch_step": 32}, ValueRangeError),
        ({"launch_step": -1}, ValueRangeError),
        ({"launch_step": 256}, ValueRangeError),
        ({"launch_step": 1.0}, DTypeError),
        ({"launch_step": "1"}, DTypeError),
        ({"launch_step": True}, DTypeError),
        ({"launch_step": [1, 2, 3]}, ShapeError),
        ({"launch_step": np.ones((2, 0), int)}, ShapeError),
        ({"launch_step": np.ones((2, 1, 1), int)}, ShapeError),
        ({"launch_step": np.ones((2, 256), int)}, ValueRangeError),
    ],
)
def test_expose_refuses_settings(
    lab: Device,
    codes_for: CodesFor,
    options: dict[str, Any],
    error: type[DriverError],
    no_frame_exposed: Unexposed,
) -> None:
    with no_frame_exposed(lab), pytest.raises(error):
        lab.expose(codes_for(lab, 2), **options)
