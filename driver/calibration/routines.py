"""The routines of the laboratory in their order, and running them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from driver.calibration import (
    alignment,
    crosstalk,
    dark,
    dead_pixels,
    drift,
    flat,
    heaters,
    launch,
    maps,
    photon_transfer,
    reference_arm,
    twin,
)
from driver.calibration.bench import Bench
from driver.calibration.report import Findings, RoutineReport
from driver.errors import CalibrationError, ValueRangeError

__all__ = ["ROUTINES", "Routine", "routine_named", "run_routine"]


@dataclass(frozen=True, slots=True)
class Routine:
    """One routine: its name, title, function, and the routines whose results it builds on."""

    name: str
    title: str
    run: Callable[[Bench], Findings]
    needs: tuple[str, ...]
    share: float
    """Of the whole laboratory's time, roughly."""


ROUTINES: tuple[Routine, ...] = (
    Routine("dark", "Camera in the dark", dark.run, (), 0.01),
    Routine("photon_transfer", "Photon transfer", photon_transfer.run, ("dark",), 0.02),
    Routine("flat", "Flat field", flat.run, ("photon_transfer",), 0.01),
    Routine("heaters", "Heater curves", heaters.run, ("flat",), 0.6),
    Routine("crosstalk", "Thermal crosstalk", crosstalk.run, ("heaters",), 0.05),
    Routine("maps", "Input and output maps", maps.run, ("crosstalk",), 0.02),
    Routine("reference_arm", "Reference arm", reference_arm.run, ("maps",), 0.05),
    Routine("alignment", "Alignment", alignment.run, ("maps",), 0.05),
    Routine("dead_pixels", "Dead and stuck pixels", dead_pixels.run, ("maps",), 0.04),
    Routine("twin", "Twin fit", twin.run, ("dead_pixels",), 1.0),
    Routine("launch", "Launch attenuator", launch.run, ("dead_pixels",), 0.1),
    Routine("drift", "Drift tracking", drift.run, ("launch",), 0.05),
)
"""In the order in which a whole calibration runs them."""


def routine_named(name: str) -> Routine:
    """The routine of that name.

    Raises
    ------
    ValueRangeError
        There is none.
    """
    for routine in ROUTINES:
        if routine.name == name:
            return routine
    known = ", ".join(routine.name for routine in ROUTINES)
    raise ValueRangeError(f"routine {name!r} is not one of {known}")


def run_routine(bench: Bench, routine: Routine) -> RoutineReport:
    """Run one routine whose needs are met, and note what it cost.

    A routine that cannot go on has failed, with its reason; its report says so, and what builds on
    it cannot be run.
    """
    begin, before = time.perf_counter(), bench.device.telemetry()
    try:
        findings = routine.run(bench)
    except CalibrationError as error:
        findings = Findings((), (), "failed", str(error))
    after = bench.device.telemetry()
    return RoutineReport(
        routine=routine.name,
        title=routine.title,
        verdict=findings.verdict,
        reason=findings.reason,
        values=findings.values,
        plots=findings.plots,
        frames=int(after.frames - before.frames),
        device_time_s=float(after.device_time_s - before.device_time_s),
        host_time_s=time.perf_counter() - begin,
    )
