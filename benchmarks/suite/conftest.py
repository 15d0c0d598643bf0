"""What the benchmarks share: calibrated devices, two threads, and one layer to compare on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

import pytest
import torch
from torch import nn

from driver import Device, open_device
from driver.plan import ConvolutionPlan

BATCH, CHANNELS, SIZE = 4, 16, 64


@pytest.fixture(scope="session", autouse=True)
def _two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def lab() -> Iterator[Device]:
    """A calibrated laboratory device."""
    with open_device("emulator:lab", seed=7) as device:
        device.calibrate()
        yield device


@pytest.fixture(scope="session")
def costs_of(lab: Device) -> Callable[[ConvolutionPlan], dict[str, float]]:
    """What a plan counts, to be kept as `extra_info` beside the timing of its execution."""

    def costs(plan: ConvolutionPlan) -> dict[str, float]:
        return {
            "frames": plan.frames,
            "pilots": plan.pilots,
            "exposures": plan.exposures,
            "device_time_s": plan.device_time_s(lab.info.timing),
            "energy_j": plan.energy_j(lab.info.timing, lab.info.power_w),
            **{f"macs_{name}": macs for name, macs in asdict(plan.macs).items()},
            "macs_electronic": plan.macs.electronic,
        }

    return costs


@pytest.fixture(scope="session")
def pictures() -> torch.Tensor:
    """(4, 16, 64, 64), smooth enough to be pictures."""
    torch.manual_seed(0)
    rough = torch.rand(BATCH, CHANNELS, SIZE // 8, SIZE // 8)
    return nn.functional.interpolate(rough, (SIZE, SIZE), mode="bicubic", align_corners=False)


@pytest.fixture(scope="session", params=[3, 11])
def layer(request: pytest.FixtureRequest) -> nn.Conv2d:
    """16 → 16 channels, 3×3 and 11×11."""
    torch.manual_seed(1)
    kernel: int = request.param
    return nn.Conv2d(CHANNELS, CHANNELS, kernel, padding=kernel // 2)
