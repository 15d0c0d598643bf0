"""Bad camera pixels: found through the boundary, and masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.bad_pixels import find_bad_pixels, mask_bad_pixels, masked
from driver.errors import CalibrationError

N = 32

Targets = Callable[..., NDArray[np.complex64]]
Opener = Callable[..., Device]
ErrorOf = Callable[[NDArray[Any], NDArray[Any]], float]

DEAD, HOT = [(0, 0), (3, 5), (16, 16)], [(31, 31), (3, 6)]
FAULTS = "dead_pixel=0-&dead_at=0.0,3.5,16.16&hot_pixel=0-&hot_at=31.31,3.6"


@pytest.mark.parametrize(
    "device",
    [
        "emulator:lab",
        "emulator:lab?device__detection=intensity",
        "emulator:ideal",
        "emulator:lab?device__adc_bits=0",
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_they_are_found_and_nobody_else(device: str, seed: int) -> None:
    mark = "&" if "?" in device else "?"
    uri = f"{device}{mark}device__n={N}"
    with open_device(f"fault:?{FAULTS}&of={uri}", seed=seed) as sick:
        found = find_bad_pixels(sick)
        assert [tuple(at) for at in np.argwhere(found.dead).tolist()] == DEAD
        assert sorted(tuple(at) for at in np.argwhere(found.hot).tolist()) == sorted(HOT)
        assert sick.telemetry().frames == (64 if "intensity" in device else 8)
    with open_device(uri, seed=seed) as sound:
        assert not find_bad_pixels(sound).any.any()


def test_a_device_in_the_dark_has_no_dead_pixels() -> None:
    with open_device(f"null:{N}") as device:
        assert not find_bad_pixels(device).any.any()


def test_masking_recovers_the_transform(
    calibrated: Opener, targets: Targets, error_of: ErrorOf
) -> None:
    """Hot pixels make every frame look saturated, and be repeated dimmer and dimmer.

    Masked, they cost their own bins: 5 of 1024, sqrt(5 / 1024) = 7 % of a flat spectrum.
    """
    x = targets(6, N, N)
    wanted = np.fft.fft2(x, norm="ortho")
    with calibrated("emulator:lab", seed=7, device__n=N) as device:
        sound = error_of(device.transform(x), wanted)
    with calibrated(f"fault:?{FAULTS}&of=emulator:lab", seed=7, device__n=N) as device:
        device.transform(x)
        assert device.last_result is not None
        assert device.last_result.saturated
        assert device.last_result.retries >= 4 * len(x)
        bad = mask_bad_pixels(device)
        assert bad.any.sum() == 5
        seen = device.transform(x)
        assert device.last_result.retries < 4
        assert not device.last_result.saturated
    assert not seen[:, bad.any].any()
    rest = ~bad.any
    assert error_of(seen[:, rest], wanted[:, rest]) < 1.1 * sound


def test_masking_needs_a_calibration(calibrated: Opener) -> None:
    with (
        open_device(f"emulator:lab?device__n={N}") as device,
        pytest.raises(CalibrationError, match="not calibrated"),
    ):
        mask_bad_pixels(device)
    with calibrated("emulator:lab", seed=7, device__n=N) as device:
        before = device.calibration
        assert before is not None
        assert not mask_bad_pixels(device).any.any()
        assert device.calibration is before
        with pytest.raises(CalibrationError, match="every"):
            masked(before, np.ones((N, N), bool))
