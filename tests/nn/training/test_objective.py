from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from nn.losses import VGGFeatureLoss, mge_loss
from nn.pretrained import load_pretrained
from nn.sampling import decimate
from nn.training.config import LossSection
from nn.training.objective import Objective


@pytest.fixture
def vgg(tmp_path: Path) -> Path:
    """Random weights of VGG-16's first layers."""
    sizes = ((0, 64, 3), (2, 64, 64), (5, 128, 64), (7, 128, 128))
    generator = torch.Generator().manual_seed(1)
    state = {}
    for layer, out, into in sizes:
        state[f"features.{layer}.weight"] = torch.randn(out, into, 3, 3, generator=generator) / 9
        state[f"features.{layer}.bias"] = torch.zeros(out)
    save_file(state, tmp_path / "vgg.safetensors")
    return tmp_path / "vgg.safetensors"


def test_terms_have_their_names_and_the_sum_its_weights(vgg: Path) -> None:
    output, target = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    input = decimate(target)
    loss = LossSection(
        mse=2.0, mge=3.0, feature=0.5, vgg=vgg, distillation=0.25, teacher="original"
    )
    objective = Objective(loss)
    assert objective.names == ("mse", "mge", "feature", "distillation")
    with torch.no_grad():
        taught = load_pretrained("original")(input)
    expected = [
        functional.mse_loss(output, target),
        mge_loss(output, target),
        VGGFeatureLoss.from_file(vgg)(output, target),
        functional.mse_loss(output, taught),
    ]
    assert torch.equal(objective(output, target, input), torch.stack(expected))
    assert objective.weights.tolist() == [2.0, 3.0, 0.5, 0.25]


def test_terms_without_weight_are_left_out() -> None:
    assert Objective(LossSection(mse=0.0, mge=1.0)).names == ("mge",)


def test_nothing_in_it_is_trained(vgg: Path) -> None:
    objective = Objective(
        LossSection(feature=1.0, vgg=vgg, distillation=1.0, teacher="original")
    ).train()
    assert not any(parameter.requires_grad for parameter in objective.parameters())
    assert not any(module.training for module in objective.modules())


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="VGG"):
        Objective(LossSection(feature=1.0, vgg=tmp_path / "none.safetensors"))
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        Objective(LossSection(distillation=1.0, teacher=str(tmp_path / "none.safetensors")))
