"""One convolution layer by light beside torch: forward, training step, and what bounds them.

    python benchmarks/layer.py [--seed 7] [--rounds 25] [--threads 2] [--kernel 3 --kernel 11]
                               [--processor-time]

4×16×64×64, 16→16 channels, on a calibrated ``emulator:lab`` with all its effects. All contenders
are timed in turn, round by round, and a ratio is the median of the rounds' ratios to torch's
conv2d: other load on the machine falls on all of them. Beside it: the convolution by FFT in torch,
the same physics in torch operations (`torch_frame.py`) around the same electronics, and analogue
accelerators of others, with their noise on, where they are installed (`analogue_kits.py`).

The last table takes the optical forward pass apart: the plan's frames at the time a frame's physics
takes, which no driver can save; encoding and decoding; and the electronics between the frames.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from analogue_kits import analogue_layers
from rich.console import Console
from rich.table import Table
from torch.nn import functional
from torch_frame import TorchFrames

from driver import Device, open_device
from driver.convolution import convolve2d
from driver.plan import ConvolutionPlan
from nn import OpticalConv2d
from optical_device.fabrication import fabricate
from optical_device.profile import load_profile

BATCH, CHANNELS, SIZE = 4, 16, 64
PRECISIONS = ("fast", "balanced")

#: Ratios to torch that the project aims at, by kernel and contender.
AIMS = {
    (3, "light, fast"): 5.0,
    (3, "light, balanced"): 8.0,
    (3, "light, fast, exact gradient"): 3.0,
    (3, "light, fast, optical gradient"): 8.0,
    (11, "light, fast"): 1.0,
    (11, "light, balanced"): 1.5,
}

Work = Callable[[], object]

console = Console()


class TorchPhysics:
    """The device's physics in torch operations, in a device's place."""

    def __init__(self, frames: TorchFrames, n: int, exposure_us: float) -> None:
        self.n = n
        self._frames = frames
        self._exposure_us = exposure_us

    def transform(self, x: Any, *, inverse: bool = False, **options: Any) -> Any:
        """As the device's, with one exposure."""
        frames = torch.from_numpy(x)
        y = self._frames.transform(frames.conj() if inverse else frames, self._exposure_us)
        return (y.conj() if inverse else y).resolve_conj().numpy()


Clock = Callable[[], float]


def measure(
    contenders: dict[str, Work], rounds: int, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds by contender and round, in turn."""

    def seconds(work: Work) -> float:
        begin = clock()
        work()
        return clock() - begin

    for work in contenders.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            times[name].append(seconds(work))
    return times


def show(title: str, kernel: int, times: dict[str, list[float]]) -> None:
    """A table of medians, and of the median ratios to the first contender."""
    table = Table(title=title)
    for column in ("", "ms", "ratio", "aim"):
        table.add_column(column, justify="left" if not column else "right")
    base = next(iter(times.values()))
    for name, seconds in times.items():
        ratio = statistics.median(s / b for s, b in zip(seconds, base, strict=True))
        aim = AIMS.get((kernel, name))
        verdict = "" if aim is None else f"≤ {aim:g} {'reached' if ratio <= aim else 'MISSED'}"
        table.add_row(name, f"{1e3 * statistics.median(seconds):.2f}", f"{ratio:.2f}", verdict)
    console.print(table)


def fft_convolution(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """The same convolution by torch's FFT: whole pictures, one product per frequency."""
    reach = w.shape[-1] - 1
    size = [n + reach for n in x.shape[-2:]]
    spectra = torch.fft.rfft2(x, s=size)
    kernels = torch.fft.rfft2(w.flip(2, 3), s=size)
    y = torch.fft.irfft2(torch.einsum("bihw,oihw->bohw", spectra, kernels), s=size)
    crop = reach // 2
    return y[..., crop : crop + x.shape[-2], crop : crop + x.shape[-1]]


def forward(
    device: Device, physics: TorchPhysics, kernel: int, x: torch.Tensor, w: torch.Tensor
) -> dict[str, Work]:
    """Contenders of the forward pass, torch first."""
    half = kernel // 2
    works: dict[str, Work] = {
        "torch conv2d": lambda: functional.conv2d(x, w, padding=half),
        "torch FFT": lambda: fft_convolution(x, w),
    }
    for precision in PRECISIONS:
        works[f"light, {precision}"] = lambda p=precision: device.convolve2d(  # type: ignore[misc]
            x, w, padding=half, precision=p
        )
    works["our physics in torch operations"] = lambda: convolve2d(
        physics, x, w, padding=half, precision="fast"
    )
    for name, layer in analogue_layers(CHANNELS, kernel).items():
        works[name] = lambda layer=layer: layer(x)  # type: ignore[misc]
    return works


def training(device: Device, kernel: int, x: torch.Tensor) -> dict[str, Work]:
    """Contenders of a training step: forward, both gradients, and a new weight each time."""
    picture = x.clone().requires_grad_()
    options: dict[str, Any] = {"padding": kernel // 2, "bias": False}
    layers: dict[str, torch.nn.Module] = {
        "torch conv2d": torch.nn.Conv2d(CHANNELS, CHANNELS, kernel, **options)
    }
    for gradient in ("exact", "optical"):
        for precision in PRECISIONS:
            layers[f"light, {precision}, {gradient} gradient"] = OpticalConv2d(
                CHANNELS,
                CHANNELS,
                kernel,
                **options,
                optics=device,
                gradient=gradient,  # type: ignore[arg-type]
                precision=precision,  # type: ignore[arg-type]
            )
    layers |= analogue_layers(CHANNELS, kernel)
    cotangent = torch.randn(BATCH, CHANNELS, SIZE, SIZE)

    def step(layer: torch.nn.Module) -> None:
        layer.zero_grad()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.mul_(1.0001)
        picture.grad = None
        layer(picture).backward(cotangent)

    return {name: lambda layer=layer: step(layer) for name, layer in layers.items()}  # type: ignore[misc]


def apart(device: Device, x: torch.Tensor, w: torch.Tensor, rounds: int, clock: Clock) -> None:
    """Where the optical forward pass spends its time at precision "fast"."""
    half = w.shape[-1] // 2
    plan = ConvolutionPlan.for_shapes(
        tuple(x.shape), tuple(w.shape), grid=device.n, padding=half, precision="fast"
    )
    generator = np.random.default_rng(0)
    shape = (plan.frames + plan.pilots, device.n, device.n)
    targets = generator.normal(size=(2, *shape)).astype(np.float32).view(np.complex64)
    targets = np.ascontiguousarray(targets.reshape(2, -1)[0].reshape(-1)[: np.prod(shape)])
    frames = np.resize(targets, shape)
    encoded = device.encode(frames)
    counts = device.expose(encoded.codes, launch_step=encoded.launch_step[:, None])[:, 0]
    times = measure(
        {
            "whole": lambda: device.convolve2d(x, w, padding=half, precision="fast"),
            "physics": lambda: device.expose(encoded.codes, launch_step=encoded.launch_step),
            "encode": lambda: device.encode(frames),
            "decode": lambda: device.decode(counts, encoded),
        },
        rounds,
        clock,
    )
    whole, physics, encode, decode = (1e3 * statistics.median(t) for t in times.values())
    # By hand these two take one thread; in a transform they share what there are.
    encode, decode = encode / device.threads, decode / device.threads
    table = Table(
        title=f"{w.shape[-1]}×{w.shape[-1]}, fast: {plan.frames} frames and {plan.pilots} pilots"
    )
    for column in ("", "ms", "share"):
        table.add_column(column, justify="left" if not column else "right")
    rest = whole - physics - encode - decode
    for name, part in (
        ("physics of the frames", physics),
        ("encode", encode),
        ("decode", decode),
        ("electronics, repeated frames, Python", rest),
        ("whole", whole),
    ):
        table.add_row(name, f"{part:.2f}", f"{part / whole:.0%}")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kernel", type=int, action="append")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="of this process alone, for a busy machine; with --threads 1",
    )
    arguments = parser.parse_args()
    clock = time.process_time if arguments.processor_time else time.perf_counter
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    x = torch.rand(BATCH, CHANNELS, SIZE, SIZE)
    with open_device("emulator:lab", seed=arguments.seed, threads=arguments.threads) as device:
        calibration = device.calibrate()
        truth = fabricate(load_profile("lab"), arguments.seed)
        physics = TorchPhysics(
            TorchFrames(device.info, calibration, truth), device.n, device.info.timing.exposure_us
        )
        for kernel in arguments.kernel or [3, 11]:
            name = f"{kernel}×{kernel}, {arguments.threads} threads"
            w = torch.randn(CHANNELS, CHANNELS, kernel, kernel) / (kernel * CHANNELS**0.5)
            exact = functional.conv2d(x, w, padding=kernel // 2)
            for precision in PRECISIONS:
                seen = device.convolve2d(x, w, padding=kernel // 2, precision=precision)
                error = float((seen - exact).norm() / (exact - exact.mean()).norm())
                console.print(f"{kernel}×{kernel} error of the light, {precision}: {error:.2%}")
            times = measure(forward(device, physics, kernel, x, w), arguments.rounds, clock)
            show(f"Forward, {name}", kernel, times)
            show(
                f"Training step, {name}",
                kernel,
                measure(training(device, kernel, x), arguments.rounds, clock),
            )
            apart(device, x, w, arguments.rounds, clock)
            for kit, layer in analogue_layers(CHANNELS, kernel, w).items():
                with torch.no_grad():
                    seen = layer(x)
                error = float((seen - exact).norm() / (exact - exact.mean()).norm())
                console.print(f"{kernel}×{kernel} error of {kit}: {error:.2%}")


if __name__ == "__main__":
    main()
