"""The laboratory: from a device as delivered to a Calibration, with a report of every routine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from driver.calibration.bench import Bench, Progress
from driver.calibration.calibration import Calibration, ComplexArray
from driver.calibration.frames import CalibrationDevice
from driver.calibration.report import RoutineReport
from driver.calibration.routines import ROUTINES, Routine, routine_named, run_routine
from driver.errors import CalibrationError, CapabilityError

__all__ = ["Laboratory", "Progress", "required", "run_laboratory"]


@dataclass(frozen=True, slots=True, eq=False)
class Laboratory:
    """What a run of the laboratory gave."""

    calibration: Calibration | None
    """None where not all routines ran, or one failed."""
    reports: tuple[RoutineReport, ...]
    """Of the routines that ran, in order."""


def run_laboratory(
    device: CalibrationDevice,
    *,
    routine: str | None = None,
    twin: bool = False,
    progress: Progress | None = None,
    on_report: Callable[[RoutineReport], None] | None = None,
) -> Laboratory:
    """Calibrate `device` through its boundary alone.

    Parameters
    ----------
    device
        An open device that detects phases.
    routine
        Run only this one and what it builds on; None: all, and make a calibration of it.
    twin
        End with the twin fit, which takes longer than all others.
    progress
        Told of each routine as it begins or gets on.
    on_report
        Told of each routine's report as it ends.

    Raises
    ------
    CapabilityError
        The device has another detection.
    ValueRangeError
        There is no such routine.
    """
    info = device.info
    if info.reference_steps < 3:
        raise CapabilityError(
            "the laboratory calibrates devices with 'four_step' or 'three_step' detection, "
            f"not '{info.detection}'"
        )
    chosen = _needed(routine, twin)
    whole = sum(item.share for item in chosen) or 1.0
    begin, before = time.perf_counter(), device.telemetry()
    bench = Bench(device, progress)
    reports: list[RoutineReport] = []
    done = 0.0
    for item in chosen:
        bench.begin(item.title, done / whole, min((done + item.share) / whole, 1.0))
        reports.append(run_routine(bench, item))
        done += item.share
        if on_report is not None:
            on_report(reports[-1])
        if not _can_go_on(reports[-1]):
            return Laboratory(None, tuple(reports))
    bench.begin("done", 1.0, 1.0)
    if routine is not None:
        return Laboratory(None, tuple(reports))
    after = device.telemetry()
    figures = {
        "residual": bench.refinement.residual,
        "reference_step": float(bench.launch_step),
        "frames": float(after.frames - before.frames),
        "device_time_s": float(after.device_time_s - before.device_time_s),
        "host_time_s": time.perf_counter() - begin,
    }
    return Laboratory(_calibration(bench, figures, after.device_time_s), tuple(reports))


def _needed(routine: str | None, twin: bool) -> list[Routine]:
    """The routines to run, in order."""
    if routine is None:
        return [item for item in ROUTINES if twin or item.name != "twin"]
    wanted, new = set(), {routine_named(routine).name}
    while new:
        wanted |= new
        new = {need for name in new for need in routine_named(name).needs} - wanted
    return [item for item in ROUTINES if item.name in wanted]


def _can_go_on(report: RoutineReport) -> bool:
    """A routine without values has set nothing that others could build on."""
    return bool(report.values)


def required(laboratory: Laboratory) -> Calibration:
    """The calibration, or why there is none.

    Raises
    ------
    CalibrationError
    """
    if laboratory.calibration is None:
        last = laboratory.reports[-1]
        raise CalibrationError(f"{last.title}: {last.reason}")
    return laboratory.calibration


def _middle_map(bench: Bench) -> ComplexArray:
    if bench.chip.middle_map is None:
        return np.ones(bench.info.grid, np.complex128)
    return bench.chip.middle_map.astype(np.complex128)


def _calibration(bench: Bench, figures: dict[str, float], device_time_s: float) -> Calibration:
    """What the bench knows, as encode and decode take it."""
    info, chip, strength = bench.info, bench.chip, bench.links.strength
    return Calibration(
        serial=info.serial,
        profile_hash=info.profile_hash,
        device_time_ns=round(device_time_s * 1e9),
        rho=chip.rho.astype(np.float64),
        theta0_rad=np.mod(chip.theta0.astype(np.float64) + np.pi, 2 * np.pi) - np.pi,
        kappa_rad_per_mw=chip.kappa / strength,
        power_full_mw=info.nominal.power_full_mw * strength,
        beta_per_mw=chip.beta / strength,
        links=bench.links.coefficient,
        partner=chip.partner.astype(np.float64),
        ring=np.asarray(chip.ring, np.float64),
        substrate_rad_per_mw=np.asarray(chip.substrate, np.float64),
        input_map=chip.input_map.astype(np.complex128),
        middle_map=_middle_map(bench),
        output_map=chip.output_map.astype(np.complex128),
        conjugate_leak=chip.leak,
        launch_gain=bench.launch_gain,
        black_dn=bench.black_dn,
        saturation_dn=bench.saturation_dn,
        gain_e_per_dn=bench.gain_e_per_dn,
        read_noise_e=bench.read_noise_dn * bench.gain_e_per_dn,
        reference_dn=bench.reference_dn,
        pilot_codes=bench.pilot.codes,
        pilot_launch_step=bench.pilot.launch_step,
        pilot_spectrum=bench.pilot.spectrum.astype(np.complex128),
        figures=figures,
    )
