"""`opticonv calibrate`: measure a device, keep what was found, and write the laboratory's book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from driver import Calibration, Device, Telemetry
from driver.calibration import RoutineReport, run_laboratory
from driver.calibration.report import report_lines
from driver.calibration.routines import ROUTINES
from opticonv.console import count, result_console
from opticonv.errors import CommandError
from opticonv.files import check_writable
from opticonv.opening import calibrate_with_progress, opened, shown_progress
from opticonv.options import DEFAULT_DEVICE, Seed
from opticonv.options import Device as DeviceOption

__all__ = ["calibrate"]

_NAMES = ", ".join(routine.name for routine in ROUTINES)


def calibrate(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ROUTINE] [URI]",
            help=f"One routine instead of all; a device instead of --device. Routines: {_NAMES}.",
        ),
    ] = None,
    device: DeviceOption = DEFAULT_DEVICE,
    seed: Seed = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write (HDF5); by default SERIAL.h5."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="HTML page to write: every routine's values, plots and verdict."),
    ] = None,
    twin: Annotated[
        bool,
        typer.Option(
            help="Refine all parameters together by the twin fit, which takes longer than all else."
        ),
    ] = False,
    force: Annotated[bool, typer.Option(help="Overwrite the files if there are any.")] = False,
) -> None:
    """Calibrate a device through its boundary, and save the calibration."""
    routine, uri = _routine_and_uri(what or [], device)
    if report is not None:
        _check_free(report, force)
    with opened(uri, seed) as dev:
        if routine is not None:
            if twin:
                raise CommandError("--twin goes with all routines; alone it is the routine 'twin'")
            if out is not None:
                raise CommandError("--out needs all routines: one alone makes no calibration")
            _run_one(dev, routine, report)
            return
        path = out if out is not None else Path(f"{dev.info.serial}.h5")
        _check_free(path, force)
        reports: list[RoutineReport] = []
        try:
            calibrate_with_progress(dev, reports.append, twin=twin)
        finally:
            _write_page(report, dev, reports)
        calibration = dev.calibration
        assert calibration is not None
        calibration.save(path)
        console = result_console()
        console.print(_summary(calibration, dev.telemetry(), dev.info.power_w))
        console.print(_verdicts(reports))
        console.print(f"written to {path}", highlight=False, soft_wrap=True)
        if report is not None:
            console.print(f"report in {report}", highlight=False, soft_wrap=True)


def _routine_and_uri(what: list[str], device: str) -> tuple[str | None, str]:
    """Positional arguments told apart: a URI has a colon, a routine has none."""
    uris = [word for word in what if ":" in word]
    routines = [word for word in what if ":" not in word]
    if len(uris) > 1 or len(routines) > 1:
        raise CommandError(f"at most one routine and one device, not {' '.join(what)}")
    if routines and routines[0] not in {routine.name for routine in ROUTINES}:
        raise CommandError(f"routine {routines[0]!r} is not one of {_NAMES}")
    return routines[0] if routines else None, uris[0] if uris else device


def _check_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise CommandError(f"{path} exists; --force overwrites it")
    check_writable(path)


def _run_one(dev: Device, routine: str, page: Path | None) -> None:
    """One routine and what it builds on; its values on the console."""
    with shown_progress() as move:
        reports = run_laboratory(dev, routine=routine, progress=move).reports
    _write_page(page, dev, reports)
    console = result_console()
    console.print("\n".join(report_lines(reports[-1])), highlight=False, soft_wrap=True)
    if page is not None:
        console.print(f"report in {page}", highlight=False, soft_wrap=True)
    if reports[-1].verdict == "failed":
        raise CommandError(f"{reports[-1].title}: {reports[-1].reason}")


def _write_page(
    path: Path | None, dev: Device, reports: list[RoutineReport] | tuple[RoutineReport, ...]
) -> None:
    if path is None or not reports:
        return
    # Imported here, since the drawing library takes a second to load.
    from opticonv.laboratory_page import page_of

    path.write_text(page_of(dev.info, reports), encoding="utf-8")


def _verdicts(reports: list[RoutineReport]) -> Table:
    table = Table(title="Routines", box=None, pad_edge=False)
    for name in ("routine", "verdict", "frames", "device s"):
        table.add_column(name, justify="right" if name in ("frames", "device s") else "left")
    for report in reports:
        table.add_row(
            report.routine, report.verdict, count(report.frames), f"{report.device_time_s:.2f}"
        )
    return table


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
