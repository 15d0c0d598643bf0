"""`opticonv probe`: what each layer of a network loses and takes on a device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opticonv.console import progress_console, result_console
from opticonv.errors import CommandError
from opticonv.files import check_writable, whole_file
from opticonv.opening import ready_device
from opticonv.options import (
    DEFAULT_DEVICE,
    Calibration,
    Device,
    Picture,
    Precision,
    Seed,
    picture_shape,
)

__all__ = ["probe"]

REPORT_COLUMNS = 150


def probe(
    model: Annotated[
        str, typer.Argument(help="FILE.py:FACTORY, or the name of a network; sr has its weights.")
    ],
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Pictures to send through; by default one photograph.", show_default=False
        ),
    ] = None,
    device: Device = DEFAULT_DEVICE,
    seed: Seed = None,
    calibration: Calibration = None,
    precision: Precision = "balanced",
    picture: Picture = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the report to this file.")
    ] = None,
) -> None:
    """Measure each layer of a network by light: error, frames, time, energy, and which hurts."""
    if json_file is not None:
        check_writable(json_file)
    # Imported here, since torch takes seconds to load and other commands do without.
    import torch

    from nn import SuperResolutionModel
    from nn import probe as probe_model
    from opticonv.networks import load_network_named
    from opticonv.specimens import photograph_batch

    network = load_network_named(model, picture_shape(picture))
    batch = photograph_batch(pictures or [], network.picture)
    torch.manual_seed(0)
    module = SuperResolutionModel.from_pretrained("original") if model == "sr" else network.build()
    with ready_device(device, seed, calibration) as opened, progress_console.status("probing"):
        try:
            report = probe_model(module, batch, opened, precision=precision)
        except (ValueError, RuntimeError) as error:
            raise CommandError(f"{model}: {error}") from error
    console = result_console()
    console.width = max(console.width, REPORT_COLUMNS)
    console.print(report)
    if json_file is not None:
        with whole_file(json_file) as part:
            part.write_text(report.to_json())
