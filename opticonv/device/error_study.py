"""Spectra of a specimen with and without each of its errors, and how much each error is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optical_device.fabrication import Fabrication
from opticonv.device.effects import Effect, present_effects, without
from opticonv.device.specimen import (
    Program,
    Specimen,
    camera_spectrum,
    difference,
    saturates,
)

__all__ = ["ErrorStudy", "dimmed", "study_errors"]

DIMMER_STEPS = 2
"""Of the launch attenuator, at a time."""

Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class ErrorStudy:
    """Spectra of one specimen with and without its errors."""

    serial: str
    layout: str
    exact: Complexes
    """Without any error, and with codes for such a device."""
    alone: Mapping[str, Complexes]
    """The same codes, with one error, by its name."""
    every: Complexes
    """With all errors, and the codes of the calibration."""
    changes: Mapping[str, Complexes]
    """What one error changes with those codes: without it, less with it."""
    basis: str
    """What the codes of `every` were made from."""

    def errors(self) -> dict[str, Complexes]:
        """What is wrong in each spectrum of `alone`."""
        return {name: difference(seen, self.exact) for name, seen in self.alone.items()}

    def alone_rms(self) -> dict[str, float]:
        """RMS of `errors` relative to the exact spectrum's."""
        return {name: _relative(wrong, self.exact) for name, wrong in self.errors().items()}

    def changes_rms(self) -> dict[str, float]:
        """RMS of `changes` relative to the spectrum with all errors."""
        return {name: _relative(change, self.every) for name, change in self.changes.items()}


def _relative(part: Complexes, whole: Complexes) -> float:
    return float(np.linalg.norm(part) / np.linalg.norm(whole))


def study_errors(
    specimen: Specimen, fabrication: Fabrication, clean: Program, program: Program, basis: str
) -> ErrorStudy:
    """Expose the second of two pictures on devices that differ in one error.

    Parameters
    ----------
    specimen, fabrication
        The device with all its errors.
    clean : Program
        Codes for the device without any.
    program : Program
        Codes for the device with all its errors, as `basis` says.
    """
    effects = present_effects(fabrication.profile)
    noises = [effect for effect in effects if effect.is_noise]

    def seen(codes: Program, off: Iterable[Effect]) -> Complexes:
        return camera_spectrum(specimen.fabricated(without(off)), codes)

    # Brightness is judged with the camera as it is: a device without errors has no limit.
    limited = specimen.fabricated(without(e for e in effects if not e.limits_range))
    clean = dimmed(limited, dataclasses.replace(clean, launch_step=program.launch_step))
    program = dimmed(fabrication, program)
    every, quiet = seen(program, []), seen(program, noises)
    changes = {}
    for effect in effects:
        if effect.is_noise:
            # By itself: one noise less may change which random numbers the others take.
            noisy = seen(program, [other for other in noises if other is not effect])
            changes[effect.name] = difference(quiet, noisy)
        elif not effect.is_in_codes:
            changes[effect.name] = difference(seen(program, [*noises, effect]), quiet)
    return ErrorStudy(
        serial=fabrication.serial,
        layout=fabrication.profile.device.layout,
        exact=seen(clean, effects),
        alone={
            one.name: seen(clean, (e for e in effects if e.name not in (one.name, one.needs)))
            for one in effects
        },
        every=every,
        changes=changes,
        basis=basis,
    )


def dimmed(fabrication: Fabrication, program: Program) -> Program:
    """The program at the first launch step, from its own on, at which no pixel saturates."""
    last = fabrication.profile.source.launch_steps - 1
    while program.launch_step < last and saturates(fabrication, program):
        step = min(program.launch_step + DIMMER_STEPS, last)
        program = dataclasses.replace(program, launch_step=step)
    return program
