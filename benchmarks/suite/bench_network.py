"""The super-resolution network, and what follows a network's shapes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from driver import Device
from driver.plan import _plan
from driver.tiling import lay_out
from nn import SuperResolutionModel
from opticonv.counting import count_network
from opticonv.networks import BUILT_IN


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("kind", ["electronic", "fast", "balanced"])
@torch.no_grad()
def bench_super_resolution(benchmark: Any, lab: Device, kind: str, size: int) -> None:
    benchmark.group = f"super-resolution, {size}² to {8 * size}²"
    optical = kind != "electronic"
    model = SuperResolutionModel.from_pretrained("original", optical=optical, optics=lab)
    for layer in model.modules():
        if hasattr(layer, "precision"):
            layer.precision = kind  # type: ignore[assignment]
    torch.manual_seed(0)
    benchmark.pedantic(model, (torch.rand(1, 3, size, size),), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("batch", [1, 128])
def bench_planning(benchmark: Any, batch: int) -> None:
    benchmark.group = "planning ResNet-18 anew"

    def anew() -> None:
        _plan.cache_clear()
        lay_out.cache_clear()
        count_network(BUILT_IN["resnet18"], grid=64, batch=batch)

    benchmark.pedantic(anew, rounds=3)
