"""The frame, encode to decode: the C kernels against the same physics in torch operations.

    python benchmarks/frame.py [--seed 7] [--frames 32] [--rounds 15] [--threads 2]

Both are timed in turn, round by round, and the ratio is the median of the rounds' ratios: other
load on the machine falls on both.  The error of each against the exact transform shows that both do
the same work.  Retries and pilots are off; one exposure of four steps a frame.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch_frame import TorchFrames

from driver import open_device
from optical_device.fabrication import fabricate
from optical_device.profile import load_profile


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _error(y: torch.Tensor, exact: torch.Tensor) -> float:
    return float((y - exact).norm() / exact.norm())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    with open_device("emulator:lab", seed=arguments.seed, threads=arguments.threads) as dev:
        calibration = dev.calibrate()
        peer = TorchFrames(dev.info, calibration, fabricate(load_profile("lab"), arguments.seed))
        exposure_us = dev.info.timing.exposure_us
        generator = np.random.default_rng(0)
        shape = (arguments.frames, dev.n, dev.n)
        x = torch.from_numpy(
            (generator.normal(size=shape) + 1j * generator.normal(size=shape)).astype(np.complex64)
        )
        exact = torch.fft.fft2(x, norm="ortho")

        def ours() -> torch.Tensor:
            return dev.transform(x, exposure="single", track=False, retries=0)

        def theirs() -> torch.Tensor:
            return peer.transform(x, exposure_us)

        print(f"error against the exact transform: C {_error(ours(), exact):.2%}, ", end="")
        print(f"torch {_error(theirs(), exact):.2%}")
        times = [(_seconds(ours), _seconds(theirs)) for _ in range(arguments.rounds)]
        per_pixel = 1e9 / (arguments.frames * dev.n * dev.n)
        c, t = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(torch_s / c_s for c_s, torch_s in times)
        print(f"C      {c * per_pixel:7.2f} ns per pixel and frame ({dev.threads} threads)")
        print(f"torch  {t * per_pixel:7.2f} ns per pixel and frame")
        print(f"ratio  {ratio:7.1f}  (aim: at least 8)")


if __name__ == "__main__":
    main()
