"""`probe`: its books, and that it finds the layer that hurts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

import nn as optical_nn
from driver import Device, open_device
from nn import convert_to_optical, probe
from nn.layers import convolution_calls


@pytest.fixture(scope="module")
def small() -> Iterator[Device]:
    with open_device("emulator:lab", seed=3, device__n=16) as device:
        device.calibrate()
        yield device


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.Flatten(2), nn.Conv1d(4, 2, 5),
    )  # fmt: skip


def test_books_are_the_devices_and_the_plans(small: Device) -> None:
    model, batch = _network(), torch.rand(2, 1, 12, 12)
    before = small.telemetry()
    report = probe(model, batch, small, precision="fast")
    after = small.telemetry()
    assert [layer.name for layer in report.layers] == ["0", "3", "5"]
    # Each layer ran twice: with the others, and by itself.  Pilots may fall on either.
    frames = sum(layer.frames - layer.pilots - layer.retries for layer in report.layers)
    assert (
        after.frames
        - after.pilots
        - after.retries
        - (before.frames - before.pilots - before.retries)
        == 2 * frames
    )
    calls = convolution_calls(model, batch)
    for layer, call in zip(report.layers, calls, strict=True):
        plan = call.plan(16, "fast")
        assert layer.frames - layer.pilots - layer.retries == plan.frames
        assert layer.gemm_macs == plan.macs.gemm
        assert layer.electronic_macs == plan.macs.electronic
        assert layer.energy_j == pytest.approx(layer.device_time_s * small.info.power_w)
        assert 0.001 < layer.error < 0.5
    assert report.layers[0].shape == "1 → 4, 3×3 on 2×1×12×12"
    assert report.layers[2].shape == "4 → 2, 5 on 2×4×144"


def test_finds_the_layer_that_hurts(small: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    true = Device.convolve2d

    def spoilt(self: Device, x: Any, w: Any, *args: Any, **options: Any) -> Any:
        y = true(self, x, w, *args, **options)
        return y * 1.5 if tuple(w.shape) == (4, 2, 3, 3) else y

    monkeypatch.setattr(Device, "convolve2d", spoilt)
    report = probe(_network(), torch.rand(2, 1, 12, 12), small)
    assert report.worst.name == "3"
    assert report.worst.error > 0.4, "half as much again, and of the mean too"
    assert report.verdict.startswith("3 hurts most")


def test_errors_vanish_on_the_ideal_device(ideal: Device) -> None:
    report = probe(_network(), torch.rand(1, 1, 12, 12), ideal)
    # The acceptance bound of the ideal device, a few layers in a row.
    assert max(report.error, *(max(x.error, x.damage) for x in report.layers)) < 1e-4


def test_a_layer_used_twice_is_one_row_of_two_calls(ideal: Device) -> None:
    layer = nn.Conv2d(2, 2, 3, padding=1)
    report = probe(nn.Sequential(layer, nn.ReLU(), layer), torch.rand(1, 2, 9, 9), ideal)
    (row,) = report.layers
    assert row.calls == 2


def test_only_optical_layers_of_a_mixed_model_and_its_mode_is_kept(ideal: Device) -> None:
    model = convert_to_optical(_network(), ideal, skip="0").train()
    statistics = model[1].running_mean.clone()
    report = probe(model, torch.rand(2, 1, 12, 12))
    assert [layer.name for layer in report.layers] == ["3", "5"]
    assert all(module.training for module in model.modules())
    assert torch.equal(model[1].running_mean, statistics)


def test_tells_people_and_programs(ideal: Device) -> None:
    report = probe(nn.Conv2d(1, 2, 3), torch.rand(1, 1, 9, 9), ideal)
    found = json.loads(report.to_json())
    assert found["layers"][0]["gemm_macs"] == 2 * 9 * 49
    assert found["worst"] == ""
    out = StringIO()
    Console(file=out, width=150).print(report)
    assert "the layer hurts most" in str(report)
    assert "(itself)" in out.getvalue()


def test_refuses_what_it_cannot_measure(ideal: Device, stand_in: Any) -> None:
    with pytest.raises(ValueError, match="no optical layer"):
        probe(nn.ReLU(), torch.rand(1, 1, 9, 9), ideal)
    with pytest.raises(TypeError, match="stand-in"):
        probe(nn.Conv2d(1, 1, 3), torch.rand(1, 1, 9, 9), stand_in)

    with pytest.raises(ValueError, match="one tensor"):
        probe(_Twice(), torch.rand(1, 1, 9, 9), ideal)


class _Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3)

    def forward(self, x: torch.Tensor) -> Any:
        return self.layer(x), x


def test_the_name_is_the_functions() -> None:
    assert optical_nn.probe is probe
