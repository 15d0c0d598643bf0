"""The camera's figures: of the dark, of light, of none."""

from __future__ import annotations

import numpy as np
import pytest

from driver import open_device
from driver.calibration import dark, photon_transfer, run_laboratory
from driver.calibration.bench import Bench
from optical_device.fabrication import fabricate
from optical_device.profile import load_profile


@pytest.mark.parametrize("seed", [2, 7])
def test_saturation_is_the_full_well_or_the_end_of_the_adc(seed):
    with open_device("emulator:lab", seed=seed, device__n=32) as device:
        bench = Bench(device)
        dark.run(bench)
        photon_transfer.run(bench)
        truth = fabricate(load_profile("lab", device__n=32), seed)
        well = np.rint(truth.full_well_e / truth.gain_e_per_dn + truth.black_level_dn)
        assert bench.saturation_dn == min(well, device.info.count_max) - 0.5


def test_a_camera_without_limits_never_saturates():
    with open_device("emulator:ideal", device__n=32) as device:
        bench = Bench(device)
        dark.run(bench)
        photon_transfer.run(bench)
    assert bench.saturation_dn == np.inf
    assert bench.read_noise_dn == 0
    assert bench.gain_e_per_dn == device.info.nominal.gain_e_per_dn


def test_hot_pixels_and_noisy_ones_are_found():
    class Warm:
        """A camera with one pixel that is always bright and one that flickers."""

        def __init__(self, device):
            self.device, self.info, self.rng = device, device.info, np.random.default_rng(0)

        def expose(self, codes, **options):
            counts = self.device.expose(codes, **options)
            counts[..., 3, 4] = 900
            flicker = self.rng.integers(0, 80, counts.shape[:-2])
            counts[..., 20, 9] += flicker.astype(counts.dtype)
            return counts

    with open_device("emulator:lab", seed=2, device__n=32) as device:
        bench = Bench(Warm(device))
        found = dark.run(bench)
    assert np.argwhere(bench.camera_dead).tolist() == [[3, 4], [20, 9]]
    assert found.verdict == "degraded"
    assert "hot pixels 2" in found.reason


def test_a_routine_brings_what_it_builds_on():
    with open_device("emulator:lab", seed=2, device__n=32) as device:
        laboratory = run_laboratory(device, routine="photon_transfer")
    assert [report.routine for report in laboratory.reports] == ["dark", "photon_transfer"]
    assert laboratory.calibration is None
    assert laboratory.reports[0].frames > 0
    assert laboratory.reports[0].device_time_s > 0
