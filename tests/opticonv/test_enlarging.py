from __future__ import annotations

import pytest
import torch

import opticonv.enlarging
from driver import open_device
from nn import convert_to_optical
from opticonv.enlarging import enlarge, load_network, planned_frames
from opticonv.metering import MeteredDevice


@pytest.fixture
def windows_of_13(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opticonv.enlarging, "WINDOW", 13)


@pytest.mark.usefixtures("windows_of_13")
@pytest.mark.parametrize("size", [(1, 1), (13, 14), (40, 27)])
def test_window_by_window_is_the_same_as_at_once(size: tuple[int, int]) -> None:
    network = load_network("original").double()
    picture = torch.randint(256, (3, *size), dtype=torch.uint8, generator=torch.manual_seed(0))
    # enlarge() feeds float32; a float64 network keeps rounding differences of it out of sight.
    doubled = torch.nn.Sequential(_Double(), network)
    with torch.no_grad():
        whole = doubled(picture[None].float() / 255.0)[0]
    expected = (whole.clamp(0, 1) * 255).round().to(torch.uint8)
    parts: list[float] = []
    assert torch.equal(enlarge(doubled, picture, parts.append), expected)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


class _Double(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.double()


@pytest.mark.usefixtures("windows_of_13")
def test_frames_are_as_planned() -> None:
    network = load_network("original")
    shown: list[int] = []
    with open_device("emulator:ideal", device__n=32) as device:
        meter = MeteredDevice(device, on_frames=shown.append)
        optical = convert_to_optical(network, meter, precision="best")
        enlarge(optical, torch.zeros(3, 9, 20, dtype=torch.uint8))
        cost = meter.cost()
    planned = planned_frames(network, (9, 20), grid=32, precision="best")
    assert sum(shown) == planned
    assert cost.frames - cost.pilots - cost.retries == planned
    assert cost.device_time_s > 0
