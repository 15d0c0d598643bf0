"""Time and energy: the plans' figures and the host's, and where light begins to pay."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from opticonv import costing, latency, scaling
from opticonv.costing import LayerCost, break_even, cost_of_network, data_sheet
from opticonv.counting import count_network
from opticonv.host import HostLatency, fourier_convolution, measure, next_fast_length
from opticonv.networks import BUILT_IN, Network

Run = Callable[..., Any]


@pytest.mark.parametrize(("size", "kernel"), [(16, 3), (17, 5), (20, 9)])
def test_the_fft_rival_is_a_convolution(size: int, kernel: int) -> None:
    picture, weight = torch.rand(2, 3, size, size), torch.rand(4, 3, kernel, kernel)
    exact = functional.conv2d(picture, weight, padding=kernel // 2)
    found = fourier_convolution(weight, size)(picture)
    # Up to 243 products of up to 1, in float32.
    torch.testing.assert_close(found, exact, atol=1e-3, rtol=1e-4)


def test_lengths_have_small_factors() -> None:
    assert [next_fast_length(n) for n in (1, 17, 64, 67, 289)] == [1, 18, 64, 70, 294]


def test_host_times_convolutions_within_the_whole() -> None:
    network = Network("mine", lambda: torch.nn.Conv2d(3, 8, 5), (3, 40, 40))
    host = measure(network, 2, budget_s=0.05)
    assert 0 < host.convolutions_s <= host.network_s
    assert host.threads == torch.get_num_threads()


def test_of_several_rounds_the_fastest_counts() -> None:
    slow, fast = HostLatency(0.5, 0.2, 1), HostLatency(0.4, 0.3, 1)
    assert slow.faster(fast) == fast.faster(slow) == HostLatency(0.4, 0.2, 1)
    layer = LayerCost(40, 3, 2.0, 3.0, {})
    again = layer.faster(LayerCost(40, 3, 2.5, 1.0, {}))
    assert (again.direct_s, again.fourier_s, again.host_s) == (2.0, 1.0, 1.0)
    growth = scaling.Growth("", "", [4, 9], [1, 1], {}, {"direct": [2.0, 3.0], "light": [1.0, 1.0]})
    other = dataclasses.replace(growth, seconds={"direct": [1.0, 4.0], "light": [1.0, 1.0]})
    assert growth.faster(other).seconds == {"direct": [1.0, 3.0], "light": [1.0, 1.0]}


def test_rounds_are_timed_in_turn(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.3, 0.1, 0.2])
    asked = []

    def measured(network: Network, batch: int) -> HostLatency:
        asked.append((network.name, batch))
        return HostLatency(1.0, next(times), 1)

    monkeypatch.setattr("opticonv.host.measure", measured)
    done = run("latency", "sr", "--rounds", 3, "--no-break-even", "--json", "l.json")
    assert done.exit_code == 0, done.output
    assert asked == [("sr", 1)] * 3
    found = json.loads((tmp_path / "l.json").read_text())
    assert found["host"]["sr"]["convolutions_s"] == 0.1
    electronics = {cost["device"]: cost["electronics_s"] for cost in found["devices"]}
    assert electronics["lab"] == electronics["nextgen"]


def test_a_picture_of_what_is_not_sought_is_refused(run: Run) -> None:
    done = run("latency", "sr", "--no-break-even", "--plot-break-even", "b.png")
    assert done.exit_code == 1
    assert "contradict each other" in done.stderr


def test_a_networks_cost_is_its_plans() -> None:
    info = data_sheet("emulator:lab")
    counted = count_network(BUILT_IN["sr"], grid=64, batch=2)
    host = HostLatency(network_s=0.2, convolutions_s=0.1, threads=1)
    cost = cost_of_network(counted, info, "lab", host, 20.0)
    plans = [layer.plan for layer in counted.layers]
    assert cost.light_s == pytest.approx(sum(p.device_time_s(info.timing) for p in plans) / 2)
    assert cost.light_j == pytest.approx(info.power_w * cost.light_s)
    assert cost.frames == sum(p.frames + p.pilots for p in plans) / 2
    assert cost.electronics_s == pytest.approx(0.1 * counted.electronic / 29_798_400)
    assert cost.electronics_j == pytest.approx(20 * cost.electronics_s)
    assert cost.latency_s == max(cost.light_s, cost.electronics_s)


def test_break_even_is_where_it_is_cheaper() -> None:
    info = data_sheet("emulator:lab")
    infos = {"lab": info}

    def layer(kernel: int, host_s: float) -> LayerCost:
        (cost,) = costing.measure_layers([(40, kernel)], infos, 2, "fast")
        return dataclasses.replace(cost, direct_s=host_s, fourier_s=10 * host_s)

    light = layer(3, 1.0).plans["lab"].device_time_s(info.timing)
    costs = [layer(k, light * f) for k, f in ((3, 2.0), (5, 0.5), (7, 9.0), (9, 9.0))]
    (crossing,) = break_even(costs, infos, lambda c: c.kernel, info.power_w)
    assert crossing.time == crossing.direct == crossing.energy == (3, 7, 9)
    assert latency.ranges(crossing.time, [3, 5, 7, 9]) == "3, from 7"
    assert latency.ranges((3, 5), [3, 5, 7, 9]) == "3 to 5"
    assert latency.ranges((3, 5, 7), [3, 5, 7]) == "everywhere"
    (never,) = break_even(costs, infos, lambda c: c.kernel, 1e-9)
    assert never.energy == ()
    assert latency.ranges(never.energy, [3, 5]) == "nowhere"
    gemm = [c.plans["lab"].macs.gemm for c in costs]
    electronic = [c.plans["lab"].macs.electronic for c in costs]
    fewer = [c.kernel for c, g, e in zip(costs, gemm, electronic, strict=True) if e < g]
    assert crossing.electronics == tuple(fewer)
    assert crossing.products == (3, 5, 7, 9)


def test_growth_is_as_the_theory_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opticonv.host.direct_seconds", lambda *_: 1.0)
    monkeypatch.setattr("opticonv.host.fourier_seconds", lambda *_: 1.0)
    info = data_sheet("emulator:lab")
    sizes = [128, 512]
    growing = scaling._growth("", sizes, [s // 4 + 1 for s in sizes], info, "fast")
    fixed = scaling._growth("", sizes, [3, 3], info, "fast")

    def order(growth: scaling.Growth, curve: str) -> float:
        first, last = growth.macs[curve]
        return float(torch.tensor(last / first).log() / torch.tensor(16.0).log())

    tiles = "light, 64×64 tiles"
    assert order(growing, "direct") == pytest.approx(2, abs=0.03)
    assert order(growing, "FFT") == pytest.approx(1, abs=0.15)
    assert order(growing, "light, a device as large") == pytest.approx(1, abs=0.03)
    assert order(growing, "its products alone") == pytest.approx(1, abs=0.03)
    assert order(growing, tiles) == pytest.approx(2, abs=0.1), "kernels cut into blocks"
    for curve in ("direct", tiles, "light, a device as large"):
        assert order(fixed, curve) == pytest.approx(1, abs=0.15), curve
    # What is not timed is still counted.
    counted = scaling._growth("", sizes, [3, 3], info, "fast", 128)
    assert counted.seconds["direct"] == counted.seconds["FFT"] == [1.0, 0.0]
    assert (counted.macs, counted.pixels) == (fixed.macs, fixed.pixels)
    # One frame, each way, whatever its size: only writing and reading grow, with the side.
    first, last = growing.seconds["light, a device as large"]
    assert 1 < last / first < 4.2


def test_commands_print_draw_and_write(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "KERNELS", (3, 5))
    monkeypatch.setattr(latency, "SIZES", (16, 32))
    monkeypatch.setattr(scaling, "SIZES", (16, 32, 64))
    devices = ("--device", "emulator:lab", "--device", "emulator:lab?device__n=32")
    plots = ("--plot", "l.png", "--plot-break-even", "b.png")
    done = run("latency", "sr", *devices, "--threads", 1, *plots, "--json", "l.json")
    assert done.exit_code == 0, done.output
    for words in ("Horowitz", "a choice", "all reference", "Where light pays"):
        assert words in " ".join(done.stdout.split())
    found = json.loads((tmp_path / "l.json").read_text())
    assert [cost["device"] for cost in found["devices"]] == ["lab", "lab?device__n=32"]
    assert len(found["assumptions"]) == 4
    done = run("scaling", "--threads", 1, "--largest", 64, "--plot", "s.png", "--json", "s.json")
    assert done.exit_code == 0, done.output
    growing, fixed = json.loads((tmp_path / "s.json").read_text())
    assert growing["pixels"] == fixed["pixels"] == [256, 1024, 4096]
    for name in ("l.png", "b.png", "s.png"):
        assert (tmp_path / name).stat().st_size > 20_000
