"""One channel, picture and kernel growing together or the kernel fixed: direct, by FFT, by light.

`opticonv scaling` draws the same growth further, with the counts beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from driver import Device
from driver.plan import ConvolutionPlan
from opticonv.host import fourier_convolution

SIZES = (32, 64, 128)

Costs = Callable[[ConvolutionPlan], dict[str, float]]


def kernel_of(size: int, growing: bool) -> int:
    """A quarter of the picture's side (odd), or 3."""
    return size // 4 + 1 if growing else 3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("growing", [True, False], ids=["quarter", "3x3"])
@pytest.mark.parametrize("way", ["direct", "fft", "light"])
@torch.no_grad()
def bench_growth(
    benchmark: Any, lab: Device, costs_of: Costs, way: str, growing: bool, size: int
) -> None:
    kernel = kernel_of(size, growing)
    benchmark.group = f"one channel, {size}² picture, {kernel}×{kernel} kernel"
    torch.manual_seed(0)
    picture, weight = torch.rand(1, 1, size, size), torch.rand(1, 1, kernel, kernel)
    if way == "direct":
        benchmark(functional.conv2d, picture, weight, padding=kernel // 2)
    elif way == "fft":
        benchmark(fourier_convolution(weight, size), picture)
    else:
        plan = ConvolutionPlan.for_shapes(
            picture.shape, weight.shape, grid=lab.info.grid[0], padding=kernel // 2
        )
        benchmark.extra_info |= costs_of(plan)
        benchmark(lab.convolve2d, picture, weight, padding=kernel // 2)
