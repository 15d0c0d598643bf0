"""What the laboratory found beside the truth, in the gauge that docs/calibration.md gives.

Tests and benchmarks only: nothing in the driver may know what is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver import Calibration
from driver.calibration import RoutineReport, substrate
from driver.calibration.crosstalk import LINKS
from driver.calibration.flat import beam_of
from driver.calibration.planes import nominal_output_map
from driver.calibration.report import Value
from driver.info import DeviceInfo
from optical_device.draw import Draw
from optical_device.drift import Drift, drift
from optical_device.fabrication import Fabrication

Floats = NDArray[np.float64]
MAIN_FRAMES = 512
"""Of the heaters' fit, theta0 being that of their middle; in layout 4f of each stage's."""


@dataclass(frozen=True)
class Compared:
    """Errors of one quantity and their stated sigmas, of the same shape."""

    error: Floats
    sigma: Floats

    @property
    def pull(self) -> Floats:
        known = self.sigma > 0
        return np.asarray(self.error[known] / self.sigma[known])


def compare(
    reports: Sequence[RoutineReport],
    calibration: Calibration,
    info: DeviceInfo,
    truth: Fabrication,
    device_time_s: float = 0.0,
) -> dict[str, Compared]:
    """Every quantity that a whole calibration states, by name.

    Parameters
    ----------
    device_time_s
        Device time at which the calibration began: drifts are compared where they were measured.
    """
    book = {report.routine: report for report in reports}
    ends = device_time_s + np.cumsum([report.device_time_s for report in reports])
    by_name = dict(zip(book, ends, strict=True))
    made: dict[str, Compared] = {}

    def note(
        name: str,
        routine: str,
        value: str,
        wanted: Any,
        off: Any = None,
    ) -> None:
        found = book[routine].value(value)
        error = np.asarray(found.value) - wanted if off is None else off
        made[name] = Compared(np.atleast_1d(error), np.atleast_1d(np.asarray(found.sigma) + 0.0))

    _camera(made, note, book, info, truth)
    after = substrate.FRAMES if np.any(truth.substrate_k_per_mw) else 0
    frame_s = info.timing.frame_us() * 1e-6
    main_s = [by_name["heaters"] - (after + 0.5 * MAIN_FRAMES) * frame_s] * 2
    if info.layout == "4f":  # stage b has its frames before
        main_s[1] -= MAIN_FRAMES * frame_s
    _chip(note, calibration, info, truth, [_drift(truth, time_s)[0] for time_s in main_s])
    _planes(note, calibration, info, truth)
    _rest(made, note, book, info, truth, _drift(truth, by_name["drift"])[1])
    return made


def _drift(truth: Fabrication, time_s: float) -> tuple[Floats, Floats]:
    return drift(time_s, truth.drift_amplitude, truth.drift_omega_rad_per_s, truth.drift_phase_rad)


def _both(found: Sequence[Value], wanted: Sequence[float]) -> Compared:
    """Two numbers that are one quantity."""
    return Compared(
        np.array([value.value for value in found]) - np.array(wanted),
        np.array([value.sigma for value in found]),
    )


def _camera(
    made: dict[str, Compared], note: Any, book: Any, info: DeviceInfo, truth: Fabrication
) -> None:
    gain = truth.gain_e_per_dn
    current = truth.dark_e_per_s_map / gain
    black = truth.black_level_dn + current * info.timing.exposure_us * 1e-6
    note("black level", "dark", "black level", black)
    note("dark current", "dark", "dark current", current)
    note("system gain", "photon_transfer", "system gain", gain)
    note("read noise", "photon_transfer", "read noise", truth.read_noise_e)
    saturation = min(np.rint(truth.full_well_e / gain + truth.black_level_dn), info.count_max) - 0.5
    exact = min(truth.full_well_e / gain + truth.black_level_dn, info.count_max) - 0.5
    note(
        "saturation",
        "photon_transfer",
        "saturation",
        exact if saturation < info.count_max - 1 else saturation,
    )
    everywhere = np.ones(info.grid, bool)
    stray = truth.stray_rate_photons_per_us / truth.reference_rate_photons_per_us
    light = truth.reference_map**2 + stray
    beam, _, _ = beam_of(light, everywhere)
    note("beam waist", "flat", "beam waist", beam[2])
    found = [book["flat"].value(f"beam centre, {axis}") for axis in ("row", "column")]
    made["beam centre"] = _both(found, beam[:2])
    _, _, response = beam_of(truth.qe_map * light, everywhere)
    note("PRNU of a pixel", "flat", "response", response)
    level = book["flat"].value("reference beam")
    wanted = light * truth.qe_map
    scale = np.sum(level.value * wanted) / np.sum(wanted**2)
    note("reference beam", "flat", "reference beam", scale * wanted)


def _chip(
    note: Any, calibration: Calibration, info: DeviceInfo, truth: Fabrication, drifted: list[Floats]
) -> None:
    """Drifts are by stage, at the times at which they were measured."""
    keep = 1 - truth.memory  # the frame before's share is at random: its mean is a constant phase
    full = np.pi / truth.p_pi_mw * truth.power_full_mw
    note("heater: phase at full power", "heaters", "phase at full cold power", keep * full)
    bend = truth.resistance_slope_per_mw * truth.power_full_mw
    note("heater: bend", "heaters", "bend of the resistance at full power", bend)
    note("heater: arm ratio", "heaters", "arm ratio", truth.b1 / truth.b0)
    lingering = truth.memory * mean_phases(truth)
    axis = (np.arange(info.grid[0]) - info.grid[0] // 2) / info.grid[0]
    theta0 = truth.static_phase_rad[:, 0] + lingering[:, 0]
    for stage, now in enumerate(drifted):
        kelvin = (
            now[Drift.AMBIENT]
            + now[Drift.GRADIENT_ROW] * axis[:, None]
            + now[Drift.GRADIENT_COLUMN] * axis
        )
        theta0[stage] += truth.ambient_rad_per_k * kelvin
        theta0[stage] -= truth.wavelength_rad_per_pm * now[Drift.WAVELENGTH]
    off = np.angle(np.exp(1j * (calibration.theta0_rad - theta0)))
    note("heater: phase without heat", "heaters", "phase without heat", None, off)
    for name, which in LINKS.items():
        note(name, "crosstalk", name, truth.links[:, :, which])
    note("partner link", "crosstalk", "partner link", truth.partner)
    nominal = info.nominal
    if truth.ring[0]:
        note("second ring", "crosstalk", "second ring", truth.ring[0] / nominal.link_ring[0])
    if truth.substrate_k_per_mw[0, 0]:
        strength = truth.substrate_k_per_mw[0, 0] * truth.ambient_rad_per_k
        strength /= nominal.substrate_k_per_mw[0][0] * nominal.ambient_rad_per_k
        strength *= np.mean(truth.power_full_mw) / nominal.power_full_mw  # power at equal code
        note("substrate", "crosstalk", "substrate", strength)


def mean_phases(truth: Fabrication) -> Floats:
    """Mean heater phases of frames uniform in cold power, with the substrate's, (2, 2, N, N)."""
    from optical_device.stages import heater_powers, steady_phases

    drive = np.sqrt((np.arange(16) + 0.5) / 16)
    shape = truth.p_pi_mw.shape
    phases = [steady_phases(truth, heater_powers(truth, np.full(shape, u))) for u in drive]
    return np.asarray(np.mean(phases, 0))


def _planes(note: Any, calibration: Calibration, info: DeviceInfo, truth: Fabrication) -> None:
    lingering = truth.memory * mean_phases(truth)[:, 1]
    chips = truth.b0 * np.exp(1j * (truth.static_phase_rad[:, 1] + lingering))
    output = truth.output_map * truth.reference_map * truth.qe_map
    planes = [("output map", calibration.output_map, output)]
    if info.layout == "4f":
        # Stage b's phi is at rest at one phase in all pixels: what lingers of that is common.
        last = truth.b0[1] * np.exp(1j * truth.static_phase_rad[1, 1])
        planes += [
            ("input map", calibration.input_map, truth.input_map * chips[0]),
            ("middle map", calibration.middle_map, truth.middle_map * last),
        ]
    else:
        planes.append(("input map", calibration.input_map, truth.input_map * chips.prod(0)))
    for plane, found, wanted in planes:
        ratio = found / wanted
        ratio = ratio / np.mean(ratio)
        modulus = (np.abs(ratio) - 1) * np.abs(found)
        note(f"{plane}, modulus", "maps", f"{plane}, modulus", None, modulus - np.mean(modulus))
        note(f"{plane}, phase", "maps", f"{plane}, phase", None, np.angle(ratio))


def _rest(
    made: dict[str, Compared],
    note: Any,
    book: Any,
    info: DeviceInfo,
    truth: Fabrication,
    slope: Floats,
) -> None:
    four = info.reference_steps == 4
    steps = truth.step_phase_rad[slice(None) if four else slice(1, 3)]
    steps = steps - np.pi / 2 * np.arange(len(steps))
    note("phase steps", "reference_arm", "phase step errors", steps - steps.mean())
    turn = 1j ** np.arange(4) / 4 if four else np.array([1, 1j]) / 2
    phase = truth.step_phase_rad if four else truth.step_phase_rad[1:3]
    a, b = turn @ np.exp(-1j * phase), turn @ np.exp(1j * phase)
    leak = b / np.conj(a)
    # The reference drifts from step to step: it acts as an error of the steps.
    timing = info.timing
    leak += -0.5j * slope[Drift.REFERENCE_PHASE] * (timing.exposure_us + timing.readout_us) * 1e-6
    found = [book["reference_arm"].value(f"conjugate leak, {p}") for p in ("real", "imaginary")]
    made["leak"] = _both(found, (leak.real, leak.imag))
    size = info.grid[0]
    axis = np.arange(size) - size // 2.0
    phase = np.angle(truth.output_map / nominal_output_map(info))
    tilt = np.array([np.sum(phase * axis[:, None]), np.sum(phase * axis)])
    row_column = np.stack([np.ones((size, size)), *np.meshgrid(axis, axis, indexing="ij")], -1)
    tilt = np.linalg.lstsq(row_column.reshape(-1, 3), phase.ravel(), rcond=None)[0][1:]
    note("chip shift", "alignment", "chip shift", -tilt * size / (2 * np.pi))
    shift = truth.profile.lens.camera_shift_px * Draw(truth.seed).normal("camera shift", (2,))
    note("camera shift", "alignment", "camera shift", shift)
    note("rotation", "alignment", "rotation", truth.rotation_rad)
    note("magnification", "alignment", "magnification error", truth.magnification - 1)
    reference = int(np.argmin(book["launch"].value("gain off the data sheet").sigma))
    gain = truth.launch_gain / truth.launch_gain[reference]
    db = truth.profile.source.launch_step_db
    nominal = 10 ** (-db * (np.arange(len(gain)) - reference) / 20)
    note("launch gain", "launch", "gain off the data sheet", np.abs(gain / nominal) - 1)
    note("launch phase", "launch", "phase off the data sheet", np.angle(gain / nominal))
    note("drift rate", "drift", "drift rate", -slope[Drift.REFERENCE_PHASE])
