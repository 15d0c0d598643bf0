"""What optical convolutions cost and how exact they are, measured while a network runs.

A `MeteredDevice` stands between a network and its device.  It sees every convolution and every
batch of frames, hands them on unchanged, and keeps the books: the plan of each convolution, its
error against the exact one on the same input, and what the device's own counters say.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from driver import Device, DeviceInfo, Telemetry
from driver.convolution import convolve2d
from driver.plan import ConvolutionPlan
from driver.precision import Precision
from nn.layers import convolution_calls

__all__ = ["Convolution", "Cost", "MeteredDevice", "plan_network", "relative_error"]


@dataclass(frozen=True)
class Convolution:
    """One convolution that ran: its plan, and its error if it was checked.

    `squared_error` is summed over the output; `squared_detail` is the exact output's sum of squares
    about each channel's mean.
    """

    plan: ConvolutionPlan
    squared_error: float
    squared_detail: float


def relative_error(convolutions: Iterable[Convolution]) -> float:
    """Pooled error ``sqrt(sum of squared error / sum of squared non-constant part)``."""
    runs = list(convolutions)
    detail = sum(run.squared_detail for run in runs)
    return math.sqrt(sum(run.squared_error for run in runs) / detail) if detail else math.nan


@dataclass(frozen=True)
class Cost:
    """What a piece of work took.  Frames include pilots and retries; MACs are the plan's."""

    frames: int
    pilots: int
    retries: int
    saturations: int
    faults: int
    gemm_macs: int
    spectral_macs: int
    electronic_macs: int
    device_time_s: float
    host_time_s: float
    energy_j: float

    def __add__(self, other: Cost) -> Cost:
        mine, theirs = vars(self), vars(other)
        return Cost(**{name: mine[name] + theirs[name] for name in mine})


class MeteredDevice:
    """A device for `nn` layers that measures what they do.

    Parameters
    ----------
    device : Device
    check : bool
        Whether to compare each convolution with the exact one; its time isn't counted.
    on_frames : callable, optional
        Called with the number of data frames after each batch of them.
    """

    def __init__(
        self,
        device: Device,
        *,
        check: bool = False,
        on_frames: Callable[[int], None] | None = None,
    ) -> None:
        self._device = device
        self._check = check
        self.on_frames = on_frames
        self.convolutions: list[Convolution] = []
        self._checking_s = 0.0
        self._begin: tuple[Telemetry, float] = (device.telemetry(), time.perf_counter())

    @property
    def n(self) -> int:
        """Pixels along one side of the grid."""
        return self._device.n

    @property
    def info(self) -> DeviceInfo:
        """The device's data sheet."""
        return self._device.info

    def one_job(self) -> AbstractContextManager[None]:
        """As the device's own."""
        return self._device.one_job()

    def transform(
        self,
        x: Any,
        *,
        operand: Any = None,
        inverse: bool = False,
        exposure: str = "two_gain",
        residual: bool = False,
    ) -> Any:
        """As the device's own."""
        y = self._device.transform(
            x, operand=operand, inverse=inverse, exposure=exposure, residual=residual
        )
        if self.on_frames is not None:
            self.on_frames(len(x) * (2 if residual else 1))
        return y

    def convolve2d(
        self,
        x: torch.Tensor,
        w: torch.Tensor,
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        padding_mode: str = "zeros",
        precision: str | Precision = "balanced",
        product: str = "electronic",
    ) -> torch.Tensor:
        """As the device's own; (n, C, H, W) with (K, C/groups, kh, kw), float32."""
        options: dict[str, Any] = {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "padding_mode": padding_mode,
        }
        y: torch.Tensor = convolve2d(self, x, w, precision=precision, product=product, **options)
        plan = ConvolutionPlan.for_shapes(
            tuple(x.shape),
            tuple(w.shape),
            grid=self.n,
            precision=precision,
            reference_steps=self._device.info.reference_steps,
            layout=self._device.info.layout,
            product=product,
            **options,
        )
        error = detail = 0.0
        if self._check:
            begin = time.perf_counter()
            exact = _exact_convolution(x, w, **options)
            error = (y - exact).double().square().sum().item()
            detail = (exact - exact.mean((2, 3), keepdim=True)).double().square().sum().item()
            self._checking_s += time.perf_counter() - begin
        self.convolutions.append(Convolution(plan, error, detail))
        return y

    def start(self) -> None:
        """Begin a new account."""
        self.convolutions = []
        self._checking_s = 0.0
        self._begin = (self._device.telemetry(), time.perf_counter())

    def cost(self) -> Cost:
        """What was spent since `start`."""
        before, begin = self._begin
        host_time_s = time.perf_counter() - begin - self._checking_s
        now = self._device.telemetry()
        device_time_s = now.device_time_s - before.device_time_s
        macs = [run.plan.macs for run in self.convolutions]
        return Cost(
            frames=now.frames - before.frames,
            pilots=now.pilots - before.pilots,
            retries=now.retries - before.retries,
            saturations=now.saturations - before.saturations,
            faults=now.faults - before.faults,
            gemm_macs=sum(m.gemm for m in macs),
            spectral_macs=sum(m.spectral for m in macs),
            electronic_macs=sum(m.electronic for m in macs),
            device_time_s=device_time_s,
            host_time_s=host_time_s,
            energy_j=device_time_s * self._device.info.power_w,
        )


def _exact_convolution(
    x: torch.Tensor,
    w: torch.Tensor,
    *,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    padding_mode: str,
) -> torch.Tensor:
    if padding_mode != "zeros":
        x = functional.pad(x, (padding[1], padding[1], padding[0], padding[0]), mode=padding_mode)
        padding = (0, 0)
    return functional.conv2d(x, w, None, stride, padding, dilation, groups)


def plan_network(
    model: nn.Module, size: tuple[int, int], *, grid: int, precision: str
) -> dict[str, ConvolutionPlan]:
    """Plans of a network's convolutions for one picture (1, 3, *size), in order of execution.

    Parameters
    ----------
    model : torch.nn.Module
        Electronic; its shapes are followed without computing anything.
    size : (int, int)
        Height and width [pixels].
    grid : int
        N of the device.
    precision : "fast", "balanced" or "best"

    Returns
    -------
    dict
        Plan by name of the layer.
    """
    skeleton = copy.deepcopy(model).to("meta")
    calls = convolution_calls(skeleton, torch.empty(1, 3, *size, device="meta"))
    return {call.name: call.plan(grid, precision) for call in calls}
