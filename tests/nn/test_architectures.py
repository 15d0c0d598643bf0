"""Other people's networks, converted unchanged, agree on the ideal device."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from driver import Device
from nn import OpticalConv2d, convert_to_electronic, convert_to_optical

sys.path.insert(0, str(Path(__file__).parent))
from architectures import EDSR, ResNet, UNet

INPUTS = {ResNet: (2, 3, 75, 64), UNet: (1, 1, 36, 68), EDSR: (1, 3, 40, 33)}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("kind", INPUTS)
def test_converts_and_agrees(kind: type[nn.Module], ideal: Device) -> None:
    torch.manual_seed(0)
    model = kind().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optical = convert_to_optical(model, ideal)
    layers = [m for m in optical.modules() if isinstance(m, nn.Conv2d)]
    assert layers
    assert all(isinstance(layer, OpticalConv2d) for layer in layers)
    input = torch.rand(INPUTS[kind])
    with torch.no_grad():
        wanted, found = model(input), optical(input)
    # Up to twelve layers in a row, each within 1e-5 of its largest values; those are less than ten
    # times what comes out.
    assert float((found - wanted).norm() / wanted.norm()) < 1e-3
    assert all(torch.equal(before[name], value) for name, value in optical.state_dict().items())
    back = convert_to_electronic(optical)
    with torch.no_grad():
        assert torch.equal(back(input), wanted)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("kind", INPUTS)
def test_trains_alike(kind: type[nn.Module], ideal: Device) -> None:
    torch.manual_seed(1)
    model = kind().eval()  # no dropout, which would differ
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            # Where nothing comes in, a bias of 0 puts a ReLU right on its kink.
            nn.init.normal_(layer.bias, std=0.1)
    optical = convert_to_optical(copy.deepcopy(model), ideal)
    input = torch.rand(INPUTS[kind])
    for each in (model, optical):
        each(input).square().mean().backward()
    for (name, wanted), found in zip(model.named_parameters(), optical.parameters(), strict=True):
        if wanted.grad is None:
            assert found.grad is None
            continue
        assert found.grad is not None
        # As above; a gradient of zero in exact arithmetic is rounding in both.
        scale = wanted.grad.norm() + 1e-5
        assert float((found.grad - wanted.grad).norm() / scale) < 1e-3, name


def test_code_that_reads_a_layers_attributes_still_can(ideal: Device) -> None:
    optical = convert_to_optical(ResNet(), ideal)
    assert optical.stride == ResNet().stride == 8
    optical.init_weights()
    edsr = convert_to_optical(EDSR(), ideal)
    assert edsr.body[0] is edsr.body[2]
