"""What the calibration tests share: calibrated small devices, and the yardsticks beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver import Calibration, Device, open_device
from driver.calibration import RoutineReport
from driver.calibration.bench import Bench
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile

# comparison is a plain module of this folder; reference_codec and convolution_error one folder up.
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parent))

import perfect_knowledge

SEED = 5
SIZE = 32


@dataclass
class Specimen:
    """An emulated device, its calibration as measured, and the truth."""

    device: Device
    calibration: Calibration
    truth: Fabrication
    progress: list[tuple[str, float]]
    reports: list[RoutineReport]

    def bench(self, device: Any = None) -> Bench:
        """A bench with the camera's figures on it, and the device or one in its place."""
        bench = Bench(self.device if device is None else device)
        bench.black_dn, bench.saturation_dn = (
            self.calibration.black_dn,
            self.calibration.saturation_dn,
        )
        bench.reference_dn = self.calibration.reference_dn
        bench.gain_e_per_dn = self.calibration.gain_e_per_dn
        bench.read_noise_dn = self.calibration.read_noise_e / self.calibration.gain_e_per_dn
        bench.dark_variance_dn2 = bench.read_noise_dn**2 + 1 / 12
        bench.black_sigma_dn = np.sqrt(bench.dark_variance_dn2 / 64) * np.ones(
            self.device.info.grid
        )
        return bench


def _calibrated(seed: int, **overrides: Any) -> Specimen:
    device = open_device("emulator:lab", seed=seed, **overrides)
    progress: list[tuple[str, float]] = []
    reports: list[RoutineReport] = []
    calibration = device.calibrate(
        progress=lambda name, share: progress.append((name, share)), on_report=reports.append
    )
    truth = fabricate(load_profile("lab", **overrides), seed)
    return Specimen(device, calibration, truth, progress, reports)


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
def perfect_calibration() -> Any:
    """The all-knowing calibration of a device: ``(device, seed, **overrides)``."""
    return perfect_knowledge.perfect_calibration


@pytest.fixture
def perfect_calibration_of() -> Any:
    """The all-knowing calibration of a specimen."""

    def perfect(made: Specimen) -> Calibration:
        size = made.device.info.grid[0]
        return perfect_knowledge.perfect_calibration(made.device, made.truth.seed, device__n=size)

    return perfect
