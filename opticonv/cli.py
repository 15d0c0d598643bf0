"""The `opticonv` command: which commands there are."""

from __future__ import annotations

import typer

from opticonv.calibrate import calibrate
from opticonv.data.command import data_app
from opticonv.demo.command import demo
from opticonv.device.command import device_app
from opticonv.devices import devices
from opticonv.errors import OneLineErrors
from opticonv.evaluate.command import evaluate
from opticonv.latency import latency
from opticonv.macs import macs
from opticonv.models import models
from opticonv.monitor.command import monitor
from opticonv.probe import probe
from opticonv.scaling import scaling
from opticonv.train.command import train
from opticonv.upscale import upscale

__all__ = ["app"]

app = typer.Typer(
    name="opticonv",
    cls=OneLineErrors,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An emulated Fourier-optical computer that enlarges photographs ×8.",
)
for command in (
    devices,
    calibrate,
    monitor,
    upscale,
    train,
    demo,
    evaluate,
    models,
    probe,
    macs,
    latency,
    scaling,
):
    app.command()(command)
app.add_typer(device_app)
app.add_typer(data_app)


@app.callback(invoke_without_command=True)
def _main(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
