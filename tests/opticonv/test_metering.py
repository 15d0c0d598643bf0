from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional

from driver import Device, open_device
from driver.convolution import convolve2d
from driver.errors import CapabilityError
from nn import OpticalConv2d
from opticonv import metering
from opticonv.enlarging import load_network
from opticonv.metering import MeteredDevice, plan_network, relative_error


@pytest.fixture
def device() -> Iterator[Device]:
    with open_device("emulator:ideal", device__n=32) as device:
        yield device


def test_a_layer_cannot_tell_it_from_the_device(device: Device) -> None:
    torch.manual_seed(0)
    layer = OpticalConv2d(3, 4, 3, padding=1, padding_mode="reflect", stride=2, optics=device)
    x = torch.rand(2, 3, 20, 31)
    expected = layer(x)
    meter = MeteredDevice(device, check=True)
    layer.optics = meter
    assert torch.equal(layer(x), expected)
    (run,) = meter.convolutions
    assert run.plan.macs.gemm == 2 * 10 * 16 * 3 * 4 * 9
    # The ideal device's own accuracy.
    assert 0 < relative_error([run]) < 1e-5


def test_error_is_that_of_the_definition(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    x, w = torch.rand(1, 2, 16, 16), torch.randn(3, 2, 3, 3)
    wrong = torch.randn(1, 3, 14, 14)
    monkeypatch.setattr(
        metering, "convolve2d", lambda _, x, w, **__: functional.conv2d(x, w) + wrong
    )
    meter = MeteredDevice(device, check=True)
    meter.convolve2d(x, w)
    variance = functional.conv2d(x, w).double().var((2, 3), correction=0).sum().item() * 14 * 14
    expected = math.sqrt(wrong.double().square().sum().item() / variance)
    # float32 sums of 588 values
    assert relative_error(meter.convolutions) == pytest.approx(expected, rel=1e-5)


def test_accounts_are_separate_and_add_up(device: Device) -> None:
    x, w = torch.rand(1, 2, 16, 16), torch.randn(3, 2, 3, 3)
    meter = MeteredDevice(device)
    meter.convolve2d(x, w)
    first = meter.cost()
    meter.start()
    meter.convolve2d(x, w)
    meter.convolve2d(x, w)
    second = meter.cost()
    (plan,) = {run.plan for run in meter.convolutions}
    assert first.frames == plan.frames
    assert second.frames == 2 * plan.frames
    both = first + second
    assert both.frames == 3 * plan.frames == device.telemetry().frames
    assert both.gemm_macs == 3 * plan.macs.gemm
    assert both.spectral_macs == 3 * plan.macs.spectral
    assert both.device_time_s == pytest.approx(device.telemetry().device_time_s)
    assert both.energy_j == pytest.approx(both.device_time_s * device.info.power_w)
    assert second.device_time_s == pytest.approx(
        2
        * (
            plan.device_time_s(device.info.timing)
            - plan.pilots * device.info.timing.frame_us() / 1e6
        )
    )  # no pilots: an ideal device does not drift


def test_transforms_are_the_devices_own(device: Device) -> None:
    x, w = torch.rand(1, 2, 16, 16), torch.randn(3, 2, 3, 3)
    expected = convolve2d(device, x, w, padding=1)
    assert torch.equal(MeteredDevice(device).convolve2d(x, w, padding=(1, 1)), expected)


def test_darkness_is_refused_as_by_the_device(device: Device) -> None:
    device.params["laser_enabled"] = False
    with pytest.raises(CapabilityError):
        MeteredDevice(device).convolve2d(torch.rand(1, 2, 16, 16), torch.randn(3, 2, 3, 3))
    assert device.telemetry().frames == 0


def test_a_metered_convolution_is_one_job(device: Device) -> None:
    meter = MeteredDevice(device)
    meter.convolve2d(torch.rand(1, 2, 16, 16), torch.randn(3, 2, 3, 3))
    assert device.last_result is not None
    assert device.last_result.frames == meter.cost().frames


def test_plan_of_the_network_counts_its_known_macs() -> None:
    plans = plan_network(load_network("original"), (32, 32), grid=64, precision="balanced")
    assert next(iter(plans)) == "c1"
    assert list(plans)[-1] == "cf"
    assert sum(plan.macs.gemm for plan in plans.values()) == 29_798_400
