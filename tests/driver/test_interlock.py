"""The over-temperature interlock: which job trips it, and what is left of a device then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import assert_counts_agree
from numpy.typing import NDArray

from driver import Device, open_device
from driver.errors import OverTemperatureError
from optical_device.golden import GoldenDevice, OverTemperature
from optical_device.profile import load_profile

CodesFor = Callable[..., NDArray[Any]]

HOT: dict[str, Any] = {"device__n": 16, "thermal__substrate_k_px_per_w": 20.0 * 16**2}
"""Full power of 1,024 heaters warms the chip by 29 K; the interlock allows 6 K."""


def warm_and_hot(device: Device, codes_for: CodesFor) -> NDArray[np.uint16]:
    """Six frames at a third of full drive, 3 K, but the fourth and the sixth at full drive."""
    codes = codes_for(device, 6) // 3
    codes[[3, 5]] = int(device.info.code_max)
    return codes


@pytest.mark.parametrize("threads", [1, 2, 6])
@pytest.mark.parametrize("profile", ["lab", "lab4f"])
def test_a_job_with_a_frame_too_hot_fails_as_the_golden_one_does(
    codes_for: CodesFor, profile: str, threads: int
) -> None:
    golden = GoldenDevice(load_profile(profile, **HOT), 7)
    with open_device(f"emulator:{profile}", seed=7, threads=threads, **HOT) as device:
        codes = warm_and_hot(device, codes_for)
        assert_counts_agree(device.expose(codes[:3]), golden.expose(codes[:3]))
        with pytest.raises(OverTemperature) as expected:
            golden.expose(codes)
        with pytest.raises(OverTemperatureError) as seen:
            device.expose(codes)
        # The first frame that is too hot, for any number of threads.
        assert str(seen.value) == str(expected.value)
        assert "frame 6 " in str(seen.value)
        told, result = device.telemetry(), device.last_result
        assert told.frames == golden.frames == 9
        assert round(told.device_time_s * 1e9) == golden.device_time_ns
        assert told.faults == 1
        assert result is not None
        assert result.over_temperature
        assert result.frames == 6
        assert result.end_s == told.device_time_s
        # Heaters are off: the sensor tells so, and the next frame remembers it.
        assert told.temperature_k == pytest.approx(golden.sensors()[0], abs=1e-6)
        assert_counts_agree(device.expose(codes[:1]), golden.expose(codes[:1]))
        assert device.last_result is not None
        assert not device.last_result.over_temperature


def test_a_transform_too_hot_fails_and_its_time_has_passed(
    calibrated: Callable[..., Device], targets: Callable[..., NDArray[np.complex64]]
) -> None:
    options = {**HOT, "thermal__interlock_k": 300.0}
    seen = []
    for threads in (1, 2):
        with calibrated("emulator:lab", seed=7, threads=threads, **options) as device:
            with pytest.raises(OverTemperatureError) as error:
                device.transform(targets(20, 16, 16))
            told = device.telemetry()
            assert told.frames > 20
            assert told.device_time_s > 20e-6 * device.info.timing.frame_us(1)
            assert device.last_result is not None
            assert device.last_result.over_temperature
            seen.append((str(error.value), told.frames, told.device_time_s))
    assert seen[0] == seen[1]
