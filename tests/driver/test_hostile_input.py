"""What a hostile caller tried: each refused by a typed error before anything is lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from driver import open_device
from driver.calibration import store
from driver.errors import (
    CalibrationError,
    DriverError,
    DTypeError,
    ShapeError,
    ValueRangeError,
)

N = 16


def test_decode_looks_at_what_it_is_given() -> None:
    x = np.ones((3, N, N), np.complex64)
    with open_device("emulator:ideal", device__n=N) as device:
        encoded = device.encode(x)
        counts = device.expose(encoded.codes)
        wrong: list[tuple[object, type[DriverError]]] = [
            (None, DTypeError),
            (encoded.codes, DTypeError),
            (dataclasses.replace(encoded, launch_step=encoded.launch_step[:1].copy()), ShapeError),
            (dataclasses.replace(encoded, scale=encoded.scale.astype(np.float64)), DTypeError),
            (dataclasses.replace(encoded, scale=encoded.scale * 0), ValueRangeError),
            (dataclasses.replace(encoded, shape=(7,)), ShapeError),
        ]
        for given, error in wrong:
            with pytest.raises(error, match="encoded"):
                device.decode(counts, given)  # type: ignore[arg-type]
    with open_device("emulator:ideal", device__n=32) as other:
        elsewhere = np.zeros((3, 4, 32, 32), other.info.count_dtype)
        with pytest.raises(ShapeError, match="grid of 16x16"):
            other.decode(elsewhere, encoded)


def test_padding_beyond_all_memory() -> None:
    with open_device("emulator:ideal", device__n=N) as device:
        x, w = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 1, 1), np.float32)
        with pytest.raises(ValueRangeError, match="padded input"):
            device.convolve2d(x, w, padding=2**31 - 1)
        assert device.telemetry().frames == 0


def test_profiles_beyond_all_bounds() -> None:
    with pytest.raises(ValueRangeError):
        open_device("emulator:lab", device__n=N, timing__write_us=1e308)


def test_a_folder_is_no_calibration(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="folder"):
        store.load(tmp_path)
