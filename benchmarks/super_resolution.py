"""PSNR and SSIM of bicubic, electronic and optical enlargement ×8 on folders of test pictures.

    python benchmarks/super_resolution.py FOLDER [FOLDER ...] [--device emulator:lab?seed=7]

Ground truth: each PNG centre-cropped to multiples of 8; input: its decimation (pixels 4, 12, 20,
…); bicubic: aligned to that sampling.  Outputs are clamped to [0, 1] and rounded to 8 bits, and
nothing is cropped before measuring.  RGB and BT.601 luma (Y) figures, per picture and as means.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from driver import DriverError, open_device
from nn import SuperResolutionModel, convert_to_optical
from nn.judging import (
    Quality,
    bicubic_quality,
    evaluate,
    load_test_pictures,
    mean_quality,
)

Method = Callable[[torch.Tensor], Quality]

console = Console()
MAXIMAL_LOSS_DB = 0.3
"""Aim: the optical network's mean PSNR stays within this of the electronic one's."""


def _table(title: str, rows: dict[str, dict[str, Quality]]) -> Table:
    table = Table(title=title)
    table.add_column("picture")
    methods = list(next(iter(rows.values())))
    for method in methods:
        table.add_column(f"{method}\nRGB dB / Y dB / SSIM Y", justify="right")
    if "optical" in methods:
        table.add_column("optical - electronic\nRGB dB / Y dB", justify="right")
    for name, row in rows.items():
        cells = [f"{q.psnr_rgb_db:.2f} / {q.psnr_y_db:.2f} / {q.ssim_y:.4f}" for q in row.values()]
        if "optical" in row:
            rgb, y = _difference(row)
            cells.append(f"{rgb:+.3f} / {y:+.3f}")
        table.add_row(name, *cells, end_section=name == "mean")
    return table


def _difference(row: dict[str, Quality]) -> tuple[float, float]:
    """Optical minus electronic PSNR [dB], on RGB and on Y."""
    optical, electronic = row["optical"], row["electronic"]
    return (
        optical.psnr_rgb_db - electronic.psnr_rgb_db,
        optical.psnr_y_db - electronic.psnr_y_db,
    )


def _measure(
    folders: list[Path], methods: dict[str, Method], limit: int | None
) -> dict[str, dict[str, dict[str, Quality]]]:
    """Figures by folder, picture (and "mean") and method; tables are printed as they come."""
    figures = {}
    for folder in folders:
        pictures = list(islice(load_test_pictures(folder), limit))
        rows = {
            name: {method: measure(target) for method, measure in methods.items()}
            for name, target in track(pictures, folder.name, console=console, transient=True)
        }
        means = {method: mean_quality([row[method] for row in rows.values()]) for method in methods}
        figures[folder.name] = {"mean": means, **rows}
        console.print(_table(folder.name, figures[folder.name]))
    return figures


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders of PNG pictures.")],
    device: Annotated[str, typer.Option(help="Device URI; empty: none.")] = "emulator:lab",
    weights: Annotated[str, typer.Option(help="Name of the packaged weights.")] = "original",
    precision: Annotated[
        Literal["fast", "balanced", "best"], typer.Option(help="Of the optical convolutions.")
    ] = "balanced",
    limit: Annotated[int | None, typer.Option(help="At most so many pictures a folder.")] = None,
    json_out: Annotated[Path | None, typer.Option(help="Write all figures there.")] = None,
) -> None:
    """Print the tables; exit status 1 if the optical network loses more than 0.3 dB."""
    try:
        electronic = SuperResolutionModel.from_pretrained(weights)
        methods: dict[str, Method] = {
            "bicubic": bicubic_quality,
            "electronic": partial(evaluate, electronic),
        }
        with open_device(device) if device else nullcontext() as optics:
            if optics is not None:
                with console.status(f"calibrating {device}"):
                    optics.calibrate()
                optical = convert_to_optical(electronic, optics, precision=precision)
                methods["optical"] = partial(evaluate, optical)
            figures = _measure(folders, methods, limit)
    except (ValueError, FileNotFoundError, DriverError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from None
    if json_out is not None:
        plain = {
            folder: {name: {m: asdict(q) for m, q in row.items()} for name, row in rows.items()}
            for folder, rows in figures.items()
        }
        json_out.write_text(json.dumps(plain, indent=2) + "\n")
    losses = [min(_difference(rows["mean"])) for rows in figures.values() if device]
    if any(loss < -MAXIMAL_LOSS_DB for loss in losses):
        console.print(f"[red]the optical network loses more than {MAXIMAL_LOSS_DB} dB[/red]")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
