"""A convolution needs light: in the dark it is refused, although its polynomials need none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from driver import Device, open_device
from driver.errors import BackendError, CapabilityError
from driver.light import check_pilot

N = 16
X = np.random.default_rng(1).random((2, 3, 24, 20), dtype=np.float32)
W = np.random.default_rng(2).standard_normal((4, 3, 3, 3)).astype(np.float32)

Opener = Callable[..., Device]
Unexposed = Callable[[Device], contextlib.AbstractContextManager[None]]


@pytest.fixture(params=["emulator:lab", "emulator:ideal"])
def device(request: pytest.FixtureRequest, calibrated: Opener) -> Iterator[Device]:
    opened = calibrated if request.param == "emulator:lab" else open_device
    with opened(request.param, seed=7, device__n=N) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "value"), [("laser_enabled", False), ("laser_mw", 0.0), ("reference_fraction", 0.0)]
)
def test_without_light_it_is_refused_before_any_frame(
    device: Device, name: str, value: float | bool, no_frame_exposed: Unexposed
) -> None:
    lit = device.convolve2d(X, W)
    nominal = device.params[name]
    device.params[name] = value
    with no_frame_exposed(device), pytest.raises(CapabilityError, match=name):
        device.convolve2d(X, W)
    device.params[name] = nominal
    # Noise between two runs of one convolution is a few per cent of it at most.
    again = device.convolve2d(X, W)
    assert np.linalg.norm(again - lit) < 0.1 * np.linalg.norm(lit)


def test_a_dark_pilot_is_an_error(lab: Device) -> None:
    """The laser is on, and yet next to nothing arrives: a fibre is loose."""
    lab.params["laser_mw"] = 1e-3 * float(lab.params["laser_mw"])
    with pytest.raises(BackendError, match="pilot"):
        lab.convolve2d(X, W)
    result = lab.last_result
    assert result is not None
    assert result.pilots > 0
    assert lab.telemetry().frames == result.frames


def test_only_the_job_s_own_pilots_tell(lab: Device) -> None:
    lab.transform(np.ones((1, N, N), np.complex64))
    result = lab.last_result
    assert result is not None
    check_pilot(result, 0.9)
    check_pilot(replace(result, pilots=0), 0.0)
    with pytest.raises(BackendError):
        check_pilot(result, 0.0)


def test_a_laser_switched_off_on_the_way_is_noticed(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    transform = device.transform

    def and_off(*args: Any, **options: Any) -> Any:
        seen = transform(*args, **options)
        device.params["laser_enabled"] = False
        return seen

    monkeypatch.setattr(device, "transform", and_off)
    with pytest.raises(CapabilityError, match="laser_enabled"):
        device.convolve2d(X, W)
