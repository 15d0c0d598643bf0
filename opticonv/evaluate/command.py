"""`opticonv evaluate`: judge enlargements on sets of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from opticonv.options import DEFAULT_DEVICE, Calibration, Device, Precision

__all__ = ["evaluate"]


def evaluate(
    weights: Annotated[
        list[str] | None,
        typer.Argument(
            help="Networks: names of packaged weights, FILE.safetensors or NAME=FILE.safetensors; "
            "by default original.",
            show_default=False,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Pictures to judge on: NAME=FOLDER, or NAME=FOLDER:validation for a split; give "
            "the option once for each.",
            show_default=False,
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Which of nearest, bilinear, bicubic, lanczos3, linear, electronic, optical, with "
            "commas between; by default all.",
            show_default=False,
        ),
    ] = None,
    device: Device = DEFAULT_DEVICE,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Specimens of the device, with commas between; by default the URI's.",
            show_default=False,
        ),
    ] = None,
    calibration: Calibration = None,
    precision: Precision = "balanced",
    border: Annotated[
        Literal["none", "shave-scale", "shave-6+scale"],
        typer.Option(help="What is left out along the edges: nothing, 8 or 14 pixels."),
    ] = "none",
    vgg: Annotated[
        Path | None,
        typer.Option(
            help="VGG-16 weights under torchvision's names, for the perceptual distance; without "
            "them it is not measured."
        ),
    ] = None,
    match: Annotated[
        str | None,
        typer.Option(
            help="Judge networks also after histogram matching to: input; truth, which is a leak "
            "and said to be one; or input,truth.",
            show_default=False,
        ),
    ] = None,
    linear_file: Annotated[
        Path | None,
        typer.Option(
            "--linear-filter", help="A fitted linear filter; by default the one that comes along."
        ),
    ] = None,
    fit_linear: Annotated[
        str | None,
        typer.Option(
            help="Fit the linear filter on these pictures instead: FOLDER or FOLDER:training.",
            show_default=False,
        ),
    ] = None,
    linear_size: Annotated[
        int, typer.Option(min=1, help="Side of a fitted filter's window, in input pixels; odd.")
    ] = 7,
    save_linear: Annotated[
        Path | None, typer.Option(help="Keep the fitted filter there (.safetensors).")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many pictures a set.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            help="Keep all judgements there. Those that it has already are not made again.",
        ),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write all judgements there.")
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write the tables there as one page.")
    ] = None,
) -> None:
    """Judge enlargements ×8: baselines, and networks on electronics and on light."""
    # Imported here, since torch takes seconds to load and other commands do without.
    from opticonv.console import result_console
    from opticonv.errors import CommandError
    from opticonv.evaluate.csv_file import write_csv
    from opticonv.evaluate.evaluation import Evaluation
    from opticonv.evaluate.html_page import write_html
    from opticonv.evaluate.linear import linear_filter
    from opticonv.evaluate.methods import load_networks, parse_families
    from opticonv.evaluate.run import parse_matchings
    from opticonv.evaluate.sets import open_sets, parse_seeds
    from opticonv.evaluate.terminal import print_tables
    from opticonv.files import check_writable

    written = [path for path in (json_file, csv_file, html_file, save_linear) if path is not None]
    for path in written:
        check_writable(path)
    if len({path.resolve() for path in written}) < len(written):
        raise CommandError("--json, --csv, --html and --save-linear name one file for two things")
    families = parse_families(methods)
    pictures = open_sets(sets or (), limit)
    linear = None
    if "linear" in families:
        linear = linear_filter(linear_file, fit_linear, linear_size, save_linear)
    evaluation = Evaluation(
        families=families,
        networks=load_networks(weights or ["original"]),
        device=device,
        seeds=parse_seeds(seeds),
        calibration=calibration,
        precision=precision,
        border=border,
        vgg=vgg,
        matchings=parse_matchings(match),
        linear=linear,
    )
    table = evaluation.run(pictures, json_file)
    print_tables(table, result_console())
    if csv_file is not None:
        write_csv(table, csv_file)
    if html_file is not None:
        write_html(table, html_file)
