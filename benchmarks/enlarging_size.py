"""The super-resolution network by light on larger and larger pictures: time a pixel, peak memory.

    python benchmarks/enlarging_size.py [--device emulator:lab?seed=7] [--threads 2] [--largest 256]

Each size runs in a process of its own, whose peak memory beyond what it had before is set against
the activations of the network's widest layer: 16 channels of the last block, a quarter of the
output's pixels each, as many numbers as four channels of the output.  Beside it: the peak of the
same network in torch, electronic.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from driver import open_device
from nn import SuperResolutionModel

MOST_MEMORY = 3.0
"""Aim: peak memory over the activations of the widest layer."""


def memory_bytes(of: str) -> int:
    """What Linux says of this process: "VmRSS", its memory now, or "VmHWM", the most it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(of))
    return 1024 * int(line.split()[1])


def forget_peak() -> None:
    """Let the most memory be counted from now on (calibrating took its own)."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(size: int, device: str, threads: int) -> dict[str, float]:
    """Seconds and peak memory of one picture size² → (8 size)²."""
    torch.set_num_threads(threads)
    with open_device(device, threads=threads) as optics, torch.no_grad():
        optics.calibrate()
        model = SuperResolutionModel.from_pretrained("original", optical=True, optics=optics)
        model(torch.rand(1, 3, 16, 16))
        picture = torch.rand(1, 3, size, size)
        forget_peak()
        before, begin = memory_bytes("VmRSS"), time.perf_counter()
        model(picture)
        seconds = time.perf_counter() - begin
        by_light = memory_bytes("VmHWM") - before
        forget_peak()
        before = memory_bytes("VmRSS")
        SuperResolutionModel.from_pretrained("original")(picture)
        electronic = memory_bytes("VmHWM") - before
        return {"seconds": seconds, "bytes": by_light, "electronic": electronic}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab?seed=7")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--largest", type=int, default=256)
    parser.add_argument("--one", type=int, help="measure this size alone, and print JSON")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.device, arguments.threads)))
        return
    table = Table(title=f"Enlarging ×8 on {arguments.device}, {arguments.threads} threads")
    heads = (
        "output",
        "s",
        "ns a pixel",
        "peak MB",
        f"of activations (≤ {MOST_MEMORY:g})",
        "torch MB",
    )
    for column in heads:
        table.add_column(column, justify="right")
    size = 32
    while size <= arguments.largest:
        command = [sys.executable, __file__, "--device", arguments.device, "--one", str(size)]
        command += ["--threads", str(arguments.threads)]
        seen = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        pixels = (8 * size) ** 2
        activations = 4 * 4 * pixels
        table.add_row(
            f"{8 * size}²",
            f"{seen['seconds']:.2f}",
            f"{1e9 * seen['seconds'] / pixels:.0f}",
            f"{seen['bytes'] / 1e6:.0f}",
            f"{seen['bytes'] / activations:.2f}",
            f"{seen['electronic'] / 1e6:.0f}",
        )
        size *= 2
    Console().print(table)


if __name__ == "__main__":
    main()
