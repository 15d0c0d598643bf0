"""`opticonv upscale`'s peak memory against its output, and its time, electronic and by light.

    python benchmarks/upscale_memory.py [--device emulator:lab?seed=7] [--threads 2] [--tile 128]
        [--size 256 --size 512] [--format png --format jpg] [--electronic]

Each run is a process of its own that enlarges a photograph's middle from file to file.  Its peak
is counted from when network and device are ready (libraries and calibration take their own), as
Linux has it, and set against the output's pixels: 3 bytes each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from skimage import data

from driver import Device, open_device
from opticonv.enlarging import SCALE, load_network
from opticonv.enlarging.account import Account
from opticonv.enlarging.jobs import Job
from opticonv.enlarging.run import Settings, run_jobs
from opticonv.enlarging.windows import TILE


def memory_bytes(of: str) -> int:
    """What Linux says of this process: "VmRSS", its memory now, or "VmHWM", the most it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(of))
    return 1024 * int(line.split()[1])


def measure(
    size: int, way: Literal["electronic", "optical"], suffix: str, arguments: argparse.Namespace
) -> dict[str, float]:
    """Seconds, and peak bytes beyond what there was, of one picture size² → (8 size)²."""
    torch.set_num_threads(arguments.threads)
    network = load_network(arguments.weights)
    account = Account()
    before = 0

    @contextmanager
    def ready() -> Iterator[Device]:
        nonlocal before
        with open_device(arguments.device, threads=arguments.threads) as device:
            device.calibrate()
            Path("/proc/self/clear_refs").write_text("5")
            before = memory_bytes("VmRSS")
            yield device

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.png"), Path(folder, f"out.{suffix}")
        photograph = Image.fromarray(data.astronaut())
        photograph.resize((size, size), Image.Resampling.BICUBIC).save(source)
        with torch.no_grad():
            network(torch.rand(1, 3, 16, 16))
        Path("/proc/self/clear_refs").write_text("5")
        before = memory_bytes("VmRSS")
        run_jobs(
            [Job(source, way, target)],
            network,
            Settings(tile=arguments.tile),
            account,
            open_optics=ready,
            strict=True,
        )
        (done,) = account.done
        peak = memory_bytes("VmHWM") - before
        file = target.stat().st_size
    frames = done.cost.frames if done.cost else 0
    return {"seconds": done.host_time_s, "bytes": peak, "frames": frames, "file": file}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab?seed=7")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", default="original")
    parser.add_argument("--tile", type=int, default=TILE)
    parser.add_argument("--size", type=int, action="append")
    parser.add_argument("--format", action="append")
    parser.add_argument("--electronic", action="store_true", help="without the runs by light")
    parser.add_argument("--one", nargs=3, metavar=("SIZE", "WAY", "FORMAT"), help="print JSON")
    arguments = parser.parse_args()
    if arguments.one:
        size, way, suffix = arguments.one
        print(json.dumps(measure(int(size), way, suffix, arguments)))
        return
    table = Table(title=f"upscale, tiles of {arguments.tile}, {arguments.threads} threads")
    for column in ("output", "way", "format", "s", "frames", "peak MB", "of output", "file MB"):
        table.add_column(column, justify="right")
    ways = ("electronic",) if arguments.electronic else ("electronic", "optical")
    for size in arguments.size or (256, 512):
        for suffix in arguments.format or ("png",):
            for way in ways:
                command = [sys.executable, __file__, "--one", str(size), way, suffix]
                for name in ("device", "threads", "tile", "weights"):
                    command += [f"--{name}", str(getattr(arguments, name))]
                seen = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
                output = 3 * (SCALE * size) ** 2
                table.add_row(
                    f"{SCALE * size}²",
                    way,
                    suffix,
                    f"{seen['seconds']:.1f}",
                    f"{seen['frames']:,}",
                    f"{seen['bytes'] / 1e6:.0f}",
                    f"{seen['bytes'] / output:.1f}",
                    f"{seen['file'] / 1e6:.1f}",
                )
    Console().print(table)


if __name__ == "__main__":
    main()
