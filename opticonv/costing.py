"""Time and energy of convolutions by light and on electronics, and where light begins to pay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from driver import DeviceInfo, open_device
from driver.plan import ConvolutionPlan
from opticonv.counting import NetworkCount
from opticonv.host import HostLatency, direct_seconds, fourier_seconds

__all__ = [
    "HOROWITZ_J_PER_MAC",
    "HOST_W",
    "Assumptions",
    "Crossing",
    "LayerCost",
    "NetworkCost",
    "break_even",
    "cost_of_network",
    "data_sheet",
    "measure_layers",
]

HOST_W = 30.0
"""Power that is put to this host while it convolves [W]: a choice, two cores' share of a server
processor with its memory; it is not measured."""

HOROWITZ_J_PER_MAC = 4.6e-12
"""Arithmetic of one float32 multiplication and addition in 45 nm, 3.7 + 0.9 pJ, without moving any
data [J]: a lower bound of an electronic accelerator (Horowitz, ISSCC 2014, doi 10.1109/
ISSCC.2014.6757323)."""


@dataclass(frozen=True)
class Assumptions:
    """What time and energy rest upon beside the device's timing and power model."""

    precision: str
    host_w: float
    threads: int

    def lines(self) -> list[str]:
        """In words, for a reader."""
        return [
            f"Light: frames and pilots of the plan at precision {self.precision!r}, all reference "
            "steps of an exposure, one device, no frame repeated, kernels' spectra known; its "
            "energy is that times the profile's mean power (heaters, laser, camera, converters, "
            "control).",
            "Electronics of the optical computer: its MACs at the rate and the power at which this "
            "host did the same network's convolutions; it could work while light does.",
            f"Host: torch, threads: {self.threads}; fastest of repeated runs, convolutions alone; "
            f"its power is taken as {self.host_w:g} W, a choice (--host-watts), not measured.",
            f"Arithmetic alone: {HOROWITZ_J_PER_MAC * 1e12:g} pJ a float32 MAC in 45 nm, data "
            "movement free (Horowitz 2014): what no electronic accelerator of that kind undercuts.",
        ]


def data_sheet(uri: str) -> DeviceInfo:
    """Timing, power and grid of a device."""
    with open_device(uri) as device:
        return device.info


@dataclass(frozen=True)
class NetworkCost:
    """One network's convolutions on one device, per picture."""

    network: str
    device: str
    frames: float
    light_s: float
    electronics_s: float
    light_j: float
    electronics_j: float

    @property
    def latency_s(self) -> float:
        """Light and electronics side by side: the longer of both."""
        return max(self.light_s, self.electronics_s)

    @property
    def energy_j(self) -> float:
        """Light and electronics together."""
        return self.light_j + self.electronics_j


def cost_of_network(
    counted: NetworkCount, info: DeviceInfo, name: str, host: HostLatency, host_w: float
) -> NetworkCost:
    """From the plans of a network, counted on that device's grid."""
    electronics_s = counted.electronic * host.convolutions_s / counted.gemm
    plans = [layer.plan for layer in counted.layers]
    light_s = sum(plan.device_time_s(info.timing) for plan in plans) / counted.batch
    return NetworkCost(
        network=counted.name,
        device=name,
        frames=sum(plan.frames + plan.pilots for plan in plans) / counted.batch,
        light_s=light_s,
        electronics_s=electronics_s,
        light_j=info.power_w * light_s,
        electronics_j=host_w * electronics_s,
    )


@dataclass(frozen=True)
class LayerCost:
    """One convolution (1, c, size²) with a k×k kernel, c → c, "same" padding.

    Host times are measured; the host's time is the better of a direct convolution and one by FFT.
    """

    size: int
    kernel: int
    direct_s: float
    fourier_s: float
    plans: dict[str, ConvolutionPlan]

    @property
    def host_s(self) -> float:
        """The better of both."""
        return min(self.direct_s, self.fourier_s)

    def faster(self, other: LayerCost) -> LayerCost:
        """This layer, measured once more: the shorter times count."""
        return replace(
            self,
            direct_s=min(self.direct_s, other.direct_s),
            fourier_s=min(self.fourier_s, other.fourier_s),
        )


def measure_layers(
    shapes: Sequence[tuple[int, int]],
    infos: dict[str, DeviceInfo],
    channels: int,
    precision: str,
    on_layer: Callable[[], None] = lambda: None,
) -> list[LayerCost]:
    """Time (size, kernel) on this host and plan it on every device."""
    costs = []
    for size, kernel in shapes:
        plans = {
            name: ConvolutionPlan.for_shapes(
                (1, channels, size, size),
                (channels, channels, kernel, kernel),
                grid=info.grid[0],
                reference_steps=info.reference_steps,
                layout=info.layout,
                padding=kernel // 2,
                precision=precision,
            )
            for name, info in infos.items()
        }
        costs.append(
            LayerCost(
                size,
                kernel,
                direct_seconds(channels, size, kernel, budget_s=0.3),
                fourier_seconds(channels, size, kernel, budget_s=0.3),
                plans,
            )
        )
        on_layer()
    return costs


@dataclass(frozen=True)
class Crossing:
    """Where light is cheaper on one device, in five senses: the tried sizes at which it is."""

    device: str
    products: tuple[int, ...]
    """Spectral products on tiles against the matrix product's MACs."""
    electronics: tuple[int, ...]
    """All that stays electronic against the matrix product's MACs."""
    direct: tuple[int, ...]
    """Time of light against the host's direct convolution."""
    time: tuple[int, ...]
    """Time of light against the better of the host's two ways."""
    energy: tuple[int, ...]
    """Energy of light against that better way's, at the profile's and the host's power."""


def break_even(
    costs: Sequence[LayerCost],
    infos: dict[str, DeviceInfo],
    of: Callable[[LayerCost], int],
    host_w: float,
) -> list[Crossing]:
    """Where each device pays along a row of ever larger layers."""
    found = []
    for name, info in infos.items():

        def plan(cost: LayerCost, name: str = name) -> ConvolutionPlan:
            return cost.plans[name]

        def light_s(cost: LayerCost, info: DeviceInfo = info, name: str = name) -> float:
            return cost.plans[name].device_time_s(info.timing)

        def energy_j(cost: LayerCost, info: DeviceInfo = info, name: str = name) -> float:
            return cost.plans[name].energy_j(info.timing, info.power_w)

        found.append(
            Crossing(
                name,
                _where(costs, of, lambda c: plan(c).macs.spectral < plan(c).macs.gemm),
                _where(costs, of, lambda c: plan(c).macs.electronic < plan(c).macs.gemm),
                _where(costs, of, lambda c: light_s(c) < c.direct_s),
                _where(costs, of, lambda c: light_s(c) < c.host_s),
                _where(costs, of, lambda c: energy_j(c) < host_w * c.host_s),
            )
        )
    return found


def _where(
    costs: Sequence[LayerCost],
    of: Callable[[LayerCost], int],
    pays: Callable[[LayerCost], bool],
) -> tuple[int, ...]:
    return tuple(of(cost) for cost in costs if pays(cost))
