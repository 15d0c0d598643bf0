"""The layers on emulated devices: exact on the ideal one, close on the laboratory's."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data
from torch import nn

from driver import Device, open_device
from driver.errors import CapabilityError, ClosedDeviceError, NonFiniteError, UnknownDeviceError
from nn import OpticalConv2d, SuperResolutionModel, convert_to_optical
from nn import optics as nn_optics
from nn.data import prepare_photo


def _relative_error(output: torch.Tensor, exact: torch.Tensor) -> float:
    return float((output - exact).norm() / exact.norm())


@st.composite
def _layers(draw: st.DrawFn) -> dict[str, Any]:
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    kernel = (draw(st.integers(1, 7)), draw(st.integers(1, 7)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    same = draw(st.booleans())
    # Pictures from one kernel's extent to more than a tile of 64, and no less than reflect needs.
    size = [
        draw(st.integers(max(d * (k - 1) + 1, 5), 150))
        for d, k in zip(dilation, kernel, strict=True)
    ]
    return {
        "in_channels": groups * draw(st.integers(1, 3)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
        "stride": 1 if same else (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "padding": "same" if same else (draw(st.integers(0, 4)), draw(st.integers(0, 4))),
        "dilation": dilation,
        "groups": groups,
        "bias": draw(st.booleans()),
        "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        "batch": draw(st.integers(1, 3)),
        "size": size,
        "seed": draw(st.integers(0, 2**31)),
    }


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=40, deadline=None)
@given(case=_layers())
def test_ideal_equals_torch_on_random_shapes(case: dict[str, Any], ideal: Device) -> None:
    torch.manual_seed(case["seed"])
    options = {k: v for k, v in case.items() if k not in ("seed", "batch", "size")}
    electronic = nn.Conv2d(**options)
    optical = OpticalConv2d(**options, optics=ideal)
    optical.load_state_dict(electronic.state_dict())
    input = torch.randn(case["batch"], options["in_channels"], *case["size"])
    with torch.no_grad():
        # The acceptance bound of the ideal device: two float32 transforms and their scalings.
        assert _relative_error(optical(input), electronic(input)) < 1e-5


@pytest.mark.parametrize("kernel", [(1, 1), (1, 65), (64, 2), (70, 67)])
def test_kernels_from_a_pixel_to_more_than_a_tile(kernel: tuple[int, int], ideal: Device) -> None:
    torch.manual_seed(0)
    electronic = nn.Conv2d(2, 3, kernel, padding="same")
    optical = convert_to_optical(electronic, ideal)
    input = torch.randn(1, 2, 90, 80)
    with torch.no_grad():
        # The ideal device's bound for each of up to four blocks of taps.
        assert _relative_error(optical(input), electronic(input)) < 2e-5


def test_ideal_network_equals_the_electronic_one(ideal: Device) -> None:
    electronic = SuperResolutionModel.from_pretrained("original")
    optical = SuperResolutionModel.from_pretrained("original", optical=True, optics=ideal)
    picture = torch.rand(2, 3, 33, 20)
    with torch.no_grad():
        # Nine layers in a row, each within 1e-5 and of gain of order 1.
        assert _relative_error(optical(picture), electronic(picture)) < 1e-4


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    """(1, 3, 256, 256), [0, 1]."""
    return prepare_photo(Image.fromarray(data.coffee())).float()[None] / 255.0


BOUND = 0.035 * 2.5
"""Of an error relative to the output's non-constant part: 3.5 % is the specified pooled error at
"balanced"; kernels that cancel what is common to three channels or to neighbours read up to 2.5
times that."""


def _varying(picture: torch.Tensor) -> torch.Tensor:
    return picture - picture.mean(dim=(2, 3), keepdim=True)


def test_lab_convolution_of_a_photograph_is_close_and_noisy(
    lab: Device, photograph: torch.Tensor
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 8, 3, padding=1, padding_mode="replicate", bias=False)
    optical = convert_to_optical(layer, lab)
    with torch.no_grad():
        exact, first, second = layer(photograph), optical(photograph), optical(photograph)
    assert float((first - exact).norm() / _varying(exact).norm()) < BOUND
    assert not torch.equal(first, second), "the noise is that of other frames"


def test_lab_network_is_within_0_3_db_of_the_electronic_one(
    lab: Device, photograph: torch.Tensor
) -> None:
    from nn.judging import evaluate

    electronic = SuperResolutionModel.from_pretrained("original")
    optical = convert_to_optical(electronic, lab)
    target = photograph[0]
    loss = evaluate(electronic, target).psnr_rgb_db - evaluate(optical, target).psnr_rgb_db
    assert loss < 0.3


@pytest.mark.parametrize("gradient", ["exact", "optical", "twin"])
def test_training_with_light_learns_what_electronic_training_does(
    gradient: Any, lab: Device, photograph: torch.Tensor
) -> None:
    torch.manual_seed(1)
    wanted = nn.Conv2d(3, 2, 3, padding=1)
    start = nn.Conv2d(3, 2, 3, padding=1)
    picture = photograph[..., ::4, ::4]
    with torch.no_grad():
        target = wanted(picture)

    def last_loss(layer: nn.Module) -> float:
        optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
        for _ in range(30):
            loss = nn.functional.mse_loss(layer(picture), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return loss.item()

    electronic = last_loss(copy.deepcopy(start))
    optical = last_loss(convert_to_optical(copy.deepcopy(start), lab, gradient=gradient))
    # What the noise of the last forward pass adds to the loss, and a tenth for the path there.
    assert optical < 1.1 * electronic + BOUND**2 * _varying(target).square().mean().item()


def test_lab_gradients_are_close_to_the_exact_ones(lab: Device, photograph: torch.Tensor) -> None:
    torch.manual_seed(2)
    layer = nn.Conv2d(3, 6, 3, padding=1, stride=2, groups=3, padding_mode="reflect", bias=False)
    input = photograph[..., :150, :130].clone().requires_grad_()
    cotangent = torch.randn(1, 6, 75, 65)
    exact = torch.autograd.grad(layer(input), (input, layer.weight), cotangent)
    optical = convert_to_optical(layer, lab, gradient="optical")
    found = torch.autograd.grad(optical(input), (input, layer.weight), cotangent)
    for mine, wanted in zip(found, exact, strict=True):
        assert _relative_error(mine, wanted) < BOUND


def test_the_chip_multiplies_in_a_layer_too(lab: Device, photograph: torch.Tensor) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 2, 3, padding=1, stride=2, bias=False)
    optical = convert_to_optical(layer, lab, product="optical")
    assert "product='optical'" in repr(optical)
    picture = photograph[..., :100, :90]
    before = lab.telemetry().frames
    with torch.no_grad():
        exact, found = layer(picture), optical(picture)
    spent = lab.telemetry().frames - before
    assert float((found - exact).norm() / _varying(exact).norm()) < 2 * BOUND
    with torch.no_grad():
        convert_to_optical(layer, lab)(picture)
    assert spent > 2 * (lab.telemetry().frames - before - spent)  # a frame for each pair


@pytest.mark.parametrize("padding_mode", ["zeros", "circular"])
def test_on_4f_only_the_inputs_gradient_goes_by_light(padding_mode: Any) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 4, 3, padding=1, stride=2, groups=2, padding_mode=padding_mode)
    input = torch.randn(2, 2, 13, 14, requires_grad=True)
    cotangent = torch.randn(2, 4, 7, 7)
    exact = torch.autograd.grad(layer(input), (input, layer.weight), cotangent)
    with open_device("emulator:ideal", device__n=16, device__layout="4f") as device:
        optical = convert_to_optical(layer, device, gradient="optical")
        output = optical(input)
        before = device.telemetry().frames
        found = torch.autograd.grad(output, (input, layer.weight), cotangent)
        assert device.telemetry().frames > before
        output = optical(input.detach())
        spent = device.telemetry().frames
        torch.autograd.grad(output, layer.weight, cotangent)
        assert device.telemetry().frames == spent
    for mine, wanted in zip(found, exact, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-4, rtol=1e-4)


def test_with_the_laser_off_a_layer_refuses(lab: Device, photograph: torch.Tensor) -> None:
    """What its polynomials alone would give, without light, might pass for a result."""
    optical = convert_to_optical(nn.Conv2d(3, 4, 3, padding=1), lab)
    before = lab.telemetry().frames
    lab.params["laser_enabled"] = False
    try:
        with pytest.raises(CapabilityError, match="laser_enabled"):
            optical(photograph)
    finally:
        lab.params["laser_enabled"] = True
    assert lab.telemetry().frames == before


def test_data_that_is_not_finite_is_refused(ideal: Device) -> None:
    layer = OpticalConv2d(1, 1, 3, optics=ideal)
    before = ideal.telemetry().frames
    with pytest.raises(NonFiniteError):
        layer(torch.full((1, 1, 8, 8), float("nan")))
    assert ideal.telemetry().frames == before


def test_a_wrong_uri_is_refused_when_the_layer_is_built() -> None:
    with pytest.raises(UnknownDeviceError):
        OpticalConv2d(1, 1, 3, optics="emulator:nowhere")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Forget shared devices during a test; close what it opened."""
    shared: dict[tuple[int, str], Device] = {}
    monkeypatch.setattr(nn_optics, "_shared", shared)
    yield lambda: len(shared)
    for device in shared.values():
        if not device.closed:
            device.close()


def test_layers_of_one_uri_share_one_device(opened: Callable[[], int]) -> None:
    first = OpticalConv2d(1, 1, 3, optics="emulator:ideal")
    second = OpticalConv2d(1, 1, 3, optics="emulator:ideal")
    assert first.optics is second.optics
    assert opened() == 1


def test_the_default_device_waits_for_first_use(
    opened: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn_optics, "DEFAULT_URI", "emulator:ideal")
    model = SuperResolutionModel(optical=True)
    assert opened() == 0
    model(torch.rand(1, 3, 2, 2))
    assert opened() == 1
    assert model.c1.optics is model.cf.optics


def test_a_closed_shared_device_says_so(opened: Callable[[], int]) -> None:
    layer = OpticalConv2d(1, 1, 3, optics="emulator:ideal")
    device = layer.optics
    assert isinstance(device, Device)
    device.close()
    with pytest.raises(ClosedDeviceError):
        layer(torch.zeros(1, 1, 5, 5))
