"""`opticonv device …`: commands about one device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opticonv.options import Seed

__all__ = ["device_app"]

device_app = typer.Typer(name="device", help="Look at a device: its data sheet and its physics.")


@device_app.callback(invoke_without_command=True)
def _device(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@device_app.command()
def show(
    profile: Annotated[
        str,
        typer.Argument(
            help="A profile's name, a .toml file, either with overrides (lab?device__n=32), "
            "or an emulator's URI."
        ),
    ],
    seed: Seed = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for pictures and a text report."),
    ] = None,
) -> None:
    """Show what a device is: every value with its source, timing, energy; pictures with -o."""
    # Imported here, since the drawing library takes a second to load and other commands do without.
    from opticonv.device.show import show_device

    show_device(profile, seed, out)


@device_app.command()
def check(
    uri: Annotated[
        str,
        typer.Argument(help="Device URI, such as emulator:lab or library:./mydevice.so?port=3."),
    ],
    seed: Seed = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Name of a check to run, as in the table; may be repeated."),
    ] = None,
) -> None:
    """Check that a backend does what every device must do; exit with 1 if it does not."""
    from opticonv.device.check import check_device

    check_device(uri, seed, only)
