"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from opticonv.errors import CommandError

__all__ = [
    "DEFAULT_DEVICE",
    "Calibration",
    "Device",
    "Devices",
    "Networks",
    "Picture",
    "Precision",
    "Rounds",
    "Seed",
    "Threads",
    "Weights",
    "picture_shape",
]

DEFAULT_DEVICE = "emulator:lab"

Device = Annotated[
    str, typer.Option(help="Device URI, such as emulator:lab or emulator:ideal?device__n=32.")
]
Devices = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        help="Device URI; give the option once for each. By default mft11, lab and nextgen.",
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(help="Which specimen of an emulated device; by default the URI's, else 0."),
]
Precision = Annotated[
    Literal["fast", "balanced", "best"],
    typer.Option(help="How the optical convolutions are exposed."),
]
Calibration = Annotated[
    Path | None,
    typer.Option(help="Calibration file of this device; without one it is calibrated first."),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads of this host; by default torch's number.")
]
Rounds = Annotated[
    int,
    typer.Option(
        min=1,
        help="How often all of it is timed, in turn; the fastest counts, since other load on a "
        "machine only ever adds.",
    ),
]
Weights = Annotated[
    str, typer.Option(help="Name of the network's weights, or a .safetensors file.")
]
Networks = Annotated[
    list[str] | None,
    typer.Argument(
        help="Networks: alexnet, vgg16, resnet18, resnet34, resnet50, resnet34-7x7, unet, sr, or "
        "FILE.py:FACTORY of your own; by default all that have a name.",
        show_default=False,
    ),
]
Picture = Annotated[
    str | None,
    typer.Option(help="Channels, height and width of one picture, such as 3x224x224."),
]


def picture_shape(picture: str | None) -> tuple[int, int, int] | None:
    """A shape as a user writes it, ``3x224x224``.

    Raises
    ------
    CommandError
        It is not three whole numbers above 0.
    """
    if picture is None:
        return None
    parts = picture.replace("×", "x").split("x")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) for part in parts):
        raise CommandError(f"--picture {picture} is not CHANNELSxHEIGHTxWIDTH, such as 3x224x224")
    channels, height, width = map(int, parts)
    return channels, height, width
