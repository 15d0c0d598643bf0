from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from nn import VGGFeatureLoss, mge_loss, vgg_feature_loss
from nn.losses import FEATURE_SCALE, sobel_gradients


@pytest.fixture
def vgg_state() -> dict[str, torch.Tensor]:
    """VGG-16's first four convolutions with random weights, and one that isn't wanted."""
    generator = torch.Generator().manual_seed(3)
    shapes = {0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128)}
    state = {}
    for index, (out, into) in shapes.items():
        state[f"features.{index}.weight"] = 0.05 * torch.randn(out, into, 3, 3, generator=generator)
        state[f"features.{index}.bias"] = torch.randn(out, generator=generator)
    return state


def test_sobel_gradient_of_a_ramp_is_its_slope() -> None:
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(7.0), indexing="ij")
    vertical, horizontal = sobel_gradients((2.0 * rows + 5.0 * columns)[None, None])
    assert torch.equal(vertical[..., 1:-1, 1:-1], torch.full((1, 1, 4, 5), 2.0))
    assert torch.equal(horizontal[..., 1:-1, 1:-1], torch.full((1, 1, 4, 5), 5.0))


def test_mge_is_the_published_kernels_per_channel() -> None:
    output, target = torch.rand(2, 3, 9, 8), torch.rand(2, 3, 9, 8)
    kernel = torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]]) / 8
    expected = torch.zeros(())
    padded = functional.pad(output - target, (1, 1, 1, 1), mode="replicate")
    for matrix in (kernel, kernel.T):
        gradient = functional.conv2d(padded, matrix.expand(3, 1, 3, 3), groups=3)
        expected = expected + gradient.square().mean() / 2
    torch.testing.assert_close(mge_loss(output, target), expected)


def test_opposite_errors_of_two_channels_do_not_cancel() -> None:
    target = torch.zeros(1, 3, 8, 8)
    output = target.clone()
    output[:, 0, :4], output[:, 1, :4] = 1.0, -1.0
    assert mge_loss(output, target) > 0.01


def test_mge_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        mge_loss(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5))
    with pytest.raises(ValueError, match=r"\(n, C, H, W\)"):
        mge_loss(torch.zeros(3, 4, 4), torch.zeros(3, 4, 4))


def test_feature_loss_is_that_of_the_layers_by_hand(vgg_state: dict[str, torch.Tensor]) -> None:
    vgg = VGGFeatureLoss(vgg_state)
    output, target = torch.rand(2, 3, 16, 12), torch.rand(2, 3, 16, 12)

    def features(picture: torch.Tensor) -> torch.Tensor:
        mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        hidden = (picture - mean) / std
        for index in (0, 2, 5, 7):
            if index == 5:
                hidden = functional.max_pool2d(hidden, 2)
            weight, bias = (
                vgg_state[f"features.{index}.weight"],
                vgg_state[f"features.{index}.bias"],
            )
            hidden = functional.conv2d(hidden, weight, bias, padding=1).relu()
        return hidden

    expected = functional.mse_loss(features(output), features(target)) / FEATURE_SCALE**2
    torch.testing.assert_close(vgg_feature_loss(output, target, vgg), expected)


def test_feature_network_is_frozen_and_stays_in_eval(vgg_state: dict[str, torch.Tensor]) -> None:
    vgg = VGGFeatureLoss(vgg_state).train()
    assert not vgg.training
    assert not vgg.features.training
    output = torch.rand(1, 3, 8, 8, requires_grad=True)
    vgg(output, torch.rand(1, 3, 8, 8)).backward()
    assert output.grad is not None
    assert all(parameter.grad is None for parameter in vgg.parameters())


def test_feature_weights_come_from_a_file(
    vgg_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    save_file(vgg_state, tmp_path / "vgg.safetensors")
    torch.save(vgg_state, tmp_path / "vgg.pth")
    pair = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    first = VGGFeatureLoss.from_file(tmp_path / "vgg.safetensors")(*pair)
    second = VGGFeatureLoss.from_file(tmp_path / "vgg.pth")(*pair)
    assert torch.equal(first, second)
    with pytest.raises(FileNotFoundError, match="no VGG-16 weights"):
        VGGFeatureLoss.from_file(tmp_path / "missing.pth")
    for name in ("text.pth", "text.safetensors"):
        (tmp_path / name).write_text("no weights")
        with pytest.raises(ValueError, match=f"{name} holds no weights that can be read"):
            VGGFeatureLoss.from_file(tmp_path / name)
    del vgg_state["features.5.bias"]
    with pytest.raises(ValueError, match=r"features\.5\.bias"):
        VGGFeatureLoss(vgg_state)


def test_feature_loss_refuses_other_shapes(vgg_state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match=r"\(n, 3, H, W\)"):
        vgg_feature_loss(
            torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8), VGGFeatureLoss(vgg_state)
        )
