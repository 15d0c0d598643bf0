"""The stages of a frame as pure functions of a fabrication: drive to counts.

Order: `heater_powers`, `steady_phases`, `settled_phases`, `chip_field`, `spectrum`,
`mean_electrons`, `detect`; `illumination` says what light a frame gets.  All but the last take
NumPy or torch arrays, given a fabrication of that kind (`with_arrays`): NumPy in float64 is the
golden model, torch the differentiable twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from optical_device import camera, lens, modulator, source, thermal
from optical_device.drift import Drift, drift
from optical_device.fabrication import ArrayRecord, Fabrication
from optical_device.noise import Stream, scalar_normals
from optical_device.profile import Profile

__all__ = [
    "Illumination",
    "Laser",
    "Reference",
    "chip_field",
    "detect",
    "frame_duration_ns",
    "heater_powers",
    "illumination",
    "mean_electrons",
    "settled_phases",
    "spectrum",
    "steady_phases",
    "step_count",
]

Array = Any
Reference = Literal["steps", "off", "only"]
Laser = Literal["on", "off"]


@dataclass(frozen=True)
class Illumination(ArrayRecord):
    """Light of one frame: everything of source and reference that its exposures need."""

    ambient_k: float
    """Ambient temperature change at the frame's start [K]."""
    signal: Array
    """(E,) complex factor of the spectrum [sqrt(photons/us)]."""
    reference: Array
    """(E, steps) complex reference at the beam's centre [sqrt(photons/us)]."""
    intensity_factor: Array
    """(E, steps) 1 + rin n."""
    stray_rate: float
    """[photons/us]."""


def heater_powers(fabrication: Fabrication, drive: Array) -> Array:
    """Heater powers [mW] of relative voltages u, both (..., 2, 2, N, N)."""
    cold = modulator.cold_power(drive, fabrication.power_full_mw)
    return modulator.heater_power(cold, fabrication.resistance_slope_per_mw)


def steady_phases(fabrication: Fabrication, power_mw: Array) -> Array:
    """Heater phases [rad] long after setting powers [mW], both (..., 2, 2, N, N)."""
    heat_mw = thermal.heat(power_mw, fabrication.links, fabrication.partner)
    return thermal.phases(heat_mw, fabrication.p_pi_mw)


def settled_phases(fabrication: Fabrication, steady: Array, previous: Array) -> Array:
    """Heater phases [rad] at a frame's exposures, given both frames' steady ones."""
    return thermal.remember(steady, previous, fabrication.memory)


def chip_field(fabrication: Fabrication, psi: Array, ambient_k: Array) -> Array:
    """Field that leaves the chip, z = A_in t_a t_b.

    Parameters
    ----------
    psi : (..., 2, 2, N, N) heater phases [rad]
    ambient_k : scalar or (...) ambient temperature change [K], broadcast against (..., N, N)

    Returns
    -------
    (..., N, N) complex
    """
    static = fabrication.static_phase_rad
    warm = fabrication.ambient_rad_per_k * ambient_k
    field = fabrication.input_map
    for stage in range(2):
        theta = psi[..., stage, 0, :, :] + static[stage, 0] + warm
        phi = psi[..., stage, 1, :, :] + static[stage, 1]
        b0, b1 = fabrication.b0[stage], fabrication.b1[stage]
        field = field * modulator.stage_transmission(theta, phi, b0, b1)
    return field


def spectrum(fabrication: Fabrication, field: Array) -> Array:
    """Spectrum on the camera before the launch factor, D_out F[z]; both (..., N, N) complex."""
    return fabrication.output_map * lens.transform(field)


def mean_electrons(
    fabrication: Fabrication, spectra: Array, light: Illumination, exposure_us: float
) -> Array:
    """Mean electrons of all exposures [e-].

    Parameters
    ----------
    spectra : (..., N, N) of one frame, or of several with the light's arrays stacked alike
    light : see `Illumination`
    exposure_us : exposure of each step [us]

    Returns
    -------
    (..., E, steps, N, N)
    """
    photons = camera.photon_rate(
        light.signal[..., None, None, None] * spectra[..., None, None, :, :],
        light.reference[..., None, None] * fabrication.reference_map,
        light.intensity_factor[..., None, None],
        light.stray_rate,
    )
    return camera.mean_electrons(
        photons, exposure_us, fabrication.qe_map, fabrication.dark_e_per_s_map
    )


def detect(fabrication: Fabrication, mean_e: Array, normals: Array | None) -> Array:
    """Counts [DN], still floating point, of mean electrons [e-] and noise of the same shape."""
    section = fabrication.profile.camera
    electrons = camera.noisy_electrons(
        mean_e, normals, fabrication.read_noise_e, section.shot_noise
    )
    dn = camera.digital_numbers(
        electrons, fabrication.full_well_e, fabrication.gain_e_per_dn, fabrication.black_level_dn
    )
    return camera.quantise_counts(dn, fabrication.profile.device.adc_bits)


def step_count(reference: Reference) -> int:
    """Reference steps of an exposure."""
    return source.REFERENCE_STEPS if reference == "steps" else 1


def _to_ns(time_us: float) -> int:
    return round(time_us * 1000.0)


def frame_duration_ns(
    profile: Profile, reference: Reference, exposures: int, exposure_us: float
) -> int:
    """Device time of one frame: write + settle + E steps (exposure + readout) [ns]."""
    t = profile.timing
    each = _to_ns(exposure_us) + _to_ns(t.readout_us)
    return _to_ns(t.write_us) + _to_ns(t.settle_us) + exposures * step_count(reference) * each


def illumination(
    fabrication: Fabrication,
    *,
    frame: int,
    start_ns: int,
    launch_steps: NDArray[Any],
    reference: Reference,
    exposure_us: float,
    laser: Laser = "on",
    laser_mw: float | None = None,
    reference_fraction: float | None = None,
) -> Illumination:
    """Light of one frame.

    Drifts are taken at the frame's start t_f, the reference phase with its slope:
    psi(t) = psi(t_f) + psi'(t_f) (t - t_f), at the middle of each step's exposure.

    Parameters
    ----------
    frame : index of the frame since opening
    start_ns : device time of its start [ns]
    launch_steps : (E,) steps of the launch attenuator, one per exposure
    """
    profile, timing = fabrication.profile, fabrication.profile.timing
    exposures, steps = len(launch_steps), step_count(reference)
    value, slope = drift(
        start_ns * 1e-9,
        fabrication.drift_amplitude,
        fabrication.drift_omega_rad_per_s,
        fabrication.drift_phase_rad,
    )
    power = source.relative_power(
        profile.source.laser_mw if laser_mw is None else laser_mw,
        profile.source.laser_nominal_mw,
        float(value[Drift.LASER_POWER]),
    )
    if laser == "off":
        power = 0.0
    exposure_ns = _to_ns(exposure_us)
    first_ns = _to_ns(timing.write_us) + _to_ns(timing.settle_us) + exposure_ns // 2
    index = np.arange(exposures * steps).reshape(exposures, steps)
    after_s = (first_ns + index * (exposure_ns + _to_ns(timing.readout_us))) * 1e-9
    phase = value[Drift.REFERENCE_PHASE] + slope[Drift.REFERENCE_PHASE] * after_s
    fraction = profile.reference.fraction if reference_fraction is None else reference_fraction
    beam = source.reference_amplitudes(
        fabrication.step_phase_rad[:steps],
        phase,
        fabrication.reference_rate_photons_per_us,
        power,
        0.0 if reference == "off" else fraction,
    )
    gain = fabrication.launch_gain[launch_steps]
    signal = source.signal_amplitude(gain, fabrication.signal_rate_photons_per_us, power)
    noise = scalar_normals(fabrication.seed, frame, Stream.LASER, exposures, steps)
    return Illumination(
        ambient_k=float(value[Drift.AMBIENT]),
        signal=0.0 * signal if reference == "only" else signal,
        reference=beam,
        intensity_factor=1.0 + profile.source.rin * noise,
        stray_rate=fabrication.stray_rate_photons_per_us * power,
    )
