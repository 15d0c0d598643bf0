"""The frame, encode to decode, with every effect of the laboratory device.

    python benchmarks/frame.py [--seed 7] [--frames 32] [--rounds 15] [--threads 2] [--sizes 64 128]

What is compared is timed in turn, round by round, and a ratio is the median of the rounds' ratios:
other load on the machine falls on both sides.

1. The frame against the same physics in torch operations (`torch_frame`), and against the frame of
   a device that has nothing but its camera's noise.  Retries and pilots are off; one exposure of
   four steps.  The errors against the exact transform show that both sides do the same work.
2. The plain transform against torch's and scipy's, one thread, frame by frame in cache.
3. Nanoseconds per pixel by stage on one thread, the fastest of the rounds.
4. slmsuite's simulated modulator and camera, if it is installed (`pip install .[peers]`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
import torch
from rounds import in_turn, median_ratio, medians
from slmsuite_frame import NOTE, slmsuite_frame
from stages import STAGES, FrameStages, fft2_seconds
from torch_frame import TorchFrames

from driver import Device, open_device
from driver.library import check, ffi, lib, struct
from optical_device.fabrication import fabricate
from optical_device.profile import load_profile

FFT_SIZES = (32, 64, 128, 256)


def camera_alone(n: int) -> dict[str, Any]:
    """Overrides of `ideal`: the laboratory's light, converters and camera, and no other error."""
    lab = load_profile("lab")
    light = {
        "source__signal_rate_photons_per_us": lab.source.signal_rate_photons_per_us,
        "source__launch_step_db": lab.source.launch_step_db,
        "source__launch_steps": lab.source.launch_steps,
        "source__launch_default_step": lab.source.launch_default_step,
        "reference__rate_photons_per_us": lab.reference.rate_photons_per_us,
    }
    camera = {f"camera__{name}": value for name, value in lab.camera.model_dump().items()}
    timing = {f"timing__{name}": value for name, value in lab.timing.model_dump().items()}
    bits = {"device__dac_bits": lab.device.dac_bits, "device__adc_bits": lab.device.adc_bits}
    return {"device__n": n, **bits, **light, **camera, **timing}


def targets(frames: int, n: int) -> torch.Tensor:
    generator = np.random.default_rng(0)
    shape = (frames, n, n)
    x = generator.normal(size=shape) + 1j * generator.normal(size=shape)
    return torch.from_numpy(x.astype(np.complex64))


def transformed(device: Device, x: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = device.transform(x, exposure="single", track=False, retries=0)
    return y


def error(y: torch.Tensor, exact: torch.Tensor) -> float:
    return float((y - exact).norm() / exact.norm())


def kernels_of(device: Device) -> str:
    caps = struct("odev_caps")
    with device._handle.use() as handle:
        check(lib.odev_get_caps(handle, caps))
    return str(ffi.string(caps.kernels).decode())


def compare_frames(n: int, options: argparse.Namespace) -> None:
    lab, alone = {"device__n": n}, camera_alone(n)
    x = targets(options.frames, n)
    exact = torch.fft.fft2(x, norm="ortho")
    seed, threads = options.seed, options.threads
    with (
        open_device("emulator:lab", seed=seed, threads=threads, **lab) as device,
        open_device("emulator:ideal", seed=seed, threads=threads, **alone) as quiet,
    ):
        calibration = device.calibrate()
        quiet.calibrate()
        peer = TorchFrames(device.info, calibration, fabricate(load_profile("lab", **lab), seed))
        exposure_us = device.info.timing.exposure_us
        works: dict[str, Callable[[], torch.Tensor]] = {
            "C, all effects": lambda: transformed(device, x),
            "C, camera noise alone": lambda: transformed(quiet, x),
            "torch, all effects": lambda: peer.transform(x, exposure_us),
        }
        print(f"\n{n} x {n}, {options.frames} frames, {threads} threads, {kernels_of(device)}")
        errors = {name: error(work(), exact) for name, work in works.items()}
        seconds = in_turn(works, options.rounds)
        for name, each in medians(seconds).items():
            print(
                f"  {name:24s} {each * 1e9 / x.numel():8.2f} ns per pixel"
                f" {each * 1e6 / len(x):9.1f} us per frame   error {errors[name]:.2%}"
            )
        noise = median_ratio(seconds, "C, all effects", "C, camera noise alone")
        others = median_ratio(seconds, "torch, all effects", "C, all effects")
        print(f"  torch over C             {others:8.1f}  (aim: at least 12)")
        print(f"  all effects over noise   {noise:8.2f}  (aim: at most 1.6)")


def compare_transforms(rounds: int) -> None:
    print("\nplain transform, one thread, ns per pixel; ratios over C's (aim: above 1)")
    torch_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with open_device("emulator:ideal", device__n=16) as device:
        kernels = kernels_of(device)
    for n in FFT_SIZES:
        frames = max(1, (1 << 18) // (n * n))
        x = targets(1, n)[0]
        plain = x.numpy()
        works: dict[str, Callable[[], object]] = {
            "C": lambda n=n, frames=frames: fft2_seconds(kernels, n, frames),
            "torch": lambda x=x, frames=frames: [torch.fft.fft2(x) for _ in range(frames)],
            "scipy": lambda x=plain, frames=frames: [scipy.fft.fft2(x) for _ in range(frames)],
        }
        seconds = in_turn(works, rounds)
        per_pixel = {k: v * 1e9 / (frames * n * n) for k, v in medians(seconds).items()}
        print(
            f"  {n:4d}  C {per_pixel['C']:5.2f}  torch {per_pixel['torch']:5.2f}"
            f" (x {median_ratio(seconds, 'torch', 'C'):4.1f})"
            f"  scipy {per_pixel['scipy']:5.2f} (x {median_ratio(seconds, 'scipy', 'C'):4.1f})"
        )
    torch.set_num_threads(torch_threads)


def show_stages(n: int, options: argparse.Namespace) -> None:
    print(f"\nstages of the physics at {n} x {n}, one thread, ns per pixel")
    with open_device("emulator:ideal", device__n=16) as device:
        kernels = kernels_of(device)
    rows = {
        "all effects": ("lab", {"device__n": n}),
        "camera noise alone": ("ideal", camera_alone(n)),
    }
    print(f"  {'':20s}" + "".join(f"{name:>20s}" for name in (*STAGES, "sum")))
    for name, (profile, overrides) in rows.items():
        fabrication = fabricate(load_profile(profile, **overrides), options.seed)
        each = FrameStages(fabrication, kernels, 8).nanoseconds(8 * options.rounds)
        print(f"  {name:20s}" + "".join(f"{value:20.2f}" for value in (*each, each.sum())))


def compare_peer(options: argparse.Namespace) -> None:
    n = 64
    frame = slmsuite_frame(n)
    if frame is None:
        print("\nslmsuite: not installed, left out (pip install .[peers])")
        return
    rng = np.random.default_rng(0)
    with open_device("emulator:lab", seed=options.seed, threads=options.threads) as device:
        shape = (options.frames, 2, 2, n, n)
        codes = rng.integers(0, 1 << device.info.dac_bits, shape, dtype=np.uint16)
        works: dict[str, Callable[[], object]] = {
            "C": lambda: device.expose(codes),
            "slmsuite": lambda: [frame() for _ in range(options.frames)],
        }
        seconds = in_turn(works, options.rounds)
    ratio = median_ratio(seconds, "slmsuite", "C")
    each = {name: value * 1e6 / options.frames for name, value in medians(seconds).items()}
    print(f"\none frame of {n} x {n}, codes to counts, {options.threads} threads")
    print(f"  C, all effects, four exposures   {each['C']:8.1f} us")
    print(f"  slmsuite, one exposure           {each['slmsuite']:8.1f} us   x {ratio:.0f}")
    print(f"  {NOTE}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    begin = time.perf_counter()
    for n in options.sizes:
        compare_frames(n, options)
    compare_transforms(options.rounds)
    for n in options.sizes:
        show_stages(n, options)
    compare_peer(options)
    print(f"\n{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
