"""The camera's figures against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from driver import open_device
from driver.calibration.dark import measure_camera


def test_black_level_and_read_noise(specimen):
    """64 dark images.  Black: read noise 4 DN / 8 a pixel, 6 sigma.  Read noise: the variance of
    64 * 1024 samples is known to sqrt(2 / 65536) = 0.55 %, its root to half of it, times the gain's
    0.6 % (below); 6 sigma of both.  Dark current adds 2 e- of shot noise to 10^4: 1e-4."""
    truth, calibration = specimen.truth, specimen.calibration
    exposure_s = specimen.device.info.timing.exposure_us * 1e-6
    dark = truth.black_level_dn + truth.dark_e_per_s_map * exposure_s / truth.gain_e_per_dn
    noise = truth.read_noise_e / truth.gain_e_per_dn
    assert np.max(np.abs(calibration.black_dn - dark)) < 6 * noise / 8
    assert calibration.read_noise_e == pytest.approx(truth.read_noise_e, rel=6 * 0.007)


def test_system_gain(specimen):
    """16 pairs of 1024 pixels: variance to sqrt(2 / 16384) = 1.1 %, of which the read noise's share
    (100^2 against 14400 e-) is subtracted: 1.1 % * 24400 / 14400 = 1.9 % of the gain; 6 sigma."""
    assert specimen.calibration.gain_e_per_dn == pytest.approx(
        specimen.truth.gain_e_per_dn, rel=6 * 0.019
    )


@pytest.mark.parametrize("seed", [2, 7])
def test_saturation_is_the_full_well_or_the_end_of_the_adc(seed):
    with open_device("emulator:lab", seed=seed, device__n=32) as device:
        from optical_device.fabrication import fabricate
        from optical_device.profile import load_profile

        truth = fabricate(load_profile("lab", device__n=32), seed)
        well = np.rint(truth.full_well_e / truth.gain_e_per_dn + truth.black_level_dn)
        assert measure_camera(device).saturation_dn == min(well, device.info.count_max) - 0.5


def test_a_camera_without_limits_never_saturates():
    with open_device("emulator:ideal", device__n=32) as device:
        camera = measure_camera(device)
    assert camera.saturation_dn == np.inf
    assert camera.read_noise_e == 0
    assert camera.gain_e_per_dn == device.info.nominal.gain_e_per_dn
