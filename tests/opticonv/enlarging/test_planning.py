from __future__ import annotations

import torch

from driver import open_device
from nn import convert_to_optical
from opticonv.enlarging import enlarge, load_network, planned_frames
from opticonv.metering import MeteredDevice


def test_frames_are_as_planned() -> None:
    network = load_network("original")
    shown: list[int] = []
    with open_device("emulator:ideal", device__n=32) as device:
        meter = MeteredDevice(device, on_frames=shown.append)
        optical = convert_to_optical(network, meter, precision="best")
        enlarge(optical, torch.zeros(3, 9, 20, dtype=torch.uint8), tile=13)
        cost = meter.cost()
    planned = planned_frames(network, (9, 20), grid=32, precision="best", tile=13)
    assert sum(shown) == planned
    assert cost.frames - cost.pilots - cost.retries == planned
    assert cost.device_time_s > 0
