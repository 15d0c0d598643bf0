"""Gradients by light against torch's, through a device whose lens is an exact Fourier transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_convolution import ExactDevice, kernels, pictures, relative_error

from driver import Device, kernel_parts, open_device
from driver import kernels as prepared
from driver.convolution import KERNELS
from driver.errors import DTypeError, NonFiniteError, ShapeError
from driver.gradient_plan import GradientPlan
from driver.gradients import convolve2d_gradients
from driver.plan import ConvolutionPlan

# As `test_convolution.TOLERANCE`; sums over a picture's pixels are of thousands of terms.
TOLERANCE = 3e-6


def exact(
    g: np.ndarray[Any, Any], x: np.ndarray[Any, Any], w: np.ndarray[Any, Any], **options: Any
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """torch's gradients in double precision."""
    outputs, inputs, *kernel = w.shape
    layer = torch.nn.Conv2d(
        inputs * options.get("groups", 1), outputs, tuple(kernel), bias=False, **options
    ).double()
    layer.weight.data = torch.from_numpy(w).double()
    picture = torch.from_numpy(x).double().requires_grad_()
    dx, dw = torch.autograd.grad(
        layer(picture), (picture, layer.weight), torch.from_numpy(g).double()
    )
    return dx.numpy(), dw.numpy()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_equal_torchs_with_all_options(data: st.DataObject) -> None:
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.sampled_from([8, 11, 16, 32]))
    groups, inputs, outputs, batch = (draw(st.integers(1, 3)) for _ in range(4))
    kernel = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (draw(st.integers(max(e, 6), 40)) for e in extent)
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
        "product": draw(st.sampled_from(["electronic", "electronic", "optical"])),
    }
    wanted = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    x = pictures(rng, batch, inputs * groups, height, width)
    w = kernels(rng, outputs * groups, inputs, *kernel)
    planned = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=n, **options, **how)
    g = kernels(rng, batch, outputs * groups, *planned.output)
    device = ExactDevice(n)

    found = convolve2d_gradients(device, g, x, w, **options, **how, wanted=wanted)

    assert device.frames == GradientPlan(planned, wanted).frames
    # What rounds is each term of a sum: beside a sum that happens to cancel, as one of a single
    # number may, the error is large. A sum of that many terms of random sign has size `typical`.
    rms = {name: np.sqrt(np.mean(np.square(each))) for name, each in (("g", g), ("x", x), ("w", w))}
    typical = (
        rms["g"] * rms["w"] * np.sqrt(outputs * kernel[0] * kernel[1]),
        rms["g"] * rms["x"] * np.sqrt(batch * planned.output[0] * planned.output[1]),
    )
    for result, reference, asked, size in zip(
        found, exact(g, x, w, **options), wanted, typical, strict=True
    ):
        if not asked:
            assert result is None
            continue
        assert result.dtype == np.float32
        assert result.shape == reference.shape
        error = np.sqrt(np.mean(np.square(result - reference)))
        assert error < TOLERANCE * max(size, np.sqrt(np.mean(np.square(reference))))


def test_chunks_and_slices_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, w = pictures(rng, 3, 3, 41, 39), kernels(rng, 5, 3, 3, 3)
    g = kernels(rng, 3, 5, 41, 39)
    wanted = exact(g, x, w, padding=1)
    monkeypatch.setattr(kernel_parts, "CHUNK_BYTES", 0)
    monkeypatch.setattr(prepared, "SPECTRA_BYTES", 1)
    monkeypatch.setattr(KERNELS, "_kept", type(KERNELS._kept)())
    device = ExactDevice(16)
    for result, reference in zip(
        convolve2d_gradients(device, g, x, w, padding=1), wanted, strict=True
    ):
        assert relative_error(result, reference) < TOLERANCE
    assert len(device.calls) > 3


@pytest.mark.parametrize("unit", [1e-30, 1e15])
def test_very_small_and_large_values_keep_their_precision(unit: float) -> None:
    rng = np.random.default_rng(2)
    x, w, g = pictures(rng, 1, 2, 20, 20), kernels(rng, 2, 2, 3, 3), kernels(rng, 1, 2, 18, 18)
    results = convolve2d_gradients(ExactDevice(16), (g * unit).astype(np.float32), x, w)
    for result, reference in zip(results, exact(g, x, w), strict=True):
        assert relative_error(result / unit, reference) < TOLERANCE


@pytest.mark.parametrize("precision", ["fast", "best"])
def test_a_devices_telemetry_agrees_with_the_plan(precision: str) -> None:
    rng = np.random.default_rng(3)
    x, w, g = pictures(rng, 2, 3, 70, 40), kernels(rng, 5, 3, 3, 3), kernels(rng, 2, 5, 68, 38)
    planned = GradientPlan(
        ConvolutionPlan.for_shapes(x.shape, w.shape, grid=64, precision=precision)
    )
    with open_device("emulator:ideal", seed=1) as device:
        results = device.convolve2d_gradients(g, x, w, precision=precision)
        told = device.telemetry()
    assert told.frames - told.pilots - told.retries == planned.frames
    # DESIGN's figure for a device without errors, whose codes and counts are float32.
    for result, reference in zip(results, exact(g, x, w), strict=True):
        assert relative_error(result, reference) < 1e-5


def test_counts_of_the_default_layer() -> None:
    plan = ConvolutionPlan.for_shapes((4, 16, 64, 64), (16, 16, 3, 3), grid=64, padding=1)
    both, of_input, of_kernel = (
        GradientPlan(plan, wanted) for wanted in ((True, True), (True, False), (False, True))
    )
    # 5 tiles × 16 channels, two to a frame: of the gradient, of the input, and back.
    assert (both.frames, of_input.frames, of_kernel.frames) == (120, 80, 80)
    assert (both.pilots, of_input.pilots) == (5, 4)
    # The gradient's own part is in both halves, and pilots are counted by frames begun.
    shared = of_input.electronic_macs + of_kernel.electronic_macs - both.electronic_macs
    own = GradientPlan(plan, (False, False))
    assert own.frames == 0
    assert 0 < shared < of_input.electronic_macs


def test_on_the_chip_no_product_is_electronic() -> None:
    options: dict[str, Any] = {"grid": 64, "padding": 1, "product": "optical"}
    plan = ConvolutionPlan.for_shapes((4, 16, 64, 64), (16, 16, 3, 3), **options)
    both, of_input, of_kernel = (
        GradientPlan(plan, wanted) for wanted in ((True, True), (True, False), (False, True))
    )
    # 5 tiles in 3 frames for each of 256 pairs, and each tile's 16 planes in 8 for each of 16
    # outputs, with a residual frame each; besides, 40 frames for 5 tiles of 16 channels measured.
    assert of_input.frames == 40 + 2 * 3 * 256
    assert of_kernel.frames == 2 * 40 + 2 * 5 * 8 * 16
    assert both.frames == of_input.frames + of_kernel.frames - 40
    # A frame's encoding and decoding is most of what is left: hundreds of MACs a pixel.
    assert both.electronic_macs > 100 * 64**2 * both.frames


def test_gradients_on_the_chip_are_close_and_in_the_frames_of_the_plan(
    calibrated: Callable[..., Device], error_of: Callable[..., float]
) -> None:
    """On `lab`, where each stage stands alone with its floor."""
    rng = np.random.default_rng(5)
    x, w, g = pictures(rng, 2, 2, 30, 30), kernels(rng, 3, 2, 3, 3), kernels(rng, 2, 3, 28, 28)
    planned = GradientPlan(
        ConvolutionPlan.for_shapes(x.shape, w.shape, grid=32, pack=True, product="optical")
    )
    with calibrated("emulator:lab", seed=7, device__n=32) as device:
        found = device.convolve2d_gradients(g, x, w, pack=True, product="optical")
        told = device.last_result
    assert told is not None
    assert told.frames - told.pilots - told.retries == planned.frames
    for mine, wanted in zip(found, exact(g, x, w), strict=True):
        # The error of the convolution itself, two passes and a second stage's floor: below 4 %.
        assert error_of(mine, wanted) < 0.04


def test_bad_input_is_refused_before_any_frame() -> None:
    rng = np.random.default_rng(4)
    x, w, g = pictures(rng, 1, 2, 9, 9), kernels(rng, 4, 2, 3, 3), kernels(rng, 1, 4, 7, 7)
    device = ExactDevice(8)
    with pytest.raises(ShapeError, match=r"\(1, 4, 7, 7\)"):
        convolve2d_gradients(device, g[..., :6], x, w)
    with pytest.raises(DTypeError, match="grad_output has dtype int64"):
        convolve2d_gradients(device, g.astype(np.int64), x, w)
    with pytest.raises(NonFiniteError, match="grad_output"):
        convolve2d_gradients(device, g * np.float32(np.inf), x, w)
    assert convolve2d_gradients(device, g, x, w, wanted=(False, False)) == (None, None)
    assert device.frames == 0
