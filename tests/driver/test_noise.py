"""Noise of the device's camera: real, independent, and the same for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from optical_device.fabrication import fabricate
from optical_device.noise import camera_normals
from optical_device.profile import load_profile

SEED = 7

CodesFor = Callable[..., NDArray[Any]]

DARK = {"laser": "off", "reference": "only"}
"""The shortest frames with noise: one dark step."""


def dark_noise(device: Device, codes: NDArray[Any]) -> NDArray[np.float64]:
    """Dark counts less their mean over frames."""
    counts = device.expose(codes, **DARK)[:, 0].astype(np.float64)
    return counts - counts.mean(0)


def test_noise_is_independent_from_pixel_to_pixel_frame_to_frame_seed_to_seed() -> None:
    codes = np.zeros((64, 2, 2, 32, 32), np.uint16)
    with (
        open_device("emulator:lab", seed=1, device__n=32) as one,
        open_device("emulator:lab", seed=2, device__n=32) as two,
    ):
        a, later, b = dark_noise(one, codes), dark_noise(one, codes), dark_noise(two, codes)
    neighbours = [
        (a, later), (a, b),
        (a[:, :, 1:], a[:, :, :-1]), (a[:, 1:], a[:, :-1]), (a[:, :, ::2], a[:, :, 1::2]),
        (a[2::2], a[1:-1:2]),
    ]  # fmt: skip
    for x, y in neighbours:
        # A correlation of M independent pairs has sigma 1/sqrt(M); 6.11 sigma for 1e-9. Subtracting
        # the mean over 64 frames adds -1/64 between frames of one pixel, none between others.
        r = np.sum(x * y) / np.sqrt(np.sum(x * x) * np.sum(y * y))
        between_frames = x.shape[0] == 31
        assert abs(r + (1 / 63 if between_frames else 0)) < 6.11 / np.sqrt(x.size)


def test_steps_and_exposures_of_a_frame_have_noise_of_their_own() -> None:
    codes = np.zeros((16, 2, 2, 32, 32), np.uint16)
    with open_device("emulator:lab", seed=1, device__n=32) as device:
        counts = device.expose(codes, laser="off", launch_step=np.zeros((16, 3), np.uint8))
    noise = (counts - counts.mean((0, 1, 2))).reshape(16, 12, -1).swapaxes(0, 1).reshape(12, -1)
    r = np.corrcoef(noise)[np.triu_indices(12, 1)]
    # The pixel's mean over 16 * 12 draws is subtracted: -1/191 between any two.
    assert np.max(np.abs(r + 1 / 191)) < 6.6 / np.sqrt(noise.shape[1])  # 66 pairs at 1e-9 in all


def test_noise_has_the_camera_s_width() -> None:
    """Read and dark noise as fabricated, plus that of rounding: 1/12 DN^2."""
    fab = fabricate(load_profile("lab", device__n=32), 1)
    codes = np.zeros((100, 2, 2, 32, 32), np.uint16)
    with open_device("emulator:lab", seed=1, device__n=32) as device:
        variance = np.mean(dark_noise(device, codes) ** 2) * 100 / 99
    dark_e = np.mean(fab.dark_e_per_s_map) * 100e-6
    expected = (fab.read_noise_e**2 + dark_e) / fab.gain_e_per_dn**2 + 1 / 12
    # A variance of M Gaussians has a relative sigma of sqrt(2/M); 6.11 of them.
    assert variance == pytest.approx(expected, rel=6.11 * np.sqrt(2 / (99 * 1024)))


def test_first_draws_are_pinned() -> None:
    """A change of these numbers changes every device's noise: a new ABI, not a refactoring."""
    normals = camera_normals(7, 0, 64, 1, 4)[0]
    drawn = normals[:, 0, :3].round(6).tolist()
    assert drawn == PINNED_NORMALS
    codes = np.zeros((1, 2, 2, 64, 64), np.uint16)
    with open_device("emulator:lab", seed=7) as device:
        counts = device.expose(codes, laser="off")
    assert counts[0, :, 0, :3].tolist() == PINNED_DARK_COUNTS


PINNED_NORMALS = [
    [-0.096266, -0.218706, 1.79824],
    [0.30308, -1.467435, -0.029315],
    [0.581971, -0.454927, -0.146657],
    [0.549576, 0.886931, 1.661329],
]
PINNED_DARK_COUNTS = [[65, 64, 72], [66, 59, 65], [67, 63, 64], [67, 68, 71]]


def test_a_constant_signal_has_no_variance_after_an_ideal_converter(codes_for: CodesFor) -> None:
    """No quantisation noise is added on top of real rounding."""
    quiet = {"device__n": 16, "device__adc_bits": 12, "device__dac_bits": 14}
    with open_device("emulator:ideal", seed=SEED, **quiet) as device:
        counts = device.expose(np.repeat(codes_for(device, 1), 5, axis=0))
    assert len(np.unique(counts)) > 50
    assert np.all(counts == counts[0])


@pytest.mark.parametrize("full_well_e", [5e4, 1e7])
def test_saturation_clips_and_does_not_wrap(full_well_e: float, codes_for: CodesFor) -> None:
    """At a shallow full well, and at the converter's end: the light is 115,000 DN, above 2^16."""
    options = {"device__n": 16, "camera__full_well_e": full_well_e}
    fab = fabricate(load_profile("lab", **options), SEED)
    with open_device("emulator:lab", seed=SEED, **options) as device:
        device.params["laser_mw"] = 20.0
        counts = device.expose(codes_for(device, 2), "only", 10000.0)
    full_dn = fab.full_well_e / fab.gain_e_per_dn + fab.black_level_dn
    assert np.all(np.abs(counts - min(full_dn, 4095.0)) <= 0.501)


def test_denormals_survive_the_library(codes_for: CodesFor) -> None:
    """-ffast-math at link time would switch them off for the whole process."""
    with open_device("emulator:lab", seed=SEED, device__n=16) as device:
        device.expose(codes_for(device, 2))
    assert np.float32(1e-40) * np.float32(0.5) > 0
