from __future__ import annotations

import pytest
import torch
from torch import nn

from nn.modules import OpticalConv2d
from nn.training.averaging import averaged, decay_after


def test_the_mean_follows_its_recursion() -> None:
    network = nn.Linear(1, 1, bias=False)
    mean = averaged(network, 0.5)
    expected = 0.0
    for step, weight in enumerate([3.0, 5.0, -1.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]):
        with torch.no_grad():
            network.weight.fill_(weight)
        mean.update_parameters(network)
        decay = decay_after(step, 0.5)
        expected = weight if step == 0 else decay * expected + (1 - decay) * weight
        assert float(mean.module.weight) == pytest.approx(expected, rel=1e-6)
    assert decay_after(1, 0.5) == 2 / 11
    assert decay_after(8, 0.5) == 0.5
    assert not mean.module.weight.requires_grad


def test_an_optical_networks_mean_shares_its_device(stand_in: object) -> None:
    network = OpticalConv2d(1, 1, 1, optics=stand_in)  # type: ignore[arg-type]
    mean = averaged(network, 0.9).module
    assert mean.optics is network.optics
    assert mean.weight is not network.weight
