"""MACs counted and time measured, as charts."""

from __future__ import annotations

from collections.abc import Callable

from driver import DeviceInfo
from opticonv.costing import HOST_W, Assumptions, cost_of_network, data_sheet
from opticonv.counting import NetworkCount, count_network
from opticonv.host import measure
from opticonv.networks import BUILT_IN, load_network_named
from opticonv.report.charts import Chart, Series

__all__ = ["latency_charts", "mac_chart"]

BATCH = 128
"""Pictures that share tiles in the count of MACs, as in the chart that it is compared with."""
TIMED = ("sr", "resnet18", "vgg16", "resnet34-7x7")
"""Networks whose time on this host is measured: they take under five seconds together."""
DEVICES = ("lab", "nextgen")
TITLES = {"sr": "this ×8 network", "resnet34-7x7": "ResNet-34, 7×7", "resnet34": "ResNet-34",
          "resnet18": "ResNet-18", "resnet50": "ResNet-50", "vgg16": "VGG-16",
          "alexnet": "AlexNet", "unet": "U-Net"}  # fmt: skip


def _count(name: str, info: DeviceInfo, batch: int) -> NetworkCount:
    return count_network(
        load_network_named(name, None),
        grid=info.grid[0],
        reference_steps=info.reference_steps,
        layout=info.layout,
        batch=batch,
    )


def mac_chart(info: DeviceInfo) -> Chart:
    """How many times fewer MACs than matrix products take, of networks that have a name."""
    counts = [_count(name, info, BATCH) for name in BUILT_IN]
    grid, first = f"{info.grid[0]}×{info.grid[1]}", counts[0]

    def fewer(macs: Callable[[NetworkCount], float]) -> tuple[float, ...]:
        return tuple(each.gemm / macs(each) for each in counts)

    return Chart(
        title="MACs that light saves",
        value="MACs as matrix products ÷ MACs by light",
        unit="×",
        kind="bars",
        log_y=True,
        base=1.0,
        categories=tuple(TITLES.get(each.name, each.name) for each in counts),
        series=(
            Series("products of spectra, whole pictures", fewer(lambda each: each.spectral)),
            Series(f"the same on {grid} tiles", fewer(lambda each: each.tiled)),
            Series("all electronics, on tiles", fewer(lambda each: each.electronic)),
        ),
        note=f"Forward pass, batch {first.batch}, convolutions; convention "
        f"“{first.convention.name}”: {first.convention.macs_per_product} real MACs a bin, half "
        "planes, kernels' spectra known, Fourier transforms free. Under 1×, at the left of the "
        "line, light takes more. All electronics: encoding, decoding, scaling and polynomials too.",
    )


def latency_charts(step: Callable[[str], None]) -> tuple[Chart, ...]:
    """Time and energy of one picture's convolutions: this host measured, devices by data sheet."""
    infos = {name: data_sheet(f"emulator:{name}") for name in DEVICES}
    hosts, light, electronics = [], [], []
    for name in TIMED:
        step(f"timing {name} on this host")
        host = measure(load_network_named(name, None), budget_s=0.3)
        hosts.append(host)
        costs = [
            cost_of_network(_count(name, info, 1), info, device, host, HOST_W)
            for device, info in infos.items()
        ]
        light.append([(cost.light_s, cost.light_j) for cost in costs])
        electronics.append((costs[0].electronics_s, costs[0].electronics_j))
    assumed = Assumptions("balanced", HOST_W, hosts[0].threads)
    names = tuple(TITLES[name] for name in TIMED)

    def chart(which: int, title: str, unit: str, factor: float, note: str) -> Chart:
        host = Series("this host", tuple(factor * each.convolutions_s for each in hosts))
        devices = (
            Series(f"{device}: light", tuple(row[index][which] for row in light))
            for index, device in enumerate(DEVICES)
        )
        own = Series("electronics of lab", tuple(row[which] for row in electronics))
        return Chart(
            title=title,
            value=title.partition(" ")[0].lower(),
            unit=unit,
            kind="dots",
            log_y=True,
            categories=names,
            series=(host, *devices, own),
            note=note,
        )

    return (
        chart(0, "Time per picture", "s", 1.0, " ".join(assumed.lines()[:3])),
        chart(1, "Energy per picture", "J", HOST_W, "Assumptions as for time."),
    )
