"""Packing switches itself off when the phase between pilots is not known well enough."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from driver import Device, PackingWarning
from driver.packing_rule import precision_for
from driver.precision import PRECISIONS
from driver.tracking import PACK_PHASE_SIGMA_RAD

N = 16


def convolve(device: Device, **options):
    rng = np.random.default_rng(0)
    x = rng.random((1, 1, 160, 160), np.float32)
    w = rng.standard_normal((2, 1, 3, 3)).astype(np.float32)
    return device.convolve2d(x, w, **options)


def frames(device: Device, **options) -> int:
    before = device.telemetry()
    convolve(device, **options)
    after = device.telemetry()
    return (after.frames - after.pilots - after.retries) - (
        before.frames - before.pilots - before.retries
    )


def test_a_quiet_laboratory_packs(calibrated):
    """One pilot's noise: 1 / (60 * 16) over the bins, 1 mrad; drift adds less in 0.1 s."""
    with calibrated("emulator:lab", seed=7, device__n=N) as device:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PackingWarning)
            first, second = frames(device), frames(device)
        assert first == second
        assert 0 < device.telemetry().phase_sigma_rad < PACK_PHASE_SIGMA_RAD


def test_a_wandering_phase_unpacks_and_says_so(calibrated):
    """A drift of 5 rad/s bends by more than 5 mrad in the 0.1 s between two pilots: its fastest
    tones, up to 1 Hz, turn its rate around within that second."""
    shaky = {"drift__reference_phase_rms_rad_per_s": 5.0}
    with calibrated("emulator:lab", seed=7, device__n=N, **shaky) as device:
        packed = frames(device)
        sigma = device.telemetry().phase_sigma_rad
        assert sigma > PACK_PHASE_SIGMA_RAD
        with pytest.warns(PackingWarning, match=f"{1e3 * sigma:.1f} mrad"):
            unpacked = frames(device)
        assert unpacked > 1.5 * packed
        with warnings.catch_warnings():
            warnings.simplefilter("error", PackingWarning)
            assert frames(device, pack=True) == packed  # the caller's own word


def test_the_tracked_sigma_is_the_error_between_pilots(calibrated):
    """Two thirds of a pilot's distance from its neighbours' line: right for noise (sqrt(2/3) of one
    pilot's, from sqrt(3/2) of it) and for random walks (sqrt(1/6) from sqrt(1/2): 0.58), cautious
    for smooth bends, whose error is 0.09 of what the distance sees at 0.5: 3.7 times."""
    shaky = {"drift__reference_phase_rms_rad_per_s": 2.0}
    with calibrated("emulator:lab", seed=7, device__n=N, **shaky) as device:
        x = np.random.default_rng(0).standard_normal((400, N, N)) + 0j
        seen = device.transform(x.astype(np.complex64), exposure="single")
        exact = np.fft.fft2(x, norm="ortho")
        turned = np.angle(np.sum(seen * np.conj(exact), (1, 2)))
        # One frame's phase has a noise of its own, 3 % / 16 = 2 mrad.
        error = np.sqrt(max(np.mean(turned**2) - 0.002**2, 0))
        sigma = device.telemetry().phase_sigma_rad
        assert error < 1.5 * sigma
        assert sigma < 3.7 * 1.2 * error + 0.001


def test_a_device_without_tracking_keeps_the_preset():
    assert precision_for(object(), "balanced", None) == PRECISIONS["balanced"]
