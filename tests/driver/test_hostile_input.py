"""What a hostile caller tried: each refused by a typed error before anything is lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver import Calibration, Device, open_device
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


class Mute:
    """Whose own ``repr`` fails."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


class OnAnotherDevice:
    """What speaks DLPack, but is kDLCUDA's."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __dlpack__(self, **options: Any) -> Any:
        raise AssertionError("its memory was asked for")


class BrokenDLPack:
    def __dlpack_device__(self) -> tuple[int, int]:
        raise RuntimeError("no device")

    def __dlpack__(self, **options: Any) -> Any:
        return 3


ABSURD = [
    None, 0, -1, 1.5, 10**400, -(10**400), 10**5000, float("nan"), float("inf"), 1e308, True,
    "x", "", "\0", "\udc80", b"x", b"\xff", [], [1], [[1], [1, 2]], [[1, 2], [3]], (), {}, set(),
    object(), Mute(), range(3), slice(3), Ellipsis, float, Exception(), 1 + 2j, memoryview(b"x"),
    np.array(3), np.array("x"), np.array([None]), np.array([10**400], dtype=object),
    np.float32(1), np.int64(3), np.bool_(True), np.complex64(1), np.datetime64("2026-01-01"),
    np.array([1, 2]), np.ones((2, 2)), np.ones((N, N), ">c8"), np.ma.ones((N, N)),
    np.zeros((N, N), [("a", "f4")]), np.ones((1, 2, 2, N, N), ">u2"), OnAnotherDevice(),
    BrokenDLPack(),
]  # fmt: skip


def uses(device: Device) -> dict[str, Callable[[Any], Any]]:
    """Every argument of the device's face, by name, the others being right."""
    x, codes = np.ones((2, N, N), np.complex64), np.ones((2, 2, 2, N, N), np.uint16)
    picture, kernel = np.ones((1, 1, 8, 8), np.float32), np.ones((1, 1, 3, 3), np.float32)
    encoded = device.encode(x)
    counts = device.expose(encoded.codes)
    calls: dict[str, Callable[[Any], Any]] = {
        "codes": device.expose,
        "reference": lambda v: device.expose(codes, v),
        "exposure_us": lambda v: device.expose(codes, exposure_us=v),
        "laser": lambda v: device.expose(codes, laser=v),
        "launch_step": lambda v: device.expose(codes, launch_step=v),
        "out": lambda v: device.expose(codes, out=v),
        "submitted codes": device.submit_expose,
        "submitted x": device.submit_transform,
        "timeout": lambda v: device.submit_expose(codes).result(v),
        "encode": device.encode,
        "counts": lambda v: device.decode(v, encoded),
        "encoded": lambda v: device.decode(counts, v),
        "x": device.transform,
        "packed": lambda v: device.transform(v, pack=True),
        "packed spectra": lambda v: device.transform(v, pack=True, inverse=True),
        "pictures": lambda v: device.convolve2d(v, kernel),
        "kernels": lambda v: device.convolve2d(picture, v),
        "bias": lambda v: device.convolve2d(picture, kernel, v),
        "number": lambda v: device.params.update(laser_mw=v),
        "switch": lambda v: device.params.update(laser_enabled=v),
        "read-only": lambda v: device.params.update(device_time_s=v),
        "name": lambda v: device.params[v],
        "described": lambda v: device.params.describe(v),
        "idle": device.idle,
        "calibration": device.load_calibration,
        "file": Calibration.load,
        "uri": lambda v: open_device(v).close(),
        "seed": lambda v: open_device("emulator:lab", seed=v, device__n=N).close(),
        "threads": lambda v: open_device("emulator:lab", threads=v, device__n=N).close(),
        "override": lambda v: open_device("emulator:lab", device__n=v).close(),
    }
    for name in ["operand", "exposure", "residual", "pack", "track", "retries", "inverse", "out"]:
        calls[f"transform {name}"] = _with(device.transform, name, x)
    for name in ["stride", "padding", "dilation", "groups", "padding_mode", "precision"]:
        calls[f"convolve2d {name}"] = _with(device.convolve2d, name, picture, kernel)
    return calls


def _with(function: Callable[..., Any], name: str, *arguments: Any) -> Callable[[Any], Any]:
    return lambda value: function(*arguments, **{name: value})


@pytest.mark.filterwarnings("ignore::driver.UncalibratedWarning")
def test_absurd_arguments_are_taken_or_refused_by_a_driver_error() -> None:
    with open_device("emulator:lab", device__n=N) as device:
        messages = []
        for name, call in uses(device).items():
            for value in ABSURD:
                try:
                    call(value)
                except DriverError as error:
                    messages.append(str(error))
                except Exception as error:
                    pytest.fail(f"{name} with a {type(value).__name__}: {error!r}")
        assert len(messages) > 1500
        odd = [m for m in messages if not 0 < len(m) < 600 or "\n" in m]
        assert odd == []
        assert device.telemetry().queued == 0
        device.expose(np.ones((1, 2, 2, N, N), np.uint16))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (10**400, DTypeError),
        ([[1], [1, 2]], ShapeError),
        ([[1, 2, 3]], ShapeError),
        ([1.0, 2.0], DTypeError),
        ("bright", DTypeError),
        ([0, 99], ValueRangeError),
    ],
)
def test_launch_steps(given: Any, error: type[DriverError]) -> None:
    with open_device("emulator:lab", device__n=N) as device:
        with pytest.raises(error, match="launch_step"):
            device.expose(np.ones((2, 2, 2, N, N), np.uint16), launch_step=given)
        assert device.telemetry().frames == 0


@pytest.mark.parametrize("foreign", [OnAnotherDevice(), BrokenDLPack()])
def test_dlpack_from_elsewhere_is_refused(foreign: Any) -> None:
    with open_device("emulator:ideal", device__n=N) as device:
        with pytest.raises(DTypeError, match=type(foreign).__name__):
            device.transform(foreign)
        assert device.telemetry().frames == 0


def test_read_only_and_strided_arrays_go_in() -> None:
    rng = np.random.default_rng(3)
    x = (rng.standard_normal((4, N, N)) + 1j).astype(np.complex64)
    x.flags.writeable = False
    with open_device("emulator:ideal", device__n=N) as device:
        wanted = np.fft.fft2(x[::2].swapaxes(1, 2), norm="ortho")
        assert np.allclose(device.transform(x[::2].swapaxes(1, 2)), wanted, atol=1e-3)
