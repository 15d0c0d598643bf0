"""All calibration routines in order: from a device as delivered to a Calibration."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from driver.calibration import heaters
from driver.calibration.calibration import Calibration
from driver.calibration.crosstalk import SymmetricLinks, directed_links, symmetrise
from driver.calibration.dark import measure_camera
from driver.calibration.frames import CalibrationDevice, Record, take
from driver.calibration.launch import choose_step, measure_launch_gain
from driver.calibration.maps import fix_gauge
from driver.calibration.model import ChipModel, chip_of
from driver.calibration.nominal import nominal_calibration, nominal_launch_gain
from driver.calibration.pilot import make_pilot
from driver.calibration.reference import measure_reference
from driver.calibration.refinement import Refinement
from driver.errors import CalibrationError, CapabilityError

__all__ = ["Progress", "run_laboratory"]

Progress = Callable[[str, float], None]
"""Called with the routine's name and the fraction of the whole that is done, 0..1."""

MAIN_FRAMES = 512
"""Frames with all four heaters of all pixels at random.  The refinement lives on these alone: the
first rounds' frames are dimmer, and with equal weight they would add more noise than they tell."""

SCHEDULE = (False, True, True)
"""Refinements with (True) or without the thermal parameters; a fourth changes no error by 1 %."""

SATURATED = 0.02
"""Bins that may saturate in the main frames: the refinement fills them with its prediction, and the
others gain more by the light than is lost with these (errors 20 % smaller than at 0.002)."""

FIRST_DIMMER = 6
"""Launch steps by which the first rounds are dimmer: a stage parked bright doubles the light, and
the first fits know no prediction to fill saturated bins with."""

LARGEST_RESIDUAL = 0.1
"""Residual over signal, RMS, above which a calibration has failed; noise alone leaves 0.008."""

SEED = 20260
"""Of the random settings: the same device calibrated at the same time sees the same frames."""


def run_laboratory(device: CalibrationDevice, *, progress: Progress | None = None) -> Calibration:
    """Calibrate `device` through its boundary alone.

    Parameters
    ----------
    device
        An open device of layout "mft" with four-step detection.
    progress
        Told of each routine as it begins or gets on.

    Raises
    ------
    CapabilityError
        The device has another layout or detection.
    CalibrationError
        The device does not behave as its data sheet says.
    """
    info = device.info
    if info.layout != "mft" or info.detection != "four_step":
        raise CapabilityError(
            "the laboratory calibrates layout 'mft' with 'four_step' detection, "
            f"not '{info.layout}' with '{info.detection}'"
        )
    report = progress if progress is not None else _silent
    begin, before = time.perf_counter(), device.telemetry()
    rng = np.random.default_rng(SEED)
    report("camera", 0.0)
    camera = measure_camera(device)
    saturation = camera.saturation_dn
    reference_dn = measure_reference(device, camera.black_dn)
    nominal = nominal_calibration(info)
    chip = chip_of(nominal, info).single()

    report("exposure", 0.02)
    sample = heaters.random_codes(rng, 4, info)
    step = choose_step(device, sample, saturation, SATURATED)
    first_step = min(step + FIRST_DIMMER, info.nominal.launch_steps - 1)
    amplitudes = np.abs(nominal_launch_gain(info, 0))
    chip.output_map *= np.float32(amplitudes[step])

    report("heaters, stage a", 0.04)
    heaters.first_round(device, chip, rng, first_step, saturation)
    report("heaters, stage b", 0.12)
    heaters.second_round(device, chip, rng, first_step, saturation)
    report("heaters, both", 0.18)
    codes = heaters.random_codes(rng, MAIN_FRAMES, info)
    main = take(device, codes, step, saturation)
    chip.output_map *= np.float32(amplitudes[step] / amplitudes[first_step])
    links, refinement = _refine(chip, main, device, report)
    chip = refinement.chip
    if not refinement.residual < LARGEST_RESIDUAL:
        raise CalibrationError(
            f"the model of {info.serial} leaves {refinement.residual:.0%} of the light unexplained "
            f"(at most {LARGEST_RESIDUAL:.0%}): is the profile the right one?"
        )
    chip.output_map = chip.output_map * np.complex64(np.mean(refinement.maps.gain))
    fix_gauge(chip, info, float(amplitudes[step]))

    report("launch attenuator", 0.9)
    launch_gain = measure_launch_gain(device, chip, rng, step, saturation)
    report("pilot", 0.97)
    pilot = make_pilot(device, chip, rng, saturation)
    after = device.telemetry()
    figures = {
        "residual": refinement.residual,
        "reference_step": float(step),
        "frames": float(after.frames - before.frames),
        "device_time_s": float(after.device_time_s - before.device_time_s),
        "host_time_s": time.perf_counter() - begin,
    }
    report("done", 1.0)
    strength = links.strength
    return Calibration(
        serial=info.serial,
        profile_hash=info.profile_hash,
        device_time_ns=round(after.device_time_s * 1e9),
        rho=chip.rho.astype(np.float64),
        theta0_rad=np.mod(chip.theta0.astype(np.float64) + np.pi, 2 * np.pi) - np.pi,
        kappa_rad_per_mw=chip.kappa / strength,
        power_full_mw=info.nominal.power_full_mw * strength,
        beta_per_mw=chip.beta / strength,
        links=links.coefficient,
        partner=chip.partner.astype(np.float64),
        input_map=chip.input_map.astype(np.complex128),
        output_map=chip.output_map.astype(np.complex128),
        conjugate_leak=chip.leak,
        launch_gain=launch_gain,
        black_dn=camera.black_dn,
        saturation_dn=saturation,
        gain_e_per_dn=camera.gain_e_per_dn,
        read_noise_e=camera.read_noise_e,
        reference_dn=reference_dn,
        pilot_codes=pilot.codes,
        pilot_launch_step=pilot.launch_step,
        pilot_spectrum=pilot.spectrum.astype(np.complex128),
        figures=figures,
    )


def _silent(_: str, __: float) -> None:
    """No progress wanted."""


def _refine(
    chip: ChipModel, record: Record, device: CalibrationDevice, report: Progress
) -> tuple[SymmetricLinks, Refinement]:
    """Gauss-Newton: once without the thermal parameters, then with, then with links made one."""
    refinement = Refinement(chip, record, device.info.nominal)
    share = 0.65 / (len(SCHEDULE) + 1)
    for index, thermal in enumerate(SCHEDULE):
        report("refinement", 0.22 + share * index)
        refinement.iterate(thermal=thermal)
    links = symmetrise(chip.links, *refinement.link_prior())
    chip.links = directed_links(links).astype(np.float32)
    report("refinement", 0.22 + share * len(SCHEDULE))
    refinement.iterate(thermal=False)
    refinement.finish()
    return links, refinement
