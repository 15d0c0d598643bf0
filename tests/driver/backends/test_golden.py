"""golden: the golden model behind the boundary, beside the emulator."""

from __future__ import annotations

import gc
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.errors import UnknownDeviceError, ValueRangeError

N = 16

CodesFor = Callable[..., NDArray[Any]]
Targets = Callable[..., NDArray[np.complex64]]
Opener = Callable[..., Device]
ErrorOf = Callable[[NDArray[Any], NDArray[Any]], float]


def life(uri: str, codes_for: CodesFor, **options: Any) -> tuple[list[NDArray[Any]], Any]:
    with open_device(uri, seed=7, device__n=N, threads=1, **options) as device:
        codes = codes_for(device, 4)
        seen = [device.expose(codes)]
        device.idle(1234.5)
        device.params["laser_mw"] = 4.0
        seen.append(device.expose(codes[:2], reference="off", launch_step=9, exposure_us=37.25))
        seen.append(device.expose(codes[2:], launch_step=np.array([[8, 16], [12, 20]])))
        seen.append(device.expose(codes[:1], laser="off"))
        return seen, device.telemetry()


@pytest.mark.parametrize(
    "options", [{}, {"device__adc_bits": 8, "device__dac_bits": 10}, {"timing__settle_us": 400.0}]
)
def test_counts_are_the_emulator_s_but_for_ties(codes_for: CodesFor, options: Any) -> None:
    """One count where the value is next to a rounding boundary (see test_golden_agreement)."""
    golden, told = life("golden:lab", codes_for, **options)
    emulated, also = life("emulator:lab", codes_for, **options)
    for a, b in zip(golden, emulated, strict=True):
        assert a.dtype == b.dtype
        off = np.abs(a.astype(int) - b.astype(int))
        assert np.max(off) <= 1
        assert np.mean(off > 0) <= 2e-3
    assert (told.frames, told.device_time_s) == (also.frames, also.device_time_s)
    assert told.temperature_k == pytest.approx(also.temperature_k, abs=1e-6)
    assert told.laser_mw == pytest.approx(also.laser_mw, rel=1e-6)


def test_the_data_sheet_is_the_emulator_s() -> None:
    with (
        open_device("golden:lab?seed=7&device__n=16") as golden,
        open_device("emulator:lab", seed=7, device__n=16) as emulator,
    ):
        assert golden.info == emulator.info


def test_a_calibrated_golden_device_transforms(
    calibrated: Opener, targets: Targets, error_of: ErrorOf
) -> None:
    """As well as the emulator: to what the converters' errors, which no calibration has, leave."""
    x, errors = targets(4, N, N), []
    for scheme in ("golden", "emulator"):
        with calibrated(f"{scheme}:lab", seed=7, device__n=N) as device:
            errors.append(error_of(device.transform(x), np.fft.fft2(x, norm="ortho")))
    assert errors[0] < 0.15
    assert errors[0] == pytest.approx(errors[1], rel=0.01)


def test_profiles_and_options_as_of_the_emulator() -> None:
    with pytest.raises(UnknownDeviceError, match="did you mean 'lab'"):
        open_device("golden:labb")
    for options in ({"device__n": 17}, {"seed": -1}, {"lens__nothing": 1}):
        with pytest.raises(ValueRangeError):
            open_device("golden:lab", **options)
    with pytest.raises(ValueRangeError, match="wraps no other"):
        open_device("golden:lab?of=null:4")


def test_the_truth_is_out_of_a_device_s_reach() -> None:
    """Python holds it, but not through the device."""
    skipped = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)
    with open_device("golden:lab", seed=7, device__n=N) as device:
        seen: dict[int, Any] = {}
        waiting: list[Any] = [device]
        while waiting:
            here = waiting.pop()
            if id(here) in seen or isinstance(here, skipped):
                continue
            seen[id(here)] = here
            waiting.extend(gc.get_referents(here))
        names = {type(thing).__name__ for thing in seen.values()}
    assert "DeviceInfo" in names
    assert not names & {"Fabrication", "GoldenDevice", "GoldenBackend"}
