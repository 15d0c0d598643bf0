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
from opticonv.device.chip_picture import draw_chip_temperature
from opticonv.device.converter_picture import draw_converters
from opticonv.device.data_sheet import data_sheet_values
from opticonv.device.drawing import save_picture
from opticonv.device.drift_picture import HOUR_S, draw_drift
from opticonv.device.effects import present_effects, without
from opticonv.device.error_pictures import (
    draw_errors_alone,
    draw_errors_removed,
    draw_spectra_alone,
)
from opticonv.device.error_study import ErrorStudy, dimmed, study_errors
from opticonv.device.field_picture import draw_both_chips, draw_fields, field_error
from opticonv.device.gauge import aligned_to
from opticonv.device.heater_pictures import draw_photograph_heaters, draw_test_heaters
from opticonv.device.known_codes import edge_filter
from opticonv.device.low_light_picture import draw_low_light
from opticonv.device.optics_picture import draw_optics
from opticonv.device.report import Report
from opticonv.device.specimen import Program, Specimen, light_leaving_chip
from opticonv.device.tile import photograph_tile
from opticonv.files import whole_folder

__all__ = ["show_device"]

REPORT = "report.txt"

DATA_SHEET, CALIBRATED = "codes of the data sheet", "codes of the calibration"
CLEAN, KNOWN = "codes for no errors", "codes by full knowledge"


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
    effects = present_effects(fabrication.profile)
    notes = []
    if not effects:
        notes.append("This device has no error that a spectrum could show.")
    with progress_console.status("encoding a photograph"):
        programs, clean, note = _programs(specimen, fabrication, tile)
    notes += [note] if note else []
    basis, program = programs[-1]
    study = None
    if effects:
        basis += " of one hour before" if basis == CALIBRATED else ""
        with progress_console.status("exposing without each error"):
            study = study_errors(specimen, fabrication, _later(clean), _later(program), basis)
    wanted = tile.astype(np.complex128)
    stage = 0 if fabrication.profile.device.layout == "4f" else None
    report = dataclasses.replace(
        report,
        study=study,
        notes=notes,
        chip_errors=[
            (name, field_error(aligned_to(wanted, light), wanted))
            for name, codes in programs
            for light in [light_leaving_chip(fabrication, codes, stage)]
        ],
    )
    with progress_console.status("drawing"):
        for name, draw in _pictures(specimen, fabrication, tile, programs, study):
            save_picture(draw(), folder / f"{name}.png")
    with (folder / REPORT).open("w", encoding="utf-8") as file:
        Console(file=file, width=REPORT_WIDTH).print(report.tables(), highlight=False)
    return report


def _programs(
    specimen: Specimen, fabrication: Fabrication, tile: NDArray[np.float64]
) -> tuple[list[tuple[str, Program]], Program, str]:
    """Codes by what they were made from, codes for a device without errors, and a note."""
    off = without(present_effects(fabrication.profile))
    pictures = np.stack([tile[::-1, ::-1], tile]).astype(np.complex128)
    if fabrication.profile.device.layout == "4f":
        spectrum = edge_filter(len(tile))
        clean = specimen.with_known_codes(pictures, spectrum, off)
        programs = [(CLEAN, _for_converter(clean, fabrication))]
        if off:
            programs.append((KNOWN, specimen.with_known_codes(pictures, spectrum)))
        dim = [(name, dimmed(fabrication, codes)) for name, codes in programs]
        return dim, clean, "Codes by full knowledge: the driver encodes for one lens, not for two."
    programs = [(DATA_SHEET, specimen.encoded(pictures, 0.0))]
    clean = specimen.encoded(pictures, 0.0, more=off)
    note = ""
    if off and fabrication.profile.device.detection == "intensity":
        note = "Not calibrated, pictures by the data sheet alone: this device sees no phase."
    elif off:
        try:
            programs.append((CALIBRATED, specimen.encoded(pictures, 0.0, calibrated=True)))
        except (CalibrationError, CapabilityError) as error:
            note = f"Not calibrated, pictures by the data sheet alone: {error}"
    return programs, clean, note


def _for_converter(program: Program, fabrication: Fabrication) -> Program:
    """The same voltages as codes of the specimen's converters."""
    bits = fabrication.profile.device.dac_bits
    return dataclasses.replace(program, codes=program.codes_for(bits), dac_bits=bits)


def _later(program: Program) -> Program:
    """The same codes an hour on."""
    return dataclasses.replace(program, start_ns=program.start_ns + round(HOUR_S * 1e9))


def _pictures(
    specimen: Specimen,
    fabrication: Fabrication,
    tile: NDArray[np.float64],
    programs: Sequence[tuple[str, Program]],
    study: ErrorStudy | None,
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Names of the pictures and how to draw them."""
    basis, program = programs[-1]
    profile = fabrication.profile
    yield "heaters_test", partial(draw_test_heaters, fabrication)
    yield "heaters_photograph", partial(draw_photograph_heaters, fabrication, program, basis)
    if profile.substrate_k_per_w > 0.0:
        yield "chip_temperature", partial(draw_chip_temperature, fabrication, program, basis)
    if np.any(fabrication.dac_bow) or np.any(fabrication.dac_bit_error):
        yield "converters", partial(draw_converters, fabrication)
    if profile.device.layout == "4f":
        yield "chip_field", partial(draw_both_chips, fabrication, tile, programs)
    else:
        yield "chip_field", partial(draw_fields, fabrication, tile, programs)
    if study is not None:
        yield "spectra_one_error", partial(draw_spectra_alone, study)
        yield "errors_alone", partial(draw_errors_alone, study)
        yield "errors_removed", partial(draw_errors_removed, study)
    if profile.camera.shot_noise and profile.device.detection != "intensity":
        yield "low_light", partial(draw_low_light, fabrication)
    yield "optics", partial(draw_optics, specimen, fabrication)
    if np.any(fabrication.drift_amplitude):
        yield "drift", partial(draw_drift, fabrication)
