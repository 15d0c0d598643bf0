"""One layer, 4×16×64×64, 16 → 16: forward pass and training step, electronic and by light."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from driver import Device
from driver.plan import ConvolutionPlan
from nn import convert_to_optical
from opticonv.host import fourier_convolution


def _name(group: str, layer: nn.Conv2d) -> str:
    return f"{group}, {layer.kernel_size[0]}×{layer.kernel_size[1]}"


@torch.no_grad()
def bench_forward_conv2d(benchmark: Any, layer: nn.Conv2d, pictures: torch.Tensor) -> None:
    benchmark.group = _name("forward", layer)
    benchmark(layer, pictures)


@torch.no_grad()
def bench_forward_fft(benchmark: Any, layer: nn.Conv2d, pictures: torch.Tensor) -> None:
    benchmark.group = _name("forward", layer)
    benchmark(fourier_convolution(layer.weight, pictures.shape[-1]), pictures)


@pytest.mark.parametrize("precision", ["fast", "balanced", "best"])
@torch.no_grad()
def bench_forward_light(
    benchmark: Any,
    layer: nn.Conv2d,
    pictures: torch.Tensor,
    lab: Device,
    costs_of: Callable[[ConvolutionPlan], dict[str, float]],
    precision: Any,
) -> None:
    benchmark.group = _name("forward", layer)
    plan = ConvolutionPlan.for_shapes(
        pictures.shape,
        layer.weight.shape,
        grid=lab.info.grid[0],
        padding=layer.kernel_size[0] // 2,
        precision=precision,
    )
    benchmark.extra_info |= costs_of(plan)
    benchmark(convert_to_optical(layer, lab, precision=precision), pictures)


def _step(layer: nn.Module, pictures: torch.Tensor) -> None:
    output = layer(pictures)
    output.backward(torch.ones_like(output))


def bench_training_conv2d(benchmark: Any, layer: nn.Conv2d, pictures: torch.Tensor) -> None:
    benchmark.group = _name("training step", layer)
    benchmark(_step, layer, pictures.clone().requires_grad_())


@pytest.mark.parametrize("gradient", ["exact", "optical"])
def bench_training_light(
    benchmark: Any, layer: nn.Conv2d, pictures: torch.Tensor, lab: Device, gradient: Any
) -> None:
    benchmark.group = _name("training step", layer)
    optical = convert_to_optical(layer, lab, gradient=gradient)
    benchmark(_step, optical, pictures.clone().requires_grad_())
