"""`opticonv macs`: multiply-accumulates of networks, as matrix products and by light."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from driver import open_device
from opticonv.console import count, report_table, result_console
from opticonv.errors import CommandError
from opticonv.files import check_writable, whole_file
from opticonv.options import DEFAULT_DEVICE, Device, Networks, Picture, Precision, picture_shape

if TYPE_CHECKING:
    from opticonv.counting import NetworkCount

__all__ = ["macs"]

Convention = Annotated[
    Literal["4-real", "4-real-full", "3-real", "3-real-full", "complex", "complex-full"],
    typer.Option(
        help="What a product of spectra counts: 4 or 3 real MACs or one complex MAC a bin, of half "
        "planes (conjugate symmetry) or -full ones."
    ),
]


def macs(
    models: Networks = None,
    device: Device = DEFAULT_DEVICE,
    batch: Annotated[int, typer.Option(min=1, help="Pictures that share tiles.")] = 128,
    picture: Picture = None,
    convention: Convention = "4-real",
    precision: Precision = "balanced",
    training: Annotated[
        bool, typer.Option("--training", help="Count a training step, not a forward pass.")
    ] = False,
    conventions: Annotated[
        bool, typer.Option("--conventions", help="Also list spectral counts in every convention.")
    ] = False,
    layers: Annotated[bool, typer.Option("--layers", help="Also list every layer.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the MAC-reduction chart to this file.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all counts to this file.")
    ] = None,
) -> None:
    """Count what networks' convolutions cost, as matrix products and by light."""
    for file in (plot, json_file):
        if file is not None:
            check_writable(file)
    # Imported here, since torch takes seconds to load and other commands do without.
    from driver.spectral_macs import CONVENTIONS
    from opticonv.counting import count_network
    from opticonv.networks import CHARTED, load_network_named

    networks = [load_network_named(n, picture_shape(picture)) for n in models or CHARTED]
    with open_device(device) as opened:
        info = opened.info

    def counted(of_training: bool) -> list[NetworkCount]:
        return [
            count_network(
                network,
                grid=info.grid[0],
                reference_steps=info.reference_steps,
                layout=info.layout,
                batch=batch,
                training=of_training,
                precision=precision,
                convention=CONVENTIONS[convention],
            )
            for network in networks
        ]

    counts = counted(training)
    console = result_console()
    console.print(_table(counts))
    if conventions:
        console.print(_convention_table(counts))
    if layers:
        for each in counts:
            console.print(_layer_table(each))
    console.print(_notes(counts[0], precision), highlight=False)
    if json_file is not None:
        with whole_file(json_file) as part:
            part.write_text(json.dumps([_as_dict(each) for each in counts], indent=2))
    if plot is not None:
        from opticonv.count_charts import draw_reductions, save_figure

        other = counted(not training)
        forward, trained = (other, counts) if training else (counts, other)
        try:
            figure = draw_reductions(forward, trained)
        except ValueError as error:
            raise CommandError(str(error)) from error
        save_figure(figure, plot)


def _ratio(part: float, whole: float) -> str:
    return f"{count(part)}\n({whole / part:.2f}×)"


def _table(counts: Sequence[NetworkCount]) -> Table:
    first = counts[0]
    kind = "a training step" if first.training else "a forward pass"
    table = report_table(f"MACs of {kind} per picture, batch {first.batch}: convolutions")
    table.add_column("network", no_wrap=True)
    n = first.grid
    tiled = (f"on {n}×{n}\ntiles", "best,\ntiled")
    for name in ("GEMM", "spectral", "best of\nboth", *tiled, "electronics"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in counts:
        parts = [each.spectral, each.best, each.tiled, each.best_tiled, each.electronic]
        table.add_row(each.name, count(each.gemm), *(_ratio(part, each.gemm) for part in parts))
    return table


def _convention_table(counts: Sequence[NetworkCount]) -> Table:
    from driver.spectral_macs import CONVENTIONS

    table = report_table("spectral, whole pictures, by convention: MACs and times fewer than GEMM")
    table.add_column("network", no_wrap=True)
    for name in CONVENTIONS:
        table.add_column(name, justify="right", no_wrap=True)
    for each in counts:
        amounts = [each.spectral_by(convention) for convention in CONVENTIONS.values()]
        table.add_row(each.name, *(_ratio(amount, each.gemm) for amount in amounts))
    return table


def _layer_table(counted: NetworkCount) -> Table:
    table = report_table(f"{counted.name}: layers; MACs per picture, tiles and frames per batch")
    table.add_column("layer")
    table.add_column("kernel, in, out", no_wrap=True)
    names = ("output", "tiles", "frames", "GEMM", "spectral", "tiled", "electronics", "fewest")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for layer in counted.layers:
        plan = layer.plan
        amounts = {
            "GEMM": plan.macs.gemm,
            "spectral": plan.spectral_macs(counted.convention, tiled=False),
            "tiled": plan.spectral_macs(counted.convention),
        }
        table.add_row(
            layer.name,
            layer.kernel,
            "×".join(map(str, plan.output)),
            f"{plan.tiles:,}",
            f"{plan.frames:,}",
            *(count(counted.of(layer, amount)) for amount in amounts.values()),
            count(layer.electronic(counted.training) / counted.batch),
            min(amounts, key=lambda name: amounts[name]),
        )
    return table


def _notes(counted: NetworkCount, precision: str) -> str:
    convention = counted.convention
    planes = "half planes, N·(⌊N/2⌋+1) bins" if convention.symmetry else "full planes"
    unit = "complex MAC" if convention.macs_per_product == 1 else "real MACs"
    notes = [
        f"Spectral: convention {convention.name!r}, {convention.macs_per_product} {unit} a bin, "
        f"{planes} of the padded picture; strided layers dense; kernels' spectra known; Fourier "
        "transforms free (light).",
        "Best of both: each layer in the way that is fewer. Times in brackets: fewer than GEMM.",
    ]
    if counted.training:
        notes.append(
            "Training: the gradients of weight and input are as many products as the forward pass; "
            "the first layer's input needs none."
        )
    light = ", both gradients by light, kernels' spectra anew" if counted.training else ""
    notes.append(
        f"Electronics: all of it, on tiles{light}: products, encoding and decoding at precision "
        f"{precision!r}, scaling, polynomials; real MACs whatever the convention."
    )
    return "\n".join(notes)


def _as_dict(counted: NetworkCount) -> dict[str, Any]:
    from driver.spectral_macs import CONVENTIONS

    names = ("gemm", "spectral", "best", "tiled", "best_tiled", "electronic", "best_electronic")
    return {
        "name": counted.name,
        "picture": counted.picture,
        "grid": counted.grid,
        "batch": counted.batch,
        "training": counted.training,
        "convention": counted.convention.name,
        "macs_per_picture": {name: getattr(counted, name) for name in names},
        "spectral_by_convention": {
            name: counted.spectral_by(convention) for name, convention in CONVENTIONS.items()
        },
        "other_macs": counted.other_macs,
        "layers": [
            {
                "name": layer.name,
                "kernel": layer.kernel,
                "passes": layer.passes if counted.training else 1,
                "tiles": layer.plan.tiles,
                "frames": layer.plan.frames,
                "gemm": layer.plan.macs.gemm,
                "spectral": layer.plan.spectral_macs(counted.convention, tiled=False),
                "tiled": layer.plan.spectral_macs(counted.convention),
                "electronic": layer.electronic(counted.training),
            }
            for layer in counted.layers
        ],
    }
