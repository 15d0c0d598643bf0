"""Convolution against torch, through a device whose lens is an exact Fourier transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driver import convolution, kernel_parts, open_device
from driver import kernels as prepared
from driver.convolution import convolve2d
from driver.errors import DTypeError, NonFiniteError, ShapeError, ValueRangeError
from driver.plan import ConvolutionPlan

# Both transforms are exact to complex64's rounding (2^-24 = 6e-8 a value), the products sum up to
# some hundred terms of it and the random signs make errors grow as a root: under 1e-6 of the
# output's RMS. A wrong pixel, tap or scale shows as 1e-2 or more.
TOLERANCE = 1e-6


class ExactDevice:
    """Transforms by NumPy in double precision and counts the frames it is given."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.frames = 0
        self.calls: list[tuple[bool, str, bool]] = []
        self.largest_rms = 0.0

    def transform(
        self,
        x: Any,
        *,
        inverse: bool = False,
        operand: Any = None,
        exposure: str = "two_gain",
        residual: bool = False,
    ) -> Any:
        assert x.shape[-2:] == (self.n, self.n)
        assert x.dtype == np.complex64
        self.frames += int(np.prod(x.shape[:-2])) * (1 + residual)
        self.calls.append((inverse, exposure, residual))
        transform = np.fft.ifft2 if inverse else np.fft.fft2
        shown = x.astype(np.complex128)
        if operand is not None:
            assert operand.shape == x.shape
            shown = shown * operand
        return transform(shown, norm="ortho").astype(np.complex64)


def exact(x: NDArray[Any], w: NDArray[Any], bias: NDArray[Any] | None, **options: Any) -> Any:
    """torch's own convolution in double precision."""
    outputs, inputs, *kernel = w.shape
    groups = options.get("groups", 1)
    layer = torch.nn.Conv2d(
        inputs * groups, outputs, tuple(kernel), bias=bias is not None, **options
    ).double()
    layer.weight.data = torch.from_numpy(w).double()
    if bias is not None:
        layer.bias.data = torch.from_numpy(bias).double()
    with torch.no_grad():
        return layer(torch.from_numpy(x).double()).numpy()


def relative_error(result: NDArray[Any], reference: NDArray[Any]) -> float:
    return float(np.linalg.norm(result - reference) / np.linalg.norm(reference))


def pictures(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.random(shape, dtype=np.float32)


def kernels(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.standard_normal(shape).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_equals_torch_with_all_options(data: st.DataObject) -> None:
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.sampled_from([8, 11, 16, 32]))
    groups, inputs, outputs, batch = (draw(st.integers(1, 3)) for _ in range(4))
    kernel = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (draw(st.integers(max(e, 6), 50)) for e in extent)
    options = {
        "stride": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "padding": (draw(st.integers(0, 5)), draw(st.integers(0, 5))),
        "dilation": dilation,
        "groups": groups,
        "padding_mode": draw(st.sampled_from(["zeros", "replicate", "reflect", "circular"])),
    }
    how = {
        "precision": draw(st.sampled_from(["fast", "balanced", "best"])),
        "pack": draw(st.sampled_from([None, True, False])),
    }
    x = pictures(rng, batch, inputs * groups, height, width)
    w = kernels(rng, outputs * groups, inputs, *kernel)
    bias = kernels(rng, outputs * groups)
    device = ExactDevice(n)

    result = convolve2d(device, x, w, bias, **options, **how)

    reference = exact(x, w, bias, **options)
    assert result.dtype == np.float32
    assert result.shape == reference.shape
    assert relative_error(result, reference) < TOLERANCE
    planned = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=n, **options, **how)
    assert device.frames == planned.frames


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_named_paddings(padding: str) -> None:
    rng = np.random.default_rng(1)
    x, w = pictures(rng, 2, 3, 20, 17), kernels(rng, 4, 3, 4, 2)
    result = convolve2d(ExactDevice(16), x, w, padding=padding, dilation=(1, 2))
    assert relative_error(result, exact(x, w, None, padding=padding, dilation=(1, 2))) < TOLERANCE


def test_kernels_larger_than_a_tile_are_cut() -> None:
    rng = np.random.default_rng(2)
    x, w = pictures(rng, 1, 2, 40, 44), kernels(rng, 3, 2, 19, 13)
    device = ExactDevice(11)
    result = convolve2d(device, x, w, padding=4)
    assert relative_error(result, exact(x, w, None, padding=4)) < TOLERANCE
    planned = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=11, padding=4)
    assert len(planned.parts) > 1
    assert device.frames == planned.frames


def test_chunks_of_tiles_and_of_channels_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x, w = pictures(rng, 3, 3, 41, 39), kernels(rng, 5, 3, 3, 3)
    at_once = convolve2d(ExactDevice(16), x, w, padding=1)
    monkeypatch.setattr(kernel_parts, "CHUNK_BYTES", 0)
    monkeypatch.setattr(prepared, "SPECTRA_BYTES", 1)
    monkeypatch.setattr(convolution, "KERNELS", prepared.KernelCache())
    device = ExactDevice(16)
    by_chunks = convolve2d(device, x, w, padding=1)
    planned = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=16, padding=1)
    assert len(device.calls) == 2 * len(planned.chunks(planned.parts[0]))
    assert len(device.calls) > 2
    assert device.frames == planned.frames
    assert relative_error(by_chunks, at_once) < TOLERANCE


def test_a_polynomial_needs_no_light() -> None:
    """Degree-2 pictures are convolved electronically alone: the frames carry rounding only."""
    rng = np.random.default_rng(4)
    row, column = np.mgrid[0:30, 0:26] / 30
    x = (1 + row - 2 * column + row * column - row**2 + 0.5 * column**2).astype(np.float32)
    w = kernels(rng, 2, 1, 3, 5)

    class DarkDevice(ExactDevice):
        def transform(self, x: Any, **how: Any) -> Any:
            return np.zeros_like(super().transform(x, **how))

    result = convolve2d(DarkDevice(16), x[None, None], w)
    # float32 fits of values near 1: their rounding, amplified by the kernel's cancellations.
    assert relative_error(result, exact(x[None, None], w, None)) < 1e-5


def test_frames_carry_pictures_of_equal_energy() -> None:
    """Real and imaginary part have RMS 1, whatever the pictures' sizes: a phase error is fair."""
    rng = np.random.default_rng(5)
    x = pictures(rng, 1, 2, 16, 16) * np.array([1e-3, 10], dtype=np.float32)[:, None, None]
    seen: list[NDArray[Any]] = []

    class WatchedDevice(ExactDevice):
        def transform(self, x: Any, **how: Any) -> Any:
            if not how["inverse"]:
                seen.append(x.copy())
            return super().transform(x, **how)

    convolve2d(WatchedDevice(16), x, kernels(rng, 1, 2, 1, 1))
    (frame,) = seen[0]
    # RMS of 256 float32 values: rounding of a sum, 1e-6 to spare.
    assert np.sqrt(np.mean(frame.real**2)) == pytest.approx(1, rel=1e-6)
    assert np.sqrt(np.mean(frame.imag**2)) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-30, 1e-12, 1e20])
def test_very_small_and_large_values_keep_their_precision(unit: float) -> None:
    rng = np.random.default_rng(6)
    x, w = pictures(rng, 1, 2, 20, 20), kernels(rng, 2, 2, 3, 3)
    result = convolve2d(ExactDevice(16), (x * unit).astype(np.float32), w)
    assert relative_error(result / unit, exact(x, w, None)) < TOLERANCE


def test_an_empty_picture_gives_zeros() -> None:
    x, w = np.zeros((1, 1, 12, 12), np.float32), np.ones((1, 1, 3, 3), np.float32)
    assert not convolve2d(ExactDevice(8), x, w).any()


def test_presets_expose_as_they_say() -> None:
    rng = np.random.default_rng(7)
    x, w = pictures(rng, 1, 1, 8, 8), kernels(rng, 1, 1, 3, 3)
    expected = {
        "fast": [(False, "single", False), (True, "single", False)],
        "balanced": [(False, "two_gain", False), (True, "two_gain", False)],
        "best": [(False, "averaged", False), (True, "averaged", True)],
    }
    for precision, calls in expected.items():
        device = ExactDevice(8)
        convolve2d(device, x, w, precision=precision)
        assert device.calls == calls


def test_gives_back_what_came_in() -> None:
    rng = np.random.default_rng(8)
    x, w = pictures(rng, 2, 9, 9), kernels(rng, 3, 2, 3, 3)
    as_array = convolve2d(ExactDevice(8), x, w)
    as_tensor = convolve2d(ExactDevice(8), torch.from_numpy(x), torch.from_numpy(w))
    assert isinstance(as_array, np.ndarray)
    assert as_array.shape == (3, 7, 7)
    assert isinstance(as_tensor, torch.Tensor)
    assert np.array_equal(as_tensor.numpy(), as_array)
    double = convolve2d(ExactDevice(8), x.astype(np.float64), w)
    assert double.dtype == np.float64
    assert relative_error(double, exact(x[None], w, None)[0]) < TOLERANCE


def test_bias_comes_third_as_in_torch() -> None:
    rng = np.random.default_rng(10)
    x, w, bias = pictures(rng, 1, 2, 9, 9), kernels(rng, 3, 2, 3, 3), kernels(rng, 3)
    with open_device("emulator:ideal", seed=1, device__n=16) as device:
        result = device.convolve2d(x, w, bias, padding=1)
    # DESIGN's figure for a device without errors, whose codes and counts are float32.
    assert relative_error(result, exact(x, w, bias, padding=1)) < 1e-5


@pytest.mark.parametrize("precision", ["fast", "balanced", "best"])
def test_a_devices_telemetry_agrees_with_the_plan(precision: str) -> None:
    rng = np.random.default_rng(9)
    x, w = pictures(rng, 2, 3, 70, 40), kernels(rng, 5, 3, 3, 3)
    planned = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=64, precision=precision)
    with open_device("emulator:ideal", seed=1) as device:
        result = device.convolve2d(x, w, precision=precision)
        told = device.telemetry()
    assert told.frames - told.pilots - told.retries == planned.frames
    per_pilot = 4
    assert (
        told.exposures - per_pilot * told.pilots == planned.exposures - per_pilot * planned.pilots
    )
    # DESIGN's figure for a device without errors, whose codes and counts are float32.
    assert relative_error(result, exact(x, w, None)) < 1e-5


X, W = np.ones((1, 2, 9, 9), np.float32), np.ones((4, 2, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("x", "w", "options", "error", "says"),
    [
        (X[0, 0], W, {}, ShapeError, "4 dimensions"),
        (X, W[:, :1], {}, ShapeError, "2 channels"),
        (X[:, :, :2, :2], W, {}, ShapeError, "3×3"),
        (X[:0], W, {}, ShapeError, "empty"),
        (X, W[:3], {"groups": 2}, ShapeError, "groups=2"),
        (X, W, {"bias": np.ones(3, np.float32)}, ShapeError, r"\(4,\)"),
        (X, W, {"padding": 9, "padding_mode": "reflect"}, ShapeError, "at most 8"),
        (X.astype(np.float16), W, {}, DTypeError, "float16"),
        (X, W.astype(np.int64), {}, DTypeError, "int64"),
        (X.tolist(), W, {}, DTypeError, "list"),
        (torch.ones(1, 2, 9, 9, dtype=torch.bfloat16), W, {}, DTypeError, "bfloat16"),
        (X * np.float32(np.nan), W, {}, NonFiniteError, "input holds NaN"),
        (X, W * np.float32(np.inf), {}, NonFiniteError, "weight holds"),
        (X, W, {"stride": 0}, ValueRangeError, "stride=0"),
        (X, W, {"padding": (1, 2, 3)}, ValueRangeError, "padding"),
        (X, W, {"padding": "same", "stride": 2}, ValueRangeError, "stride=1"),
        (X, W, {"padding_mode": "mirror"}, ValueRangeError, "mirror"),
        (X, W, {"precision": "perfect"}, ValueRangeError, "balanced"),
        (X, W, {"precision": ["fast"]}, ValueRangeError, "balanced"),
        (X, W, {"padding_mode": ["zeros"]}, ValueRangeError, "padding_mode"),
        (X, W, {"groups": 1.0}, ValueRangeError, "groups=1.0"),
        (X, W, {"groups": "a"}, ValueRangeError, "groups='a'"),
        (X, W, {"groups": True}, ValueRangeError, "groups=True"),
        (X, W, {"groups": 0}, ValueRangeError, "groups=0"),
        (X, W, {"stride": 1.0}, ValueRangeError, "stride=1.0"),
        (X, W, {"stride": True}, ValueRangeError, "stride=True"),
        (X, W, {"stride": (1, "2")}, ValueRangeError, "stride"),
        (X, W, {"padding": None}, ValueRangeError, "padding=None"),
        (X, W, {"padding": -1}, ValueRangeError, "padding=-1"),
        (X, W, {"dilation": [1, [2]]}, ValueRangeError, "dilation"),
        (X, W, {"pack": "no"}, ValueRangeError, "pack='no'"),
        (X, W, {"pack": 1}, ValueRangeError, "pack=1"),
    ],
)
def test_bad_input_is_refused_before_any_frame(
    x: Any, w: Any, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    device = ExactDevice(8)
    with pytest.raises(error, match=says):
        convolve2d(device, x, w, **options)
    assert device.frames == 0


@pytest.mark.parametrize("product", ["electronic", "optical"])
def test_taps_may_lie_more_than_a_tile_apart(product: str) -> None:
    """Each is then a block of its own, and dilated by nothing."""
    rng = np.random.default_rng(6)
    x, w = pictures(rng, 1, 2, 60, 45), kernels(rng, 2, 2, 3, 2)
    options: dict[str, Any] = {"dilation": (20, 17), "padding": (3, 0)}
    device = ExactDevice(16)
    result = convolve2d(device, x, w, product=product, **options)
    assert relative_error(result, exact(x, w, None, **options)) < TOLERANCE
    plan = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=16, product=product, **options)
    assert device.frames == plan.frames
