"""`opticonv train`: from a configuration and photographs to weights with a model card."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from opticonv.console import result_console
from opticonv.errors import CommandError

__all__ = ["train"]


def train(
    config: Annotated[
        str, typer.Option(help="A configuration's name, such as original, or a .toml file.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Values in place of the configuration's, as section.key=value, such as "
            "data.folder=photos or optimiser.epochs=30.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Weights to begin from: a packaged name or a .safetensors."),
    ] = None,
) -> None:
    """Train a network; go on where an earlier run in that folder stopped."""
    from nn.training.config_file import ConfigError, load_config

    try:
        settings = load_config(config, overrides or ())
    except ConfigError as error:
        raise CommandError(str(error)) from None
    if start is not None:
        changed = settings.run.model_copy(update={"start": start})
        settings = settings.model_copy(update={"run": changed})

    # Imported here, since Lightning takes seconds to load and mistakes above need none of it.
    from lightning.pytorch.utilities import rank_zero_only

    from nn.training.interruption import InterruptedRunError
    from nn.training.run import train as run
    from opticonv.train.progress import RunProgress

    try:
        finished = run(settings, out, command=_command_line(), callbacks=[RunProgress()])
    except InterruptedRunError as error:
        if getattr(rank_zero_only, "rank", 0) == 0:
            result_console().print(
                f"{error}; the same command goes on", highlight=False, soft_wrap=True
            )
        raise typer.Exit(130) from None
    except (ValueError, FileNotFoundError) as error:
        raise CommandError(str(error)) from None
    if finished.card is None:
        return
    console = result_console()
    for name, methods in finished.card.quality.items():
        figures = ", ".join(f"{m} {values['psnr_rgb_db']:.3f} dB" for m, values in methods.items())
        console.print(f"{name}: {figures} (RGB PSNR)", highlight=False, soft_wrap=True)
    console.print(f"weights: {finished.weights}", highlight=False, soft_wrap=True)


def _command_line() -> str:
    """The command that was given, in a portable form: paths without their folders."""

    def portable(argument: str) -> str:
        key, equals, value = argument.rpartition("=")
        return f"{key}{equals}{Path(value).name if Path(value).is_absolute() else value}"

    return shlex.join(["opticonv", *map(portable, sys.argv[1:])])
