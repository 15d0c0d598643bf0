"""The data sheet as a calibration: exact for `ideal`, useless for `lab`."""

from __future__ import annotations

import numpy as np
import reference_codec
from convolution_error import convolution_error, photograph_tiles, without_polynomial

from driver import open_device
from driver.calibration import nominal_calibration


def test_nominal_is_exact_for_a_device_without_errors():
    """float32 counts of 600 DN resolve 600 * 6e-8 = 4e-5 DN of spectra of 100 DN and more RMS, and
    the kernels' float32 phases add 1e-6."""
    x = without_polynomial(photograph_tiles(32, 4)) + 0j
    with open_device("emulator:ideal", device__n=32) as device:
        calibration = nominal_calibration(device.info)
        encoded = reference_codec.encode(x, calibration, device.info)
        step = np.full((len(x), 1), 10, np.uint8)
        counts = device.expose(encoded.codes, launch_step=step)
        seen = reference_codec.decode(counts, step, encoded.scale, calibration)
    exact = np.fft.fft2(x, norm="ortho")
    assert np.sqrt(np.mean(np.abs(seen - exact) ** 2) / np.mean(np.abs(exact) ** 2)) < 1e-5


def test_nominal_is_useless_for_a_laboratory_device():
    """With random static phases what comes back has nothing to do with what went in: no better
    than no light at all, which leaves the detail's whole share of the output as error."""
    with open_device("emulator:lab", seed=3, device__n=32) as device:
        codec = reference_codec.Codec(device, nominal_calibration(device.info), pilots=False)
        options = {"tiles": 4, "kernels": 2}
        error = convolution_error(
            codec.transform, lambda x: codec.transform(x, inverse=True), 32, **options
        )
    darkness = convolution_error(np.zeros_like, np.zeros_like, 32, **options)
    assert error > 0.95 * darkness


def test_links_end_at_the_rim(specimen):
    links = nominal_calibration(specimen.device.info).links
    assert not np.any(links[:, :, 0, :, -1])
    assert not np.any(links[:, :, 1, -1])
    assert not np.any(links[:, :, 2, -1])
    assert not np.any(links[:, :, 2, :, -1])
    assert not np.any(links[:, :, 3, -1])
    assert not np.any(links[:, :, 3, :, 0])
    assert np.all(links[:, :, 3, :-1, 1:] == specimen.device.info.nominal.link_diagonal)
