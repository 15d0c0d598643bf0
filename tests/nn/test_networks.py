from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nn import NetworkConfig, SuperResolutionModel, build_network
from nn.networks.residual import ResidualModel
from nn.sampling import bicubic_upsample

FORMS: list[dict[str, Any]] = [
    {"form": "original"},
    {"form": "stacked", "depth": 3, "lengths": [2, 1], "kernel_size": 5},
    {"form": "zero_insertion", "depth": 3, "lengths": [2, 1]},
    {"form": "single", "depth": 6, "length": 2},
    {"form": "unet", "depth": 4, "levels": 2, "lengths": [1, 1]},
    {"form": "residual", "channels": 8, "blocks": 2},
]


@pytest.fixture(params=FORMS, ids=lambda config: config["form"])
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    result: dict[str, Any] = request.param
    return result


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 7, 5), (0, 3, 6, 6)])
def test_enlarges_any_size(config: dict[str, Any], shape: tuple[int, ...]) -> None:
    network = build_network(config)
    output = network(torch.rand(shape))
    scale = network.scale
    assert output.shape == (shape[0], 3, scale * shape[2], scale * shape[3])


@pytest.mark.parametrize("input", [torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.rand(3, 8, 8)])
def test_refuses_what_is_no_batch_of_pictures(config: dict[str, Any], input: torch.Tensor) -> None:
    with pytest.raises((TypeError, ValueError), match="pictures must"):
        build_network(config)(input)


def test_an_output_depends_on_nothing_beyond_the_halo(config: dict[str, Any]) -> None:
    """And on something at it, or within the coarsest pixel: the halo is no larger than needed."""
    torch.manual_seed(0)
    network = build_network(config).double()
    halo, scale = network.halo, network.scale
    size = 4 * ((2 * halo + 8) // 4)
    grain = getattr(network, "coarsest", 1)
    middle = size // 2 // grain * grain
    input = torch.rand(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    block = slice(scale * middle, scale * (middle + 1))
    (gradient,) = torch.autograd.grad(network(input)[..., block, block].square().sum(), input)
    seen = gradient.abs().amax((0, 1)) > 0
    rows = seen.any(1).nonzero().flatten() - middle
    assert rows.abs().max() <= halo
    assert rows.abs().max() > halo - 2 * grain


def test_one_checkpoint_runs_on_both(config: dict[str, Any], stand_in: Any) -> None:
    electronic = build_network(config)
    optical = build_network(config, optical=True, optics=stand_in)
    optical.load_state_dict(electronic.state_dict())
    input = torch.rand(2, 3, 6, 5)
    with torch.no_grad():
        # Same kernels; biases are added in another order: float32 rounding over the layers.
        assert torch.allclose(optical(input), electronic(input), atol=1e-5)
    convolutions = sum(isinstance(module, nn.Conv2d) for module in electronic.modules())
    assert stand_in.calls == convolutions


def test_learns(config: dict[str, Any]) -> None:
    """Every parameter gets a gradient, and a few steps lower the error."""
    torch.manual_seed(1)
    network = build_network(config)
    input = torch.rand(2, 3, 6, 6)
    target = bicubic_upsample(input, network.scale).square()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    losses = []
    for _ in range(12):
        loss = (network(input) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"form": "residual", "channel": 8}, "channel"),
        ({"form": "stacked", "kernel_size": 4}, "odd"),
        ({"form": "stacked", "lengths": []}, "lengths"),
        ({"form": "unet", "depth": 2}, "depth"),
        ({"form": "resnet"}, "form"),
        ({}, "form"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        build_network(wrong)


def test_the_original_is_the_stacked_form_of_its_sizes() -> None:
    original, stacked = build_network({"form": "original"}), build_network({"form": "stacked"})
    assert isinstance(original, SuperResolutionModel)
    assert original.state_dict().keys() == stacked.state_dict().keys()
    assert original.scale == 8


def test_residual_starts_as_the_bicubic_enlargement() -> None:
    network = ResidualModel(channels=4, blocks=1)
    with torch.no_grad():
        network.tail.weight.zero_()
        input = torch.rand(1, 3, 9, 8)
        # Sums of at most 25 products of order 1 in float32.
        assert torch.allclose(network(input), bicubic_upsample(input), atol=1e-5)


def test_the_strong_size_stays_under_one_and_a_half_million_parameters() -> None:
    network = build_network({"form": "residual"})
    assert sum(parameter.numel() for parameter in network.parameters()) < 1_500_000


def _macs(config: NetworkConfig | dict[str, Any]) -> int:
    network = build_network(config).to("meta")
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, 32, 32, device="meta"))
    return counter.get_total_flops() // 2


def test_zero_insertion_wastes_products_on_zeros() -> None:
    """One block: 4·(2k-1)²·d² per pixel against the sub-pixel form's 4·k²·d²."""
    sizes: dict[str, Any] = {"depth": 4, "lengths": [1], "kernel_size": 3}
    rims = 32 * 32 * 3 * 4 * 9 + 64 * 64 * 4 * 3
    sub_pixel = _macs({"form": "stacked", **sizes}) - rims
    zeros = _macs({"form": "zero_insertion", **sizes}) - rims
    assert sub_pixel == 32 * 32 * 4 * 9 * 16
    assert zeros == 32 * 32 * 4 * 25 * 16
