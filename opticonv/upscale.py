"""`opticonv upscale`: enlarge one picture ×8, by light or electronically."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticonv.console import count, progress_bar, result_console
from opticonv.errors import CommandError
from opticonv.options import DEFAULT_DEVICE, Calibration, Device, Precision, Seed, Weights

if TYPE_CHECKING:
    from opticonv.metering import Cost

__all__ = ["upscale"]


def upscale(
    image: Annotated[Path, typer.Argument(help="The picture to enlarge.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The picture to write; its suffix names the format.")
    ],
    electronic: Annotated[
        bool, typer.Option("--electronic", help="Compute without light.")
    ] = False,
    device: Device = DEFAULT_DEVICE,
    seed: Seed = None,
    calibration: Calibration = None,
    precision: Precision = "balanced",
    weights: Weights = "original",
) -> None:
    """Enlarge a picture ×8 on the optical computer."""
    # Imported here, since torch takes seconds to load and other commands do without.
    from nn import convert_to_optical
    from nn.data import to_tensor
    from opticonv.enlarging import SCALE, enlarge, load_network, planned_frames
    from opticonv.metering import MeteredDevice
    from opticonv.opening import ready_device
    from opticonv.picture_files import check_picture_target, read_picture, write_picture

    picture = to_tensor(read_picture(image))
    height, width = picture.shape[1:]
    check_picture_target(out, (SCALE * height, SCALE * width))
    if out.exists() and out.samefile(image):
        raise CommandError(f"{out} is the picture to enlarge; write to another file")
    network = load_network(weights)
    if electronic:
        begin = time.perf_counter()
        with progress_bar() as progress:
            task = progress.add_task("enlarging electronically", total=1.0)
            result = enlarge(network, picture, lambda part: progress.update(task, completed=part))
        notes = f"electronic, {time.perf_counter() - begin:.1f} s"
    else:
        with ready_device(device, seed, calibration) as dev, progress_bar() as progress:
            total = planned_frames(network, (height, width), grid=dev.n, precision=precision)
            task = progress.add_task("enlarging by light", total=total)
            metered = MeteredDevice(dev, on_frames=lambda done: progress.advance(task, done))
            optical = convert_to_optical(network, metered, precision=precision)
            result = enlarge(optical, picture)
            notes = _describe(metered.cost())
    write_picture(result, out)
    console = result_console()
    size = f"{width}×{height} → {SCALE * width}×{SCALE * height}"
    console.print(f"{out}: {size}, {notes}", highlight=False, soft_wrap=True)


def _describe(cost: Cost) -> str:
    told = (
        f"optical, {count(cost.frames)} frames, device time {cost.device_time_s:.1f} s, "
        f"host time {cost.host_time_s:.1f} s, energy {count(cost.energy_j)} J"
    )
    if cost.retries:
        told += f"; {count(cost.retries)} frames saturated and were repeated with less light"
    if cost.saturations:
        told += f"; {count(cost.saturations)} bins stayed saturated"
    if cost.faults:
        told += f"; {count(cost.faults)} jobs failed"
    return told
