from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from nn import OpticalConv2d, SuperResolutionModel, convert_to_electronic, convert_to_optical


class Nested(nn.Module):
    """A layer used twice under two names, a nested one, and one that isn't a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")
        self.again = self.first
        self.inner = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 2))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.inner(self.first(input))
        return output


def test_every_convolution_is_converted_and_weights_are_shared(stand_in: Any) -> None:
    model = Nested().eval()
    optical = convert_to_optical(model, stand_in, precision="fast")
    kinds = [type(m) for m in optical.modules() if isinstance(m, nn.Conv2d)]
    assert kinds == [OpticalConv2d] * 3
    assert optical.first is optical.again
    assert [type(m) for m in model.modules() if isinstance(m, nn.Conv2d)] == [nn.Conv2d] * 3
    for mine, theirs in zip(optical.parameters(), model.parameters(), strict=True):
        assert mine is theirs
    assert all(
        mine is theirs for mine, theirs in zip(optical.buffers(), model.buffers(), strict=True)
    )
    assert list(optical.state_dict()) == list(model.state_dict())
    assert not optical.training
    input = torch.randn(1, 3, 6, 6)
    torch.testing.assert_close(optical(input), model(input))
    assert stand_in.calls == 3


def test_back_to_electronic_leaves_nothing_optical(stand_in: Any) -> None:
    model = SuperResolutionModel(optical=True, optics=stand_in)
    electronic = convert_to_electronic(model)
    assert not any(isinstance(m, OpticalConv2d) for m in electronic.modules())
    assert electronic.c1.__dict__.keys() == nn.Conv2d(3, 4, 3).__dict__.keys()
    input = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(electronic(input), model(input))


def test_skipped_layers_stay_electronic(stand_in: Any) -> None:
    optical = convert_to_optical(Nested(), stand_in, skip=["inner"])
    assert isinstance(optical.first, OpticalConv2d)
    assert type(optical.get_submodule("inner.0")) is nn.Conv2d
    optical = convert_to_optical(Nested(), stand_in, skip="inner.2")
    assert isinstance(optical.get_submodule("inner.0"), OpticalConv2d)
    assert type(optical.get_submodule("inner.2")) is nn.Conv2d
    with pytest.raises(ValueError, match="outer"):
        convert_to_optical(Nested(), stand_in, skip=["outer"])


def test_a_single_layer_is_a_model_too(stand_in: Any) -> None:
    layer = nn.Conv2d(1, 1, 3)
    optical = convert_to_optical(layer, stand_in)
    assert isinstance(optical, OpticalConv2d)
    assert optical.weight is layer.weight


def test_hooks_travel_and_optical_layers_change_device(stand_in: Any) -> None:
    layer = nn.Conv2d(1, 1, 3)
    seen: list[torch.Size] = []
    layer.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    first = convert_to_optical(layer, stand_in)
    other = type(stand_in)()
    second = convert_to_optical(first, other)
    second(torch.zeros(1, 1, 4, 4))
    assert seen == [(1, 1, 2, 2)]
    assert (stand_in.calls, other.calls) == (0, 1)


def test_a_layer_with_a_behaviour_of_its_own_is_not_converted_silently(stand_in: Any) -> None:
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 1, 3)))
    with pytest.raises(ValueError, match="skip"):
        convert_to_optical(model, stand_in)
    convert_to_optical(model, stand_in, skip=["0"])
