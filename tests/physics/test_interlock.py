"""The interlock, at the boundary: it trips at the temperature that a finite-difference chip has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boundary import FORMS, behind_chip, four_steps, opened
from numpy.typing import NDArray
from sheet import chip_rise

from driver.errors import OverTemperatureError
from optical_device.golden import OverTemperature

N = 8
FULL_MW, K_PER_W, AMBIENT_K = 1.4, 50.0, 298.0
LIMIT_K = 304.0
GUARDED = {
    "device__n": N,
    "thermal__substrate_k_px_per_w": K_PER_W * N**2,
    "thermal__substrate_length_grids": 0.5,
    "thermal__interlock_k": LIMIT_K,
}
TRIP = {"golden": OverTemperature, "emulator": OverTemperatureError}


def at_kelvin(rise_k: float, frames: int = 1, stages: tuple[int, ...] = (0, 1)) -> NDArray[Any]:
    """Codes of even power on both heaters of these stages, whose chip warms by `rise_k` on average.

    The finite-difference chip's mean rise over its power is 1, whatever the shape.
    """
    heaters = 2 * len(stages) * N**2
    mean_rise = chip_rise(np.full((N, N), 1.0 / N**2), 0.5).mean()
    each_w = rise_k / (K_PER_W * mean_rise * heaters)
    codes = np.zeros((frames, 2, 2, N, N), np.float32)
    codes[:, list(stages)] = np.sqrt(each_w / (1e-3 * FULL_MW))
    return codes


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", ["mft", "4f"])
def test_it_trips_above_its_temperature_and_not_below(form: str, layout: str) -> None:
    limit = LIMIT_K - AMBIENT_K
    # In layout 4f each stage is a chip: one alone reaches the limit with half of the power.
    stages = (0, 1) if layout == "mft" else (1,)
    with opened(form, "ideal", 7, device__layout=layout, **GUARDED) as device:
        device.expose(at_kelvin(0.999 * limit, stages=stages))
        with pytest.raises(TRIP[form], match="304"):
            device.expose(at_kelvin(1.001 * limit, stages=stages))
    if layout == "4f":
        with opened(form, "ideal", 7, device__layout=layout, **GUARDED) as device:
            # Both at once are no hotter than the hotter one: 1.6 times the limit's power in all.
            device.expose(at_kelvin(1.6 * limit, stages=(0, 1)))


@pytest.mark.parametrize("form", FORMS)
def test_a_job_that_trips_is_void_but_not_free(form: str) -> None:
    # The fourth of five frames is too hot.  Time passes and frames count for the whole job, no
    # counts come back, and the heaters are off: the next frame remembers nothing.
    options = GUARDED | {"thermal__tau_us": 200.0}
    cold = np.zeros((1, 2, 2, N, N), np.float32)
    warm = at_kelvin(3.0, 5)
    warm[3] = at_kelvin(7.0)
    with opened(form, "ideal", 7, **options) as device, pytest.raises(TRIP[form]):
        device.expose(warm)
    with opened(form, "ideal", 7, **options) as device:
        with pytest.raises(TRIP[form]):
            device.expose(warm)
        after = behind_chip(four_steps(device.expose(cold)))
        clock = clock_s(device)
    with opened(form, "ideal", 7, **options) as device:
        device.expose(at_kelvin(3.0, 5))
        remembering = behind_chip(four_steps(device.expose(cold)))
        assert clock == pytest.approx(clock_s(device), abs=1e-9)
    with opened(form, "ideal", 7, **options) as device:
        never = behind_chip(four_steps(device.expose(cold)))
    np.testing.assert_allclose(after, never, rtol=1e-5)
    # e^-4 of the 3 K frame's phases would have been left.
    assert np.abs(remembering / never - 1).max() > 1e-3


def clock_s(device: Any) -> float:
    if hasattr(device, "device_time_ns"):
        return float(device.device_time_ns) * 1e-9
    return float(device.telemetry().device_time_s)


@pytest.mark.parametrize("form", FORMS)
def test_the_sensor_feels_the_chips_own_warmth(form: str) -> None:
    with opened(form, "ideal", 7, **GUARDED) as device:
        readings = []
        for rise in (0.0, 2.0, 5.0):
            device.expose(at_kelvin(rise))
            if form == "golden":
                readings.append(device.sensors()[0])
            else:
                readings.append(device.telemetry().temperature_k)
    np.testing.assert_allclose(np.array(readings) - AMBIENT_K, [0.0, 2.0, 5.0], atol=1e-3)
