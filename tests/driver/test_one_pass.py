"""Convolution in one pass, on devices of layout 4f."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driver import Device, open_device
from driver.convolution import convolve2d
from driver.errors import CapabilityError, PackingWarning
from driver.gradient_plan import GradientPlan
from driver.gradients import convolve2d_gradients
from driver.plan import ConvolutionPlan
from driver.precision import PassOptions, Precision

SIZE = 32
LAYERS: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((3, 4, 40, 29), (6, 4, 3, 3), {"padding": 1}),
    ((2, 4, 20, 20), (8, 1, 3, 3), {"groups": 4, "padding": 1}),
    ((1, 2, 33, 33), (3, 2, 5, 5), {"stride": 2, "padding": 2}),
    ((1, 1, 50, 50), (2, 1, 3, 3), {"dilation": 3}),
    ((1, 2, 70, 70), (1, 2, 41, 40), {}),
    ((1, 1, 12, 12), (1, 1, 3, 3), {"padding": 1, "padding_mode": "reflect"}),
)


def exact_convolution(x: NDArray[Any], w: NDArray[Any], **options: Any) -> NDArray[Any]:
    if options.pop("padding_mode", "zeros") == "reflect":
        by = options.pop("padding")
        x = np.pad(x, ((0, 0), (0, 0), (by, by), (by, by)), mode="reflect")
    x64, w64 = (torch.from_numpy(a.astype(float)) for a in (x, w))
    return torch.nn.functional.conv2d(x64, w64, **options).numpy()


def drawn(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[NDArray[np.float32]]:
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize(("x_shape", "w_shape", "options"), LAYERS)
def test_an_ideal_device_convolves(
    rng: np.random.Generator,
    error_of: Callable[..., float],
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    options: dict[str, Any],
    pack: bool,
) -> None:
    """And takes the frames that the plan says; uncalibrated, there are no pilots."""
    x, w = drawn(rng, x_shape, w_shape)
    plan = ConvolutionPlan.for_shapes(
        x_shape, w_shape, grid=SIZE, pack=pack, layout="4f", **options
    )
    with open_device("emulator:ideal", device__n=SIZE, device__layout="4f") as device:
        y = device.convolve2d(x, w, pack=pack, **options)
        assert error_of(y, exact_convolution(x, w, **options)) < 1e-5
        told = device.telemetry()
    assert told.frames == plan.frames
    assert told.exposures == plan.exposures - plan.reference_steps * plan.pilots
    assert plan.product_frames == plan.macs.spectral == 0


@pytest.mark.parametrize("precision", ["fast", "balanced", "best"])
def test_plan_and_telemetry_of_a_calibrated_device_agree(
    rng: np.random.Generator, calibrated: Callable[..., Device], precision: str
) -> None:
    """Pilots as the telemetry says, one in 24 and one at first; repeated frames are out."""
    x, w = drawn(rng, (2, 3, 30, 30), (4, 3, 3, 3))
    plan = ConvolutionPlan.for_shapes(
        x.shape, w.shape, grid=16, precision=precision, layout="4f", padding=1
    )
    with calibrated("emulator:lab4f", seed=7, device__n=16) as device:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PackingWarning)
            device.convolve2d(x, w, precision=precision, padding=1)
        told = device.last_result
    assert told is not None
    assert told.frames - told.pilots - told.retries == plan.frames
    assert told.pilots >= plan.pilots


def test_a_pedestal_lifts_a_picture_over_the_floor(
    rng: np.random.Generator, calibrated: Callable[..., Device], error_of: Callable[..., float]
) -> None:
    """Alone, a picture is asked for no less than a stage can show; packed, some pixels are."""
    x, w = drawn(rng, (4, 1, 30, 30), (4, 1, 3, 3))
    exact = exact_convolution(x, w)
    with calibrated("emulator:lab4f", seed=7, device__n=SIZE) as device:
        alone, packed = (error_of(device.convolve2d(x, w, pack=p), exact) for p in (False, True))
    assert alone < 0.02
    assert alone < packed < 0.04


def test_a_residual_frame_takes_up_what_the_first_stage_could_not(
    rng: np.random.Generator, calibrated: Callable[..., Device], error_of: Callable[..., float]
) -> None:
    """Two pictures in a frame leave no part for a pedestal, and most of these is near zero."""
    x, w = drawn(rng, (4, 1, 30, 30), (4, 1, 3, 3))
    x = x**5
    exact = exact_convolution(x, w)
    found = []
    for residual in (False, True):
        options = PassOptions("two_gain", residual=residual)
        own = Precision("own", options, options)
        plan = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=SIZE, precision=own, layout="4f")
        with calibrated("emulator:lab4f", seed=7, device__n=SIZE) as device:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PackingWarning)
                found.append(error_of(device.convolve2d(x, w, precision=own, pack=True), exact))
            told = device.last_result
        assert told is not None
        assert told.frames - told.pilots - told.retries == plan.frames
    assert found[1] < 0.9 * found[0]


@pytest.mark.parametrize("pack", [None, True])
@pytest.mark.parametrize(("x_shape", "w_shape", "options"), LAYERS)
def test_an_inputs_gradient_takes_one_pass(
    rng: np.random.Generator,
    error_of: Callable[..., float],
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    options: dict[str, Any],
    pack: bool | None,
) -> None:
    x, w = drawn(rng, x_shape, w_shape)
    groups = options.get("groups", 1)
    layer = torch.nn.Conv2d(
        x_shape[1], w_shape[0], w_shape[2:], bias=False, **{"groups": groups, **options}
    )
    layer.weight.data = torch.from_numpy(w)
    picture = torch.from_numpy(x).requires_grad_()
    y = layer(picture)
    (g,) = drawn(rng, tuple(y.shape))
    (wanted,) = torch.autograd.grad(y, picture, torch.from_numpy(g))
    plan = ConvolutionPlan.for_shapes(
        x_shape, w_shape, grid=SIZE, pack=bool(pack), layout="4f", **options
    )
    count = GradientPlan(plan, (True, False))
    with open_device("emulator:ideal", device__n=SIZE, device__layout="4f") as device:
        dx, dw = device.convolve2d_gradients(g, x, w, pack=pack, wanted=(True, False), **options)
        assert device.telemetry().frames == count.frames
    assert dw is None
    assert error_of(dx, wanted.numpy()) < 1e-5
    # The kernels' gradient is a matrix product as large as the convolution's.
    both = GradientPlan(plan)
    assert both.frames == count.frames
    assert both.electronic_macs == count.electronic_macs + plan.macs.gemm


def test_an_inputs_gradient_by_light_is_close(
    rng: np.random.Generator, calibrated: Callable[..., Device], error_of: Callable[..., float]
) -> None:
    """A gradient's rims are dark: alone, it stands on a pedestal (packed, it is 20 % off)."""
    g, x, w = drawn(rng, (2, 4, 30, 30), (2, 2, 32, 32), (4, 2, 3, 3))
    wanted = torch.nn.functional.conv_transpose2d(torch.from_numpy(g), torch.from_numpy(w)).numpy()
    with calibrated("emulator:lab4f", seed=7, device__n=SIZE) as device:
        dx, _ = device.convolve2d_gradients(g, x, w, wanted=(True, False))
    assert error_of(dx, wanted) < 0.02


def test_what_a_4f_device_cannot_do_is_refused(rng: np.random.Generator) -> None:
    x, w = drawn(rng, (1, 1, 8, 8), (1, 1, 3, 3))
    with open_device("emulator:ideal", device__n=16, device__layout="4f") as device:
        before = device.telemetry().frames
        with pytest.raises(CapabilityError, match="camera does not see"):
            convolve2d_gradients(device, x[..., :6, :6], x, w)
        device.params["laser_enabled"] = False
        with pytest.raises(CapabilityError, match="laser"):
            convolve2d(device, x, w)
        assert device.telemetry().frames == before
