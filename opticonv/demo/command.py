"""`opticonv demo`: a photograph enlarged by the emulated optical computer, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opticonv.options import DEFAULT_DEVICE, Device, Precision, Seed

__all__ = ["demo"]


def demo(
    photos: Annotated[
        list[Path] | None, typer.Argument(help="Photographs of yours, beside the samples.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for pictures and figures.")] = Path("demo"),
    device: Device = DEFAULT_DEVICE,
    seed: Seed = None,
    precision: Precision = "balanced",
) -> None:
    """Calibrate a device, enlarge photographs ×8 on it, and compare."""
    # Imported here, since torch takes seconds to load and other commands do without.
    from opticonv.demo.run import run_demo

    run_demo(photos or [], output, device, seed, precision)
