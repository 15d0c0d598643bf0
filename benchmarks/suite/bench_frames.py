"""A batch of 32 frames through the device, by exposure policy."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from driver import Device


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(32, 64, 64, dtype=torch.complex64)


def bench_fft(benchmark: Any, frames: torch.Tensor) -> None:
    benchmark.group = "32 frames of 64×64"
    benchmark(torch.fft.fft2, frames, norm="ortho")


@pytest.mark.parametrize("exposure", ["single", "two_gain", "averaged"])
def bench_light(benchmark: Any, lab: Device, frames: torch.Tensor, exposure: str) -> None:
    benchmark.group = "32 frames of 64×64"
    benchmark(lab.transform, frames, exposure=exposure)
