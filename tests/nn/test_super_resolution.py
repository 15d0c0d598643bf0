from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from nn import SuperResolutionModel, UpsampleBlock, channel_upsample2d
from nn.data import prepare_photo
from nn.judging import bicubic_quality, evaluate
from nn.pretrained import available_weights, model_card


def test_has_the_originals_parameters_and_keys() -> None:
    model = SuperResolutionModel()
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_183
    layers = [
        "c1",
        *(f"c_stem.{i}.conv_layers.{j}" for i, n in enumerate((4, 2, 1)) for j in range(n)),
    ]
    expected = [f"{layer}.{kind}" for layer in [*layers, "cf"] for kind in ("weight", "bias")]
    assert list(model.state_dict()) == expected


@pytest.mark.parametrize(("size", "macs"), [(32, 29_798_400), (256, 1_907_097_600)])
def test_costs_the_originals_multiply_accumulates(size: int, macs: int) -> None:
    model = SuperResolutionModel().to("meta")
    with FlopCounterMode(display=False) as counter:
        output = model(torch.empty(1, 3, size, size, device="meta"))
    assert output.shape == (1, 3, 8 * size, 8 * size)
    assert counter.get_total_flops() == 2 * macs


def test_every_block_starts_free_of_checkerboards() -> None:
    model = SuperResolutionModel()
    for block in model.c_stem:
        input = torch.randn(1, 4, 5, 6)
        enlarged = block(input)
        nearest = enlarged[..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2)
        # Equal kernels give equal sums up to the order of float32 additions.
        assert torch.allclose(enlarged, nearest, atol=1e-6)


def test_block_adds_its_input_to_every_sub_channel() -> None:
    block = UpsampleBlock(2, 1, 3, 1)
    with torch.no_grad():
        zeros = torch.zeros(8, 2, 3, 3)
        block.load_state_dict(
            {"conv_layers.0.weight": zeros, "conv_layers.0.bias": torch.arange(8.0)}
        )
        input = torch.randn(1, 2, 4, 4)
        expected = channel_upsample2d(torch.arange(8.0).view(1, 8, 1, 1).expand(1, 8, 4, 4))
        expected = expected + functional.interpolate(input, scale_factor=2, mode="nearest")
        assert torch.equal(block(input), expected)


def test_padding_is_replicate_so_a_flat_picture_stays_flat() -> None:
    with torch.no_grad():
        output = SuperResolutionModel()(torch.full((1, 3, 5, 5), 0.4))
    # 13 layers of float32 rounding, each of relative size 6e-8, on values of order 1.
    assert (output - output[..., :1, :1]).abs().max() < 1e-5


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 7, 4), (0, 3, 5, 5)])
def test_takes_any_size(shape: tuple[int, ...]) -> None:
    output = SuperResolutionModel()(torch.rand(shape))
    assert output.shape == (shape[0], 3, 8 * shape[2], 8 * shape[3])


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 3, 0, 8), (1, 8, 8, 3)])
def test_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(n, 3, H, W\)"):
        SuperResolutionModel()(torch.rand(shape))


@pytest.mark.parametrize("input", [torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "picture"])
def test_refuses_other_types(input: Any) -> None:
    with pytest.raises(TypeError, match="floating-point"):
        SuperResolutionModel()(input)


@pytest.mark.parametrize(("length", "kernel_size"), [(0, 3), (1, 5)])
def test_block_refuses_what_its_residual_cannot_hold(length: int, kernel_size: int) -> None:
    with pytest.raises(ValueError, match="convolution"):
        UpsampleBlock(4, length, kernel_size, 1)


def test_one_checkpoint_runs_on_both(stand_in: Any) -> None:
    electronic = SuperResolutionModel()
    optical = SuperResolutionModel(optical=True, optics=stand_in)
    optical.load_state_dict(electronic.state_dict())
    input = torch.rand(2, 3, 6, 5)
    with torch.no_grad():
        # Same kernels; biases are added in another order: float32 rounding over 13 layers.
        assert torch.allclose(optical(input), electronic(input), atol=1e-5)
    assert stand_in.calls == 9


def test_shipped_weights_do_what_their_card_says() -> None:
    assert "original" in available_weights()
    for figures in model_card("original").quality.values():
        assert figures["electronic"]["psnr_rgb_db"] > figures["bicubic"]["psnr_rgb_db"]
    model = SuperResolutionModel.from_pretrained("original")
    assert not model.training
    target = prepare_photo(Image.fromarray(data.coffee())).float() / 255.0
    assert evaluate(model, target).psnr_rgb_db > bicubic_quality(target).psnr_rgb_db


def test_unknown_weights_are_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="original"):
        SuperResolutionModel.from_pretrained("nobody")
