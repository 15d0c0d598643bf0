"""`opticonv device show`: the report about a device, and its pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console

from driver.backends import parse_uri
from driver.errors import CalibrationError, CapabilityError
from optical_device.fabrication import Fabrication
from optical_device.profile import load_profile
from opticonv.console import REPORT_WIDTH, progress_console, result_console
from opticonv.device.data_sheet import data_sheet_values
from opticonv.device.drawing import save_picture
from opticonv.device.drift_picture import HOUR_S, draw_drift
from opticonv.device.effects import present_effects
from opticonv.device.error_pictures import (
    draw_errors_alone,
    draw_errors_removed,
    draw_spectra_alone,
)
from opticonv.device.error_study import ErrorStudy, study_errors
from opticonv.device.field_picture import draw_fields, field_error
from opticonv.device.gauge import aligned_to
from opticonv.device.heater_pictures import draw_photograph_heaters, draw_test_heaters
from opticonv.device.optics_picture import draw_optics
from opticonv.device.report import Report
from opticonv.device.specimen import Program, Specimen, light_leaving_chip
from opticonv.device.tile import photograph_tile
from opticonv.files import whole_folder

__all__ = ["show_device"]

REPORT = "report.txt"

DATA_SHEET, CALIBRATED = "codes of the data sheet", "codes of the calibration"


def show_device(profile: str, seed: int | None, out: Path | None) -> None:
    """Print the report about a device; with `out`, leave it and pictures in that folder.

    Parameters
    ----------
    profile : str
        A profile's name or file, with overrides as in a URI, or a URI.
    seed : int, optional
        Which specimen; by default the URI's, else 0.
    out : Path, optional

    Raises
    ------
    driver.DriverError
        There is no such profile, or an override or the seed is not allowed.
    CommandError
        `out` can't be written to.
    """
    uri = parse_uri(profile if profile.startswith("emulator:") else f"emulator:{profile}")
    chosen = uri.seed if seed is None else seed
    specimen = Specimen(uri.name, 0 if chosen is None else chosen, dict(uri.overrides))
    info = specimen.info()
    report = Report(
        uri=profile,
        info=info,
        values=data_sheet_values(
            specimen.name, load_profile(specimen.name, **specimen.overrides), specimen.overrides
        ),
        fabrication=specimen.fabricated(),
    )
    names: list[str] = []
    if out is not None:
        with whole_folder(out) as folder:
            report = _leave(folder, specimen, report)
            names = sorted(file.name for file in folder.iterdir())
    console = result_console()
    console.print(report.tables(), highlight=False)
    if out is not None:
        console.print(f"In {out}/: {', '.join(names)}", highlight=False)


def _leave(folder: Path, specimen: Specimen, report: Report) -> Report:
    """Write pictures and the report, which is returned with what they showed."""
    fabrication = report.fabrication
    tile = photograph_tile(fabrication.profile.device.n)
    pictures = np.stack([tile[::-1, ::-1], tile]).astype(np.complex128)
    programs = [(DATA_SHEET, specimen.encoded(pictures, 0.0))]
    notes = []
    if present_effects(fabrication.profile):
        try:
            programs.append((CALIBRATED, specimen.encoded(pictures, 0.0, calibrated=True)))
        except (CalibrationError, CapabilityError) as error:
            notes.append(f"Not calibrated, pictures by the data sheet alone: {error}")
    basis, program = programs[-1]
    study = None
    if present_effects(fabrication.profile):
        with progress_console.status("exposing without each error"):
            study = _study(specimen, fabrication, pictures, basis, program)
    else:
        notes.append("This device has no error that a spectrum could show.")
    wanted = tile.astype(np.complex128)
    report = dataclasses.replace(
        report,
        study=study,
        notes=notes,
        chip_errors=[
            (name, field_error(aligned_to(wanted, light_leaving_chip(fabrication, codes)), wanted))
            for name, codes in programs
        ],
    )
    with progress_console.status("drawing"):
        for name, draw in _pictures(specimen, fabrication, tile, programs, study):
            save_picture(draw(), folder / f"{name}.png")
    with (folder / REPORT).open("w", encoding="utf-8") as file:
        Console(file=file, width=REPORT_WIDTH).print(report.tables(), highlight=False)
    return report


def _study(
    specimen: Specimen,
    fabrication: Fabrication,
    pictures: NDArray[np.complex128],
    basis: str,
    program: Program,
) -> ErrorStudy:
    """Errors one hour after the codes were made."""
    later = dataclasses.replace(program, start_ns=program.start_ns + round(HOUR_S * 1e9))
    if basis == CALIBRATED:
        basis += " of one hour before"
    return study_errors(specimen, fabrication, pictures, HOUR_S, later, basis)


def _pictures(
    specimen: Specimen,
    fabrication: Fabrication,
    tile: NDArray[np.float64],
    programs: Sequence[tuple[str, Program]],
    study: ErrorStudy | None,
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Names of the pictures and how to draw them."""
    basis, program = programs[-1]
    yield "heaters_test", partial(draw_test_heaters, fabrication)
    yield "heaters_photograph", partial(draw_photograph_heaters, fabrication, program, basis)
    yield "chip_field", partial(draw_fields, fabrication, tile, programs)
    if study is not None:
        yield "spectra_one_error", partial(draw_spectra_alone, study)
        yield "errors_alone", partial(draw_errors_alone, study)
        yield "errors_removed", partial(draw_errors_removed, study)
    yield "optics", partial(draw_optics, specimen, fabrication)
    yield "drift", partial(draw_drift, fabrication)
