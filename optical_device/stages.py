"""The stages of a frame as pure functions of a fabrication: drive to counts.

Order: `heater_powers`, `steady_phases`, `settled_phases`, `chip_field`, `spectrum`,
`mean_electrons`, `detect`; `surroundings` and `optical_device.illumination` say what a frame meets.
They take NumPy or torch arrays, given a fabrication of that kind (`with_arrays`): NumPy in float64
is the golden model, torch the differentiable twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, device, is_torch_array

from optical_device import camera, lens, modulator, thermal
from optical_device.drift import Drift, drift_of
from optical_device.fabrication import ArrayRecord, Fabrication
from optical_device.illumination import Illumination
from optical_device.noise import Stream, camera_normals, camera_uniforms
from optical_device.profile import Profile

__all__ = [
    "CameraNoise",
    "Surroundings",
    "camera_noise",
    "chip_field",
    "chip_temperature_k",
    "detect",
    "heater_powers",
    "mean_electrons",
    "sensor_readings",
    "settled_phases",
    "spectrum",
    "steady_phases",
    "surroundings",
]

Array = Any


@dataclass(frozen=True)
class Surroundings(ArrayRecord):
    """What drifts around chip and lens, at a frame's start; of several frames, arrays (...)."""

    ambient_k: Array = 0.0
    """Change of the ambient temperature [K]."""
    gradient_row_k: Array = 0.0
    """Temperature difference across the rows of the grid [K]."""
    gradient_column_k: Array = 0.0
    """Temperature difference across the columns of the grid [K]."""
    wavelength_pm: Array = 0.0
    """Change of the wavelength [pm]."""


@dataclass(frozen=True)
class CameraNoise(ArrayRecord):
    """Random numbers of a frame's exposures, (E, steps, N, N) each."""

    normals: Array
    """Of shot and read noise together, or of read noise alone beside `uniforms`."""
    uniforms: Array | None = None
    """Of Poisson's shot noise, in (0, 1)."""


def heater_powers(fabrication: Fabrication, drive: Array) -> Array:
    """Heater powers [mW] of relative voltages u = code/(2^bits - 1), both (..., 2, 2, N, N)."""
    bits = fabrication.profile.device.dac_bits
    volts = modulator.converted_drive(drive, bits, fabrication.dac_bow, fabrication.dac_bit_error)
    cold = modulator.cold_power(volts, fabrication.power_full_mw)
    return modulator.heater_power(cold, fabrication.resistance_slope_per_mw)


def steady_phases(fabrication: Fabrication, power_mw: Array) -> Array:
    """Heater phases [rad] long after setting powers [mW], both (..., 2, 2, N, N).

    psi = pi Q/P_pi, and for theta, whose arms differ in length, ambient_rad_per_k T_sub beside.
    The common path of phi sees the substrate's warming too; it is left out, being all but common
    to the grid.
    """
    xp = array_namespace(power_mw)
    heat_mw = thermal.heat(power_mw, fabrication.links, fabrication.partner, fabrication.ring)
    psi = thermal.phases(heat_mw, fabrication.p_pi_mw)
    powers = thermal.chip_powers(power_mw, _chips(fabrication.profile))
    rise_k = thermal.substrate_rise(powers, fabrication.substrate_k_per_mw)
    theta = psi[..., 0, :, :] + fabrication.ambient_rad_per_k * rise_k
    return xp.stack([theta, psi[..., 1, :, :]], axis=-3)


def chip_temperature_k(fabrication: Fabrication, power_mw: Array, ambient_k: Array) -> Array:
    """Mean temperature of the (hotter) chip, T_ambient + dT + R_00 P_total [K], (...).

    Parameters
    ----------
    power_mw : (..., 2, 2, N, N)
    ambient_k : scalar or (...) change of the ambient temperature [K]
    """
    xp = array_namespace(power_mw)
    powers = thermal.chip_powers(power_mw, _chips(fabrication.profile))
    hottest = xp.max(xp.sum(powers, axis=(-2, -1)), axis=-1)
    own = fabrication.substrate_k_per_mw[0, 0] * hottest
    return fabrication.profile.thermal.ambient_k + ambient_k + own


def _chips(profile: Profile) -> int:
    return 2 if profile.device.layout == "4f" else 1


def settled_phases(fabrication: Fabrication, steady: Array, previous: Array) -> Array:
    """Heater phases [rad] at a frame's exposures, given both frames' steady ones."""
    return thermal.remember(steady, previous, fabrication.memory)


def chip_field(fabrication: Fabrication, psi: Array, around: Surroundings) -> Array:
    """Field in front of the lens before the camera.

    Layout mft: z = A t_a t_b.  Layout 4f: z = H t_b F[A t_a], H the middle map.  In both

        theta = psi_theta + static + ambient_rad_per_k (dT + G_r (r-c)/N + G_q (q-c)/N)
                - wavelength_rad_per_pm dlambda,
        phi = psi_phi + static.

    Parameters
    ----------
    psi : (..., 2, 2, N, N) heater phases [rad]
    around : its values scalars, or (...)

    Returns
    -------
    (..., N, N) complex
    """
    warm = _theta_around(fabrication, psi, around)
    stage_a, stage_b = (_transmission(fabrication, psi, warm, stage) for stage in range(2))
    field = fabrication.input_map * stage_a
    if fabrication.profile.device.layout == "4f":
        field = fabrication.middle_map * lens.transform(field)
    return field * stage_b


def _theta_around(fabrication: Fabrication, psi: Array, around: Surroundings) -> Array:
    """Phase of theta by what surrounds the chip [rad], (..., N, N)."""
    xp = array_namespace(psi)
    n = psi.shape[-1]
    x = (xp.arange(n, dtype=psi.dtype, device=device(psi)) - float(n // 2)) / n
    rise = _on_grid(around.ambient_k) + _on_grid(around.gradient_row_k) * x[:, None]
    rise = rise + _on_grid(around.gradient_column_k) * x
    turned = fabrication.wavelength_rad_per_pm * _on_grid(around.wavelength_pm)
    # Longer light turns the longer arm back where warmth turns it on.
    return fabrication.ambient_rad_per_k * rise - turned


def _on_grid(value: Array) -> Array:
    """Values of frames, (...), with the axes of a plane behind them."""
    return value[..., None, None] if getattr(value, "ndim", 0) else value


def _transmission(fabrication: Fabrication, psi: Array, warm: Array, stage: int) -> Array:
    static = fabrication.static_phase_rad
    theta = psi[..., stage, 0, :, :] + static[stage, 0] + warm
    phi = psi[..., stage, 1, :, :] + static[stage, 1]
    return modulator.stage_transmission(theta, phi, fabrication.b0[stage], fabrication.b1[stage])


def spectrum(fabrication: Fabrication, field: Array, wavelength_pm: Array = 0.0) -> Array:
    """Spectrum on the camera before the launch factor, D_out F'[z]; both (..., N, N) complex.

    F' is the plain transform, unless the camera is rotated, magnified, or follows the wavelength.
    """
    profile = fabrication.profile
    change: Array = 0.0
    if profile.lens.follows_wavelength:
        change = wavelength_pm * (1e-3 / profile.source.wavelength_nm)
    if not _is_turned(fabrication):
        return fabrication.output_map * lens.transform(field)
    matrix = lens.camera_matrix(fabrication.rotation_rad, fabrication.magnification, change)
    return fabrication.output_map * lens.turned_transform(field, matrix)


def _is_turned(fabrication: Fabrication) -> bool:
    """Whether the camera needs `lens.turned_transform`; so it does where its pose is fitted."""
    pose = (fabrication.rotation_rad, fabrication.magnification)
    if any(is_torch_array(value) and value.requires_grad for value in pose):
        return True
    turned = bool(pose[0] != 0.0) or bool(pose[1] != 1.0)
    return turned or fabrication.profile.lens.follows_wavelength


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


def detect(fabrication: Fabrication, mean_e: Array, noise: CameraNoise | None) -> Array:
    """Counts [DN], still floating point, of mean electrons [e-] and noise of the same shape."""
    section = fabrication.profile.camera
    if noise is None:
        electrons = mean_e
    elif noise.uniforms is None:
        electrons = camera.noisy_electrons(
            mean_e, noise.normals, fabrication.read_noise_e, section.shot_noise
        )
    else:
        electrons = camera.poisson_electrons(
            mean_e, noise.uniforms, noise.normals, fabrication.read_noise_e
        )
    dn = camera.digital_numbers(
        electrons, fabrication.full_well_e, fabrication.gain_e_per_dn, fabrication.black_level_dn
    )
    return camera.quantise_counts(dn, fabrication.profile.device.adc_bits)


def camera_noise(
    fabrication: Fabrication, frame: int, exposures: int, steps: int
) -> CameraNoise | None:
    """Random numbers of a frame's camera, in NumPy; None for a camera without noise."""
    section, device = fabrication.profile.camera, fabrication.profile.device
    of = (fabrication.seed, frame, device.n, exposures, steps)
    if camera.shot_noise_is_poisson(section.shot_noise, device.adc_bits, section.gain_e_per_dn):
        return CameraNoise(camera_normals(*of, stream=Stream.READ), camera_uniforms(*of))
    if section.shot_noise or fabrication.read_noise_e > 0.0:
        return CameraNoise(camera_normals(*of))
    return None


def surroundings(fabrication: Fabrication, start_ns: int) -> Surroundings:
    """What surrounds chip and lens of the frame that starts at a device time [ns]."""
    value, _ = drift_of(fabrication, start_ns)
    return Surroundings(
        ambient_k=value[Drift.AMBIENT],
        gradient_row_k=value[Drift.GRADIENT_ROW],
        gradient_column_k=value[Drift.GRADIENT_COLUMN],
        wavelength_pm=value[Drift.WAVELENGTH],
    )


def sensor_readings(
    fabrication: Fabrication,
    power_mw: Array,
    now_ns: int,
    normals: Array,
    laser_mw: float | None = None,
) -> tuple[Array, Array]:
    """Readings of the temperature sensor [K] and the laser monitor [mW] at a device time.

    T = chip temperature + offset + noise n_0;  P = set power (1 + drift) gain (1 + noise n_1).

    Parameters
    ----------
    power_mw : (2, 2, N, N) heater powers of the last frame
    now_ns : device time [ns]
    normals : (2,) or longer
    """
    profile = fabrication.profile
    value, _ = drift_of(fabrication, now_ns)
    chip_k = chip_temperature_k(fabrication, power_mw, value[Drift.AMBIENT])
    temperature_k = chip_k + fabrication.sensor_offset_k
    set_mw = profile.source.laser_mw if laser_mw is None else laser_mw
    monitor_mw = set_mw * (1.0 + value[Drift.LASER_POWER]) * fabrication.monitor_gain
    return (
        temperature_k + profile.thermal.sensor_noise_k * normals[0],
        monitor_mw * (1.0 + profile.source.monitor_noise * normals[1]),
    )
