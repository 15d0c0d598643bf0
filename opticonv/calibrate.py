"""`opticonv calibrate`: measure a device and keep what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from driver import Calibration, Telemetry
from opticonv.console import count, result_console
from opticonv.errors import CommandError
from opticonv.files import check_writable
from opticonv.opening import calibrate_with_progress, opened
from opticonv.options import DEFAULT_DEVICE, Device, Seed

__all__ = ["calibrate"]


def calibrate(
    device: Device = DEFAULT_DEVICE,
    seed: Seed = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write (HDF5); by default SERIAL.h5."),
    ] = None,
    force: Annotated[bool, typer.Option(help="Overwrite the file if there is one.")] = False,
) -> None:
    """Calibrate a device through its boundary, and save the calibration."""
    with opened(device, seed) as dev:
        path = out if out is not None else Path(f"{dev.info.serial}.h5")
        if path.exists() and not force:
            raise CommandError(f"{path} exists; --force overwrites it")
        check_writable(path)
        calibrate_with_progress(dev)
        calibration = dev.calibration
        assert calibration is not None
        calibration.save(path)
        console = result_console()
        console.print(_summary(calibration, dev.telemetry(), dev.info.power_w))
        console.print(f"written to {path}", highlight=False, soft_wrap=True)


def _summary(calibration: Calibration, telemetry: Telemetry, power_w: float) -> Table:
    figures = calibration.figures
    table = Table(title=f"Calibration of {calibration.serial}", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = {
        "frames": count(telemetry.frames),
        "camera exposures": count(telemetry.exposures),
        "device time": f"{telemetry.device_time_s:.2f} s",
        "energy": f"{telemetry.device_time_s * power_w:.0f} J",
        "host time": f"{figures['host_time_s']:.1f} s",
        "residual of the fit": f"{100 * figures['residual']:.2f} %",
        "saturation level": f"{calibration.saturation_dn:.0f} DN",
        "system gain": f"{calibration.gain_e_per_dn:.2f} e-/DN",
        "read noise": f"{calibration.read_noise_e:.0f} e-",
    }
    if telemetry.faults:
        rows["faults"] = count(telemetry.faults)
    for name, value in rows.items():
        table.add_row(name, value)
    return table
