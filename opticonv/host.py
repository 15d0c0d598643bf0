"""How long this host takes to convolve electronically, measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn import functional

from nn.layers import convolutions_of
from opticonv.networks import Network

__all__ = [
    "HostLatency",
    "direct_seconds",
    "fourier_convolution",
    "fourier_seconds",
    "measure",
    "next_fast_length",
    "on_threads",
]


@contextmanager
def on_threads(threads: int | None) -> Iterator[None]:
    """Let torch compute on that many threads; None: as it does."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class HostLatency:
    """Measured time per picture [s]: all of a network, and its convolutions alone."""

    network_s: float
    convolutions_s: float
    threads: int

    def faster(self, other: HostLatency) -> HostLatency:
        """The shorter of both, each time by itself."""
        return HostLatency(
            min(self.network_s, other.network_s),
            min(self.convolutions_s, other.convolutions_s),
            self.threads,
        )


def seconds_of(work: Callable[[], object], *, budget_s: float = 1.0, most: int = 25) -> float:
    """Shortest duration of `work` [s], once warm: until the budget is spent, once at least.

    The shortest, because other load on a machine only ever adds.
    """
    work()
    durations: list[float] = []
    while not durations or (sum(durations) < budget_s and len(durations) < most):
        begin = time.perf_counter()
        work()
        durations.append(time.perf_counter() - begin)
    return min(durations)


def measure(network: Network, batch: int = 1, *, budget_s: float = 1.0) -> HostLatency:
    """Run a network electronically on random numbers and time it, without gradients."""
    model = network.build().eval()
    picture = torch.rand(batch, *network.picture)
    spent = 0.0
    begin = 0.0

    def start(*_: object) -> None:
        nonlocal begin
        begin = time.perf_counter()

    def stop(*_: object) -> None:
        nonlocal spent
        spent += time.perf_counter() - begin

    for layer in convolutions_of(model).values():
        layer.register_forward_pre_hook(start)
        layer.register_forward_hook(stop)
    convolutions: list[float] = []

    def run() -> None:
        nonlocal spent
        spent = 0.0
        model(picture)
        convolutions.append(spent)

    with torch.no_grad():
        whole = seconds_of(run, budget_s=budget_s)
    return HostLatency(
        network_s=whole / batch,
        convolutions_s=min(convolutions[1:]) / batch,
        threads=torch.get_num_threads(),
    )


def direct_seconds(channels: int, size: int, kernel: int, *, budget_s: float = 0.5) -> float:
    """One picture through ``torch.nn.functional.conv2d``, "same" padding [s]."""
    picture = torch.rand(1, channels, size, size)
    weight = torch.rand(channels, channels, kernel, kernel)
    with torch.no_grad():
        return seconds_of(
            lambda: functional.conv2d(picture, weight, padding=kernel // 2), budget_s=budget_s
        )


def fourier_seconds(channels: int, size: int, kernel: int, *, budget_s: float = 0.5) -> float:
    """The same by `fourier_convolution`, the kernels' spectra known [s]."""
    picture = torch.rand(1, channels, size, size)
    convolve = fourier_convolution(torch.rand(channels, channels, kernel, kernel), size)
    with torch.no_grad():
        return seconds_of(lambda: convolve(picture), budget_s=budget_s)


def fourier_convolution(weight: torch.Tensor, size: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """``conv2d`` with padding ``k // 2`` (k odd) by real FFTs of the padded picture, in torch.

    Parameters
    ----------
    weight : (out, in, k, k)
        Transformed once.
    size : int
        Height and width of the pictures to come.
    """
    kernel = weight.shape[-1]
    length = next_fast_length(size + kernel - 1)
    spectrum = torch.fft.rfft2(weight, (length, length)).conj()

    def convolve(picture: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(picture, (kernel // 2,) * 4)
        products = torch.einsum("bihw,oihw->bohw", torch.fft.rfft2(padded, (length,) * 2), spectrum)
        return torch.fft.irfft2(products, (length, length))[..., :size, :size]

    return convolve


def next_fast_length(length: int) -> int:
    """The smallest number from `length` on without a prime factor above 13."""
    while not _is_smooth(length):
        length += 1
    return length


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5, 7, 11, 13):
        while number % prime == 0:
            number //= prime
    return number == 1
