"""`opticonv upscale`: enlarge pictures ×8, by light, electronically, or both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from opticonv.console import result_console
from opticonv.errors import FAILED, CommandError
from opticonv.options import DEFAULT_DEVICE, Calibration, Device, Precision, Seed, Weights

if TYPE_CHECKING:
    from opticonv.enlarging.account import Account
    from opticonv.enlarging.jobs import Way

__all__ = ["upscale"]

Suffix = Literal["png", "jpg", "webp", "tif", "bmp"]


def upscale(
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures to enlarge, and folders of pictures.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The picture to write, its suffix names the format; for several pictures or a "
            "folder: the folder to write to.",
        ),
    ],
    electronic: Annotated[
        bool, typer.Option("--electronic", help="Compute without light.")
    ] = False,
    optical: Annotated[
        bool, typer.Option("--optical", help="Compute by light: what happens anyway.")
    ] = False,
    both: Annotated[
        bool,
        typer.Option("--both", help="Both, into two files: NAME_electronic and NAME_optical."),
    ] = False,
    device: Device = DEFAULT_DEVICE,
    seed: Seed = None,
    calibration: Calibration = None,
    precision: Precision = "balanced",
    weights: Weights = "original",
    match_histogram: Annotated[
        bool,
        typer.Option(
            "--match-histogram", help="Give the result the input's distribution of each colour."
        ),
    ] = False,
    soften_samples: Annotated[
        bool,
        typer.Option(
            "--soften-samples", help="Blur the dots that a network leaves, one in each 8×8 pixels."
        ),
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look into folders inside folders.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Make results anew that are in the folder already."),
    ] = False,
    suffix: Annotated[
        Suffix | None,
        typer.Option("--format", help="Of all results in a folder; by default each input's own."),
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG and WebP results.")] = 95,
    tile: Annotated[
        int,
        typer.Option(
            min=8, help="Input pixels a side that are enlarged at a time; bounds the memory."
        ),
    ] = 128,
) -> None:
    """Enlarge pictures ×8 on the optical computer."""
    if electronic + optical + both > 1:
        raise CommandError("--electronic, --optical and --both exclude each other")
    ways: list[Way] = (
        ["electronic", "optical"] if both else ["electronic" if electronic else "optical"]
    )
    # Imported here, since torch takes seconds to load and other commands do without.
    from opticonv.enlarging import load_network
    from opticonv.enlarging.account import Account
    from opticonv.enlarging.jobs import jobs_for_folder, jobs_for_one
    from opticonv.enlarging.observer import Display
    from opticonv.enlarging.run import Settings, run_jobs
    from opticonv.enlarging.softening import SoftenedSamples
    from opticonv.opening import ready_device

    one = _is_one(pictures, out)
    if one:
        if suffix is not None:
            raise CommandError(f"--format is for folders; the suffix of {out} names the format")
        jobs = jobs_for_one(pictures[0], out, ways)
    else:
        ending = None if suffix is None else f".{suffix}"
        jobs = jobs_for_folder(pictures, out, ways, recursive=recursive, suffix=ending)
    network = load_network(weights)
    if soften_samples:
        network = SoftenedSamples(network)
    account = Account()
    try:
        with Display() as display:
            run_jobs(
                jobs,
                network,
                Settings(precision, match_histogram, quality, tile),
                account,
                open_optics=lambda: ready_device(device, seed, calibration),
                overwrite=overwrite or one,
                strict=one,
                observer=display,
            )
    finally:
        _tell(account, summary=not one)
    if account.failed:
        raise typer.Exit(FAILED)


def _is_one(pictures: list[Path], out: Path) -> bool:
    """Whether `out` is to be a picture, not a folder."""
    return len(pictures) == 1 and not pictures[0].is_dir() and not out.is_dir()


def _tell(account: Account, *, summary: bool) -> None:
    console = result_console()
    lines = [done.line() for done in account.done]
    if summary:
        lines.append(account.summary())
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
