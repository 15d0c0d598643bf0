from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

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


class Peculiar(nn.Conv2d):
    """A convolution that is more than one."""


class PeculiarByLight(OpticalConv2d):
    """Likewise."""


def test_what_would_be_lost_or_cannot_change_is_refused_by_name(stand_in: Any) -> None:
    model = nn.Sequential(Peculiar(1, 1, 3))
    with pytest.raises(ValueError, match="0 is a Peculiar"):
        convert_to_optical(model, stand_in)
    convert_to_optical(model, stand_in, skip=["0"])
    with pytest.raises(ValueError, match="0 is a PeculiarByLight"):
        convert_to_electronic(nn.Sequential(PeculiarByLight(1, 1, 3, optics=stand_in)))
    with pytest.raises(ValueError, match="run the model once"):
        convert_to_optical(nn.Sequential(nn.LazyConv2d(4, 3)), stand_in)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_scripted_part_is_refused_and_not_left_electronic_in_silence(stand_in: Any) -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3), torch.jit.script(nn.Conv2d(1, 1, 3)))
    with pytest.raises(ValueError, match="1 is scripted"):
        convert_to_optical(model, stand_in)
    assert type(convert_to_optical(model, stand_in, skip="1")[0]) is OpticalConv2d
    other = nn.Sequential(nn.Conv2d(1, 1, 3), torch.jit.script(nn.ReLU()))
    assert type(convert_to_optical(other, stand_in)[0]) is OpticalConv2d


def _pruned(layer: nn.Conv2d) -> nn.Conv2d:
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


NORMALISED: dict[str, Callable[[nn.Conv2d], nn.Module]] = {
    "weight normalisation": parametrizations.weight_norm,
    "orthogonal": parametrizations.orthogonal,
    "weight normalisation by hook": nn.utils.weight_norm,
    "spectral normalisation by hook": nn.utils.spectral_norm,
    "pruning": _pruned,
}


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm:FutureWarning")
@pytest.mark.parametrize("kind", NORMALISED)
def test_weights_that_are_computed_stay_so_there_and_back(kind: str, stand_in: Any) -> None:
    model = nn.Sequential(NORMALISED[kind](nn.Conv2d(2, 4, 3)), nn.ReLU())
    input = torch.randn(1, 2, 6, 6)
    model(input)  # a hook has set a weight that is no leaf
    model.eval()
    optical = convert_to_optical(model, stand_in)
    torch.testing.assert_close(optical(input), model(input))
    assert stand_in.calls == 1
    with torch.no_grad():
        for parameter in model.parameters():  # theirs too
            parameter.mul_(1.5)
    torch.testing.assert_close(optical(input), model(input))
    optical(input).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert optical.state_dict().keys() == model.state_dict().keys()
    calls = stand_in.calls
    torch.testing.assert_close(convert_to_electronic(optical)(input), model(input))
    assert stand_in.calls == calls


def test_a_parametrization_is_taken_off_one_copy_alone(stand_in: Any) -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Conv2d(1, 1, 3)))
    optical = convert_to_optical(model, stand_in)
    nn.utils.parametrize.remove_parametrizations(optical[0], "weight")
    assert type(optical[0]) is OpticalConv2d
    input = torch.randn(1, 1, 5, 5)
    torch.testing.assert_close(optical(input), model(input))


class Aliased(nn.Module):
    """Calls its layer through a list, which knows nothing of modules, and keeps what came out."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3)
        self.aliases = [self.layer]
        self.last: torch.Tensor | None = None

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        self.last = self.aliases[0](input)
        assert self.last is not None
        return self.last


def test_other_names_of_a_layer_become_optical_too(stand_in: Any) -> None:
    model = Aliased()
    model(torch.randn(1, 1, 4, 4))
    optical = convert_to_optical(model, stand_in)
    assert optical.aliases[0] is optical.layer
    optical(torch.randn(1, 1, 4, 4))
    assert stand_in.calls == 1
    assert type(model.layer) is nn.Conv2d


def test_skip_takes_patterns(stand_in: Any) -> None:
    optical = convert_to_optical(Nested(), stand_in, skip="inner.*")
    assert type(optical.get_submodule("inner.2")) is nn.Conv2d
    assert isinstance(optical.first, OpticalConv2d)
    with pytest.raises(ValueError, match=r"outer\.\*"):
        convert_to_optical(Nested(), stand_in, skip="outer.*")
