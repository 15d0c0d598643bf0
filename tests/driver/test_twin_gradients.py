"""Gradients through the calibrated twin: exact where the device is, with the chip's limits else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driver import Device, open_device
from driver.calibration.nominal import nominal_calibration
from driver.calibration.twin_chain import TwinChain
from driver.errors import CapabilityError, ShapeError
from driver.precision import PassOptions, Precision
from driver.twin_gradients import twin_convolution

LAYERS: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 4, 20, 17), (6, 2, 3, 3), {"groups": 2, "padding": 1, "stride": 2}),
    ((1, 1, 24, 24), (2, 1, 3, 3), {"dilation": 3, "padding": 2, "padding_mode": "reflect"}),
    ((1, 2, 22, 21), (1, 2, 19, 4), {}),
)
HOW = (
    {"pack": True},
    {"pack": False},
    {"pack": True, "product": "optical"},
    {"pack": False, "precision": "best"},
)


def layer_of(x: NDArray[Any], w: NDArray[Any], options: dict[str, Any]) -> tuple[Any, ...]:
    """Output, its cotangent, and both exact gradients."""
    inputs = x.shape[1]
    layer = torch.nn.Conv2d(inputs, w.shape[0], w.shape[2:], bias=False, **options)
    layer.weight.data = torch.from_numpy(w)
    picture = torch.from_numpy(x).requires_grad_()
    y = layer(picture)
    g = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    exact = torch.autograd.grad(y, (picture, layer.weight), g)
    return y.detach().numpy(), g.numpy(), *(grad.numpy() for grad in exact)


def drawn(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[NDArray[np.float32]]:
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("layout", ["mft", "4f"])
@pytest.mark.parametrize(("x_shape", "w_shape", "options"), LAYERS)
def test_an_ideal_devices_twin_is_exact(
    rng: np.random.Generator,
    layout: str,
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    options: dict[str, Any],
) -> None:
    """In double precision; what is left is the float32 of torch's own gradients."""
    x, w = drawn(rng, x_shape, w_shape)
    y, g, *exact = layer_of(x, w, options)
    with open_device("emulator:ideal", device__n=16, device__layout=layout) as device:
        nominal = nominal_calibration(device.info)
        for how in HOW[:: 1 if layout == "mft" else 3]:
            seen = twin_convolution(nominal, device.info, x, w, **options, **how)
            assert np.linalg.norm(seen - y) < 1e-5 * np.linalg.norm(y)
            found = device.convolve2d_twin_gradients(g, x, w, **options, **how)
            for mine, wanted in zip(found, exact, strict=True):
                assert mine.dtype == np.float32
                assert np.linalg.norm(mine - wanted) < 1e-5 * np.linalg.norm(wanted)
        assert device.telemetry().frames == 0


def test_the_twin_foretells_the_chips_floor(
    rng: np.random.Generator, calibrated: Callable[..., Device]
) -> None:
    """Packed on 4f no pedestal lifts a picture: much of the error is the twin's as well."""
    x, w = drawn(rng, (4, 1, 30, 30), (4, 1, 3, 3))
    x = x**5  # mostly near zero
    y, *_ = layer_of(x, w, {})
    with calibrated("emulator:lab4f", seed=7, device__n=32) as device:
        assert device.calibration is not None
        options: dict[str, Any] = {"pack": True}
        seen = device.convolve2d(x, w, **options)
        foretold = twin_convolution(device.calibration, device.info, x, w, **options)
    assert np.linalg.norm(seen - foretold) < 0.8 * np.linalg.norm(seen - y)


def test_lab_gradients_point_where_the_exact_ones_do(
    rng: np.random.Generator, calibrated: Callable[..., Device]
) -> None:
    """The input's less: bins below the floor keep their amplitude, and their phase turns."""
    x, w = drawn(rng, (2, 2, 30, 30), (3, 2, 3, 3))
    _, g, *exact = layer_of(x, w, {"padding": 1})
    with calibrated("emulator:lab", seed=7, device__n=32) as device:
        before = device.telemetry()
        found = device.convolve2d_twin_gradients(g, x, w, padding=1)
        assert device.telemetry().device_time_s == before.device_time_s
    for mine, wanted, least in zip(found, exact, (0.98, 0.999), strict=True):
        assert cosine(mine, wanted) > least


def test_its_derivative_is_that_of_what_it_shows(calibrated: Callable[..., Device]) -> None:
    """Against central differences of the chain without rounding, amplitudes above the floor."""
    rng = np.random.default_rng(2)
    with calibrated("emulator:lab", seed=7, device__n=16) as device:
        assert device.calibration is not None
        chain = TwinChain(device.calibration, device.info)
    chain._dac_bits = 0
    phase = np.exp(2j * np.pi * rng.random((1, 16, 16)))
    x = torch.from_numpy(rng.uniform(0.3, 0.9, (1, 16, 16)) * phase)
    x[0, 0, 0] = 1.0  # sets the scale, and stays
    step = torch.from_numpy(rng.standard_normal((1, 16, 16, 2)) @ np.array([1, 1j]))
    step[0, 0, 0] = 0
    weight = torch.from_numpy(rng.standard_normal((1, 16, 16, 2)) @ np.array([1, 1j]))

    def value(at: Any) -> Any:
        return (chain.transform(at) * weight.conj()).real.sum()

    leaf = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(value(leaf), leaf)
    along = float((slope.conj() * step).real.sum())
    wide = float(value(x + 1e-5 * step) - value(x - 1e-5 * step)) / 2e-5
    # Second differences of a chain that is smooth here: (1e-5)^2 of third derivatives of order 100.
    assert along == pytest.approx(wide, rel=1e-6)


def test_a_residual_frame_is_differentiated_too(
    rng: np.random.Generator, calibrated: Callable[..., Device]
) -> None:
    """Where the first stage stands alone at its floor, the second frame restores the slope."""
    x, w = drawn(rng, (2, 1, 30, 30), (2, 1, 3, 3))
    _, g, _, exact = layer_of(x, w, {})
    single = PassOptions("single")
    found = []
    with calibrated("emulator:lab", seed=7, device__n=32) as device:
        for products in (single, PassOptions("single", residual=True)):
            _, dw = device.convolve2d_twin_gradients(
                g, x, w, precision=Precision("own", single, products), product="optical"
            )
            found.append(np.linalg.norm(dw - exact) / np.linalg.norm(exact))
    assert found[1] < found[0]


def test_only_what_is_wanted_and_only_what_fits(rng: np.random.Generator) -> None:
    x, w, g = drawn(rng, (1, 1, 8, 8), (1, 1, 3, 3), (1, 1, 6, 6))
    with open_device("emulator:ideal", device__n=16) as device:
        of_x, none = device.convolve2d_twin_gradients(g, x, w, wanted=(True, False))
        assert none is None
        assert of_x.shape == x.shape
        assert device.convolve2d_twin_gradients(g, x, w, wanted=(False, False)) == (None, None)
        with pytest.raises(ShapeError, match="grad_output"):
            device.convolve2d_twin_gradients(g[..., :5], x, w)
    with (
        open_device("emulator:ideal", device__n=16, device__detection="intensity") as device,
        pytest.raises(CapabilityError, match="phase"),
    ):
        device.convolve2d_twin_gradients(g, x, w)
