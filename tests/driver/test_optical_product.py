"""Convolutions whose products the chip forms, on devices of layout mft."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driver import Device, open_device
from driver.errors import PackingWarning, ValueRangeError
from driver.plan import ConvolutionPlan
from driver.precision import PassOptions, Precision, preset

SIZE = 16


@pytest.fixture(scope="module")
def ideal() -> Any:
    with open_device("emulator:ideal", device__n=SIZE) as device:
        yield device


def drawn(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[NDArray[np.float32]]:
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def exact_convolution(x: NDArray[Any], w: NDArray[Any], **options: Any) -> NDArray[Any]:
    outputs, inputs, *kernel = w.shape
    inputs *= options.get("groups", 1)
    layer = torch.nn.Conv2d(inputs, outputs, tuple(kernel), bias=False, **options).double()
    layer.weight.data = torch.from_numpy(w).double()
    with torch.no_grad():
        return layer(torch.from_numpy(x).double()).numpy()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_equals_torch_with_all_options(data: st.DataObject, ideal: Device) -> None:
    """In the frames that the plan says; the ideal device's float32 is 1e-5 of the result."""
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    groups, inputs, outputs, batch = (draw(st.integers(1, 2)) for _ in range(4))
    kernel = (draw(st.integers(1, 20)), draw(st.integers(1, 4)))
    options = {
        "stride": (draw(st.integers(1, 3)), draw(st.integers(1, 2))),
        "padding": (draw(st.integers(0, 2)), draw(st.integers(0, 2))),
        "dilation": (1, draw(st.integers(1, 2))),
        "groups": groups,
        "padding_mode": draw(st.sampled_from(["zeros", "replicate", "reflect", "circular"])),
    }
    height, width = (draw(st.integers(max(k, 8), 36)) for k in (kernel[0], 2 * kernel[1]))
    how: dict[str, Any] = {
        "precision": draw(st.sampled_from(["fast", "best"])),
        "pack": draw(st.sampled_from([None, True, False])),
        "product": "optical",
    }
    x, w = drawn(rng, (batch, inputs * groups, height, width), (outputs * groups, inputs, *kernel))
    before = ideal.telemetry().frames
    y = ideal.convolve2d(x, w, **options, **how)
    exact = exact_convolution(x, w, **options)
    assert np.linalg.norm(y - exact) < 3e-5 * np.linalg.norm(exact)
    plan = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=SIZE, **options, **how)
    assert ideal.telemetry().frames - before == plan.frames
    assert plan.macs.spectral == 0


@pytest.mark.parametrize("precision", ["fast", "balanced", "best"])
def test_plan_and_telemetry_of_a_calibrated_device_agree(
    rng: np.random.Generator, calibrated: Callable[..., Device], precision: str
) -> None:
    x, w = drawn(rng, (2, 3, 30, 30), (4, 3, 3, 3))
    how: dict[str, Any] = {"precision": precision, "padding": 1, "product": "optical"}
    plan = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=SIZE, **how)
    with calibrated("emulator:lab", seed=7, device__n=SIZE) as device:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PackingWarning)
            device.convolve2d(x, w, **how)
        told = device.last_result
    assert told is not None
    assert told.frames - told.pilots - told.retries == plan.frames


def test_the_first_stages_floor_needs_a_residual_frame(
    calibrated: Callable[..., Device], rng: np.random.Generator, error_of: Callable[..., float]
) -> None:
    """Most of a smooth picture's spectrum lies below one stage's extinction."""
    r, c = np.meshgrid(np.arange(30), np.arange(30), indexing="ij")
    smooth = np.sin(0.5 * r + 0.3 * c) + np.cos(0.2 * r * c / 8)
    x = np.stack([smooth, smooth[::-1]])[:, None].astype(np.float32)
    (w,) = drawn(rng, (3, 1, 3, 3))
    exact = exact_convolution(x, w)
    two_gain = PassOptions("two_gain")
    with calibrated("emulator:lab", seed=7, device__n=32) as device:
        without, with_it = (
            error_of(device.convolve2d(x, w, precision=p, product="optical"), exact)
            for p in (Precision("own", two_gain, two_gain), "balanced")
        )
    assert with_it < 0.04
    assert without > 5 * with_it


def test_presets_by_name_bring_the_residual_frame() -> None:
    own = Precision("own", PassOptions("single"), PassOptions("single"))
    assert preset("fast", product="optical").products.residual
    assert not preset("fast").products.residual
    assert not preset(own, product="optical").products.residual
    assert preset("best", layout="4f").pictures.residual
    assert not preset("best", False, layout="4f").pictures.residual
    assert not preset("balanced", layout="4f").pictures.residual


def test_a_product_that_is_none_is_refused(ideal: Device) -> None:
    x = np.ones((1, 1, 8, 8), np.float32)
    before = ideal.telemetry().frames
    for wrong in ("light", None, 1):
        with pytest.raises(ValueRangeError, match="product"):
            ideal.convolve2d(x, x[..., :3, :3], product=wrong)
    assert ideal.telemetry().frames == before
