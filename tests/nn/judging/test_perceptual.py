from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from nn.judging import PerceptualDistance, Quality
from nn.losses import IMAGENET_MEAN, IMAGENET_STD


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights under torchvision's names: what a distance is made of, not what it means."""
    torch.manual_seed(0)
    shapes = {"0": (64, 3), "2": (64, 64), "5": (128, 64), "7": (128, 128)}
    state = {}
    for key, (outputs, inputs) in shapes.items():
        layer = nn.Conv2d(inputs, outputs, 3)
        state[f"features.{key}.weight"] = layer.weight.detach()
        state[f"features.{key}.bias"] = layer.bias.detach()  # type: ignore[union-attr]
    path = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    save_file(state, path)
    return path


def test_is_the_published_sum_over_unit_feature_vectors(vgg_file: Path) -> None:
    from safetensors.torch import load_file

    state = load_file(vgg_file)
    first, second = torch.rand(2, 3, 16, 24)

    def convolved(x: torch.Tensor, key: int) -> torch.Tensor:
        weight, bias = (state[f"features.{key}.{kind}"] for kind in ("weight", "bias"))
        return functional.conv2d(x, weight, bias, padding=1).relu()

    def layers(x: torch.Tensor) -> list[torch.Tensor]:
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        one = convolved(convolved((x - mean) / std, 0), 2)
        two = convolved(convolved(functional.max_pool2d(one, 2), 5), 7)
        return [functional.normalize(f, dim=0) for f in (one, two)]

    wanted = sum(
        ((a - b) ** 2).sum() / a[0].numel()
        for a, b in zip(layers(first), layers(second), strict=True)
    )
    distance = PerceptualDistance.from_file(vgg_file)
    # float32 convolutions of 9 to 1152 terms, in two orders of addition.
    assert distance(first, second) == pytest.approx(float(wanted), rel=1e-4)


def test_grows_with_the_difference_and_is_zero_without(vgg_file: Path) -> None:
    distance = PerceptualDistance.from_file(vgg_file)
    picture, noise = torch.rand(3, 16, 16), torch.randn(3, 16, 16)
    assert distance(picture, picture) == 0.0
    assert 0 < distance(picture + 0.01 * noise, picture) < distance(picture + 0.1 * noise, picture)


def test_is_not_measured_where_no_file_is_named(vgg_file: Path) -> None:
    picture = torch.rand(3, 16, 16)
    output = picture.flip(-1)
    assert Quality.between(output, picture).perceptual is None
    distance = PerceptualDistance.from_file(vgg_file)
    measured = Quality.between(output, picture, perceptual=distance).perceptual
    assert measured is not None
    assert measured > 0


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.safetensors"):
        PerceptualDistance.from_file(tmp_path / "absent.safetensors")


def test_shapes_must_agree(vgg_file: Path) -> None:
    with pytest.raises(ValueError, match="one shape"):
        PerceptualDistance.from_file(vgg_file)(torch.zeros(3, 8, 8), torch.zeros(3, 8, 16))
