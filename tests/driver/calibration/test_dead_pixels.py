"""Stuck heaters and dead camera pixels, made by a device in front of the device."""

from __future__ import annotations

import numpy as np
import pytest

from driver import open_device
from driver.calibration import run_laboratory

STUCK = {(5, 7): (0, 0), (20, 11): (1, 1), (27, 30): (0, 1)}
"""Pixels, and the (stage, heater) that does not follow its code."""
DEAD = (13, 17)


class Broken:
    """Heaters that stay at half voltage, and a camera pixel that sees nothing."""

    def __init__(self, device):
        self.device, self.info = device, device.info

    def expose(self, codes, **options):
        codes = codes.copy()
        for (row, column), (stage, heater) in STUCK.items():
            codes[:, stage, heater, row, column] = self.info.code_max // 2
        counts = self.device.expose(codes, **options)
        counts[..., DEAD[0], DEAD[1]] = 64
        return counts

    def telemetry(self):
        return self.device.telemetry()


@pytest.fixture(scope="module")
def laboratory():
    with open_device("emulator:lab", seed=4, device__n=32) as device:
        yield run_laboratory(Broken(device))


def test_each_is_found_and_named(laboratory):
    report = next(r for r in laboratory.reports if r.routine == "dead_pixels")
    assert report.verdict == "degraded"
    for name in ("theta a at (5, 7)", "phi b at (20, 11)", "phi a at (27, 30)"):
        assert name in report.reason
    assert report.value("chip pixels with a stuck heater").value == len(STUCK)
    assert report.value("camera pixels dead or hot").value == 1


def test_nothing_is_computed_with_them(laboratory):
    calibration = laboratory.calibration
    dark = np.argwhere(calibration.input_map == 0)
    assert {tuple(at) for at in dark.tolist()} == set(STUCK)
    assert np.argwhere(calibration.output_map == 0).tolist() == [list(DEAD)]


def test_the_others_are_calibrated_all_the_same(laboratory):
    assert laboratory.calibration.figures["residual"] < 0.02
