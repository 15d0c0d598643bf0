"""`opticonv report`: pictures, figures and where they come from, on one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opticonv.files import check_writable
from opticonv.options import DEFAULT_DEVICE, Calibration, Device, Precision, Seed

__all__ = ["report"]


def report(
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write (HTML).")],
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photographs, the first twelve by name; by default scikit-image's "
            "samples.",
        ),
    ] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="JSON file of opticonv evaluate, for its tables.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder of figures of longer studies: charts as JSON, pictures."),
    ] = None,
    device: Device = DEFAULT_DEVICE,
    seed: Seed = None,
    calibration: Calibration = None,
    precision: Precision = "balanced",
    large: Annotated[
        bool, typer.Option("--large/--no-large", help="Also enlarge one photograph to 2048².")
    ] = True,
    costs: Annotated[
        bool,
        typer.Option("--costs/--no-costs", help="Count MACs and time this host, for the charts."),
    ] = True,
) -> None:
    """Write one self-contained page that shows what the optical computer does."""
    check_writable(out)
    # Imported here, since torch takes seconds to load and other commands do without.
    from opticonv.report.making import Wishes, make_report

    make_report(
        Wishes(
            out=out,
            pictures=pictures,
            evaluation=evaluation,
            figures=figures,
            uri=device,
            seed=seed,
            calibration=calibration,
            precision=precision,
            large=large,
            costs=costs,
        )
    )
