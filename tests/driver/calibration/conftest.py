"""What the calibration tests share: calibrated small devices, and the yardsticks beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from driver import Calibration, Device, open_device
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile

# reference_codec and convolution_error are plain modules one folder up.
sys.path.insert(0, str(Path(__file__).parents[1]))

SEED = 5
SIZE = 32


@dataclass
class Specimen:
    """An emulated device, its calibration as measured, and the truth."""

    device: Device
    calibration: Calibration
    truth: Fabrication
    progress: list[tuple[str, float]]


def _calibrated(seed: int, **overrides: Any) -> Specimen:
    device = open_device("emulator:lab", seed=seed, **overrides)
    progress: list[tuple[str, float]] = []
    calibration = device.calibrate(progress=lambda name, share: progress.append((name, share)))
    truth = fabricate(load_profile("lab", **overrides), seed)
    return Specimen(device, calibration, truth, progress)


@pytest.fixture(scope="session")
def specimen() -> Iterator[Specimen]:
    """A calibrated 32 x 32 `lab` device."""
    made = _calibrated(SEED, device__n=SIZE)
    yield made
    made.device.close()


@pytest.fixture
def calibrate_specimen() -> Callable[..., Specimen]:
    """Opens and calibrates a `lab` device of a seed and overrides; the caller closes it."""
    return _calibrated


@pytest.fixture
def perfect_calibration_of() -> Any:
    """The all-knowing calibration of a specimen."""
    from conftest import perfect_calibration  # of tests/driver

    def perfect(made: Specimen) -> Calibration:
        size = made.device.info.grid[0]
        return perfect_calibration(made.device, made.truth.seed, device__n=size)

    return perfect
