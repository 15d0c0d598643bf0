"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["DEFAULT_DEVICE", "Calibration", "Device", "Precision", "Seed", "Weights"]

DEFAULT_DEVICE = "emulator:lab"

Device = Annotated[
    str, typer.Option(help="Device URI, such as emulator:lab or emulator:ideal?device__n=32.")
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
Weights = Annotated[
    str, typer.Option(help="Name of the network's weights, or a .safetensors file.")
]
