"""`optical_conv1d` and `OpticalConv1d` against torch's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from driver import Device
from nn import OpticalConv1d, convert_to_electronic, convert_to_optical, optical_conv1d

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "strided": {"stride": 3, "padding": 2},
    "dilated groups": {"dilation": 2, "groups": 2, "padding": 4, "padding_mode": "reflect"},
    "same": {"padding": "same", "padding_mode": "circular"},
    "no bias": {"bias": False, "padding": 1, "padding_mode": "replicate"},
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("gradient", ["exact", "optical"])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_torchs(case: str, gradient: Any, stand_in: Any) -> None:
    torch.manual_seed(0)
    electronic = nn.Conv1d(4, 6, 4, **CASES[case])
    optical = OpticalConv1d(4, 6, 4, **CASES[case], optics=stand_in, gradient=gradient)
    optical.load_state_dict(electronic.state_dict())
    first = torch.randn(2, 4, 31, requires_grad=True)
    second = first.detach().clone().requires_grad_()
    expected, output = electronic(first), optical(second)
    torch.testing.assert_close(output, expected)
    expected.square().sum().backward()
    output.square().sum().backward()
    # Sums of up to 62 products of order 10 in float32, in another order.
    torch.testing.assert_close(second.grad, first.grad, atol=1e-4, rtol=1e-5)
    for wanted, found in zip(electronic.parameters(), optical.parameters(), strict=True):
        torch.testing.assert_close(found.grad, wanted.grad, atol=1e-4, rtol=1e-5)


def test_ideal_device_at_any_length(ideal: Device) -> None:
    torch.manual_seed(1)
    for length, kernel in ((5, 5), (64, 1), (200, 9), (300, 90)):
        input, weight = torch.randn(2, 3, length), torch.randn(4, 3, kernel)
        exact = functional.conv1d(input, weight)
        error = optical_conv1d(input, weight, optics=ideal) - exact
        # The acceptance bound of the ideal device.
        assert error.norm() < 1e-5 * exact.norm()


def test_unbatched_and_vmapped(stand_in: Any) -> None:
    input, weight = torch.randn(3, 2, 20), torch.randn(4, 2, 5)
    wanted = functional.conv1d(input, weight, padding="same")

    def layer(input: torch.Tensor) -> torch.Tensor:
        return optical_conv1d(input, weight, padding="same", optics=stand_in)

    torch.testing.assert_close(layer(input[0]), wanted[0])
    torch.testing.assert_close(torch.vmap(layer)(input), wanted)


WRONG: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "channels": ((1, 3, 8), {}),
    "too short": ((1, 2, 2), {}),
    "two strides": ((1, 2, 8), {"stride": (1, 2)}),
    "dilation": ((1, 2, 8), {"dilation": 0}),
    "a picture": ((1, 2, 8, 8), {}),
    "same with stride": ((1, 2, 8), {"padding": "same", "stride": 2}),
    "a word": ((1, 2, 8), {"stride": "two"}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_torch_refuses_is_refused(case: str, stand_in: Any) -> None:
    shape, options = WRONG[case]
    input, weight = torch.randn(shape), torch.randn(4, 2, 3)
    with pytest.raises(Exception) as torchs:  # noqa: PT011
        functional.conv1d(input, weight, **options)
    with pytest.raises(torchs.type):
        optical_conv1d(input, weight, optics=stand_in, **options)
    assert stand_in.calls == 0


def test_conversion_there_and_back(stand_in: Any) -> None:
    model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.Conv1d(3, 1, 1))
    optical = convert_to_optical(model, stand_in, skip="2")
    assert [type(m) for m in optical.children()] == [OpticalConv1d, nn.ReLU, nn.Conv1d]
    input = torch.randn(1, 2, 9)
    torch.testing.assert_close(optical(input), model(input))
    back = convert_to_electronic(optical)
    assert [type(m) for m in back.children()] == [nn.Conv1d, nn.ReLU, nn.Conv1d]
    assert back.state_dict().keys() == model.state_dict().keys()
