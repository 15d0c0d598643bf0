"""What a seed makes of the light's way: maps of planes, launch attenuator, reference, drifts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optical_device import drift, lens, source
from optical_device.draw import Draw
from optical_device.profile import Profile

__all__ = ["OpticalMaps", "drifts", "launch_gain", "optical_maps", "step_phases"]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Shift = tuple[float, float]


class OpticalMaps(NamedTuple):
    """Fixed factors of the field in the planes of a layout, and the camera's alignment."""

    input_map: Complexes
    middle_map: Complexes
    output_map: Complexes
    rotation_rad: float
    magnification: float


def optical_maps(profile: Profile, draw: Draw) -> OpticalMaps:
    """Maps of the input plane, of the plane between the lenses, and of the camera, (N, N) each.

    A linear phase in front of a lens shifts what is behind it (`lens.shift_map`): the camera's
    shift is in the input map, or in layout 4f in the middle map, and the input map then shifts the
    spectrum on the second chip.
    """
    optics, n = profile.lens, profile.device.n
    between = profile.device.layout == "4f"
    before, after = lens.axis_maps(n)
    camera_shift = _shift(draw, "camera shift", optics.camera_shift_px)
    middle_shift = _shift(draw, "middle shift", profile.middle.shift_px)
    width = optics.element_width_fraction
    width *= draw.around_one("element width", optics.element_width_spread)
    rotation_rad = 1e-3 * optics.camera_rotation_mrad * float(draw.normal("camera rotation", ()))
    magnification = draw.around_one("magnification", optics.magnification_error)

    moved = lens.shift_map(n, middle_shift if between else camera_shift)
    input_map = _tree(profile, draw) * _aberration(profile, draw, "aberration") * moved * before
    middle_map = np.ones((n, n), np.complex128)
    if between:
        middle_map *= _middle(profile, draw) * _aberration(profile, draw, "middle aberration")
        middle_map *= lens.envelope(n, width, shift_px=middle_shift)
        middle_map *= lens.shift_map(n, camera_shift) * after * before

    matrix = lens.camera_matrix(rotation_rad, magnification)
    lost = optics.vignetting * draw.around_one("vignetting", optics.vignetting_spread)
    dimmed = lens.envelope(n, width, matrix, camera_shift) * lens.vignette(n, lost)
    placed = lens.shift_map(
        n, lens.seen_shift(_shift(draw, "input shift", optics.input_shift_px), matrix)
    )
    output_map = dimmed * placed * after
    return OpticalMaps(input_map, middle_map, output_map, rotation_rad, magnification)


def _shift(draw: Draw, component: str, deviation_px: float) -> Shift:
    row, column = deviation_px * draw.normal(component, (2,))
    return float(row), float(column)


def _tree(profile: Profile, draw: Draw) -> Complexes:
    src, plane = profile.source, (profile.device.n, profile.device.n)
    amplitude = draw.around_one("tree amplitude", src.tree_amplitude_spread, plane)
    phase = src.tree_phase_error_rad * draw.normal("tree phase", plane)
    return np.asarray(amplitude * np.exp(1j * phase))


def _middle(profile: Profile, draw: Draw) -> Complexes:
    middle, plane = profile.middle, (profile.device.n, profile.device.n)
    amplitude = draw.around_one("middle amplitude", middle.amplitude_spread, plane)
    phase = middle.phase_error_rad * draw.normal("middle phase", plane)
    return np.asarray(amplitude * np.exp(1j * phase))


def _aberration(profile: Profile, draw: Draw, component: str) -> Complexes:
    optics = profile.lens
    coefficients = draw.normal(component, (optics.noll_last - optics.noll_first + 1,))
    waves = lens.wavefront(
        profile.device.n, coefficients, optics.noll_first, optics.aberration_waves_rms
    )
    return np.asarray(np.exp(2j * np.pi * waves))


def launch_gain(profile: Profile, draw: Draw) -> Complexes:
    """Complex amplitude of the launch attenuator by step, (launch_steps,)."""
    src = profile.source
    steps = np.arange(src.launch_steps, dtype=np.float64)
    nominal = source.launch_amplitude(steps, src.launch_step_db)
    amplitude = draw.around_one("launch amplitude", src.launch_amplitude_spread, steps.shape)
    phase = src.launch_phase_error_rad * draw.normal("launch phase", steps.shape)
    return np.asarray(nominal * amplitude * np.exp(1j * phase))


def step_phases(profile: Profile, draw: Draw) -> Floats:
    """Phases of the reference by step, with their errors, (4,) [rad]; 0 where it is blocked."""
    errors = draw.normal("reference steps", (source.REFERENCE_STEPS,))
    errors *= profile.reference.step_phase_error_rad
    phases = np.zeros(source.REFERENCE_STEPS)
    for k, angle in enumerate(source.STEP_ANGLES_RAD[profile.device.detection]):
        if angle is not None:
            phases[k] = angle + errors[k]
    return phases


def drifts(profile: Profile, draw: Draw) -> tuple[Floats, Floats, Floats]:
    """Angular frequencies [rad/s], amplitudes and phases [rad] of all drifts, (6, 12) each."""
    d = profile.drift
    gradient = drift.tones(d.gradient_lowest_hz, d.highest_hz)
    omega = np.stack(
        [
            drift.tones(d.reference_phase_lowest_hz, d.highest_hz),
            drift.tones(d.laser_power_lowest_hz, d.highest_hz),
            drift.tones(d.ambient_lowest_hz, d.highest_hz),
            gradient,
            gradient,
            drift.tones(d.wavelength_lowest_hz, d.highest_hz),
        ]
    )
    amplitude = np.stack(
        [
            drift.amplitudes_of_rate(d.reference_phase_rms_rad_per_s, omega[0]),
            drift.amplitudes_of_rate(d.laser_power_rms_per_s, omega[1]),
            drift.amplitudes_of_value(d.ambient_rms_k, omega[2]),
            drift.amplitudes_of_value(d.gradient_rms_k, omega[3]),
            drift.amplitudes_of_value(d.gradient_rms_k, omega[4]),
            drift.amplitudes_of_value(d.wavelength_rms_pm, omega[5]),
        ]
    )
    turns = [
        draw.uniform("drift phase", (3, drift.TONES)),
        draw.uniform("gradient phase", (2, drift.TONES)),
        draw.uniform("wavelength phase", (1, drift.TONES)),
    ]
    return omega, amplitude, 2.0 * np.pi * np.concatenate(turns)
