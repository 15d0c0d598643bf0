"""What an all-knowing laboratory would write down of a device: the floor of every error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver import Calibration, Device
from optical_device import lens
from optical_device.drift import Drift, drift
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile
from optical_device.stages import chip_field, heater_powers, steady_phases, surroundings


def _step_sums(fabrication: Fabrication) -> tuple[complex, complex]:
    """a, b of Y = a S conj(R) + b conj(S) R, from the step phases.

    Four steps: Y = [(I0 - I2) + i (I1 - I3)] / 4.  Three, the first one dark:
    Y = [(I1 - I0 - R^2) + i (I2 - I0 - R^2)] / 2.
    """
    delta = fabrication.step_phase_rad
    if fabrication.profile.device.detection == "three_step":
        turn = np.array([1, 1j]) / 2
        return complex(turn @ np.exp(-1j * delta[1:3])), complex(turn @ np.exp(1j * delta[1:3]))
    turn = 1j ** np.arange(4) / 4
    return complex(turn @ np.exp(-1j * delta)), complex(turn @ np.exp(1j * delta))


def perfect_calibration(device: Device, seed: int, **overrides: Any) -> Calibration:
    """What an all-knowing laboratory would write down of an emulated device at device time 0.

    The equations of `driver.Calibration` with the fabrication's own values, and the drift at
    time 0.  Tests only: nothing in the driver may know this.
    """
    profile = load_profile(device.info.profile_name, **overrides)
    fab = fabricate(profile, seed)
    assert fab.serial == device.info.serial
    a, b = _step_sums(fab)
    static = fab.static_phase_rad
    now, _ = drift(0.0, fab.drift_amplitude, fab.drift_omega_rad_per_s, fab.drift_phase_rad)
    gain = (1.0 + now[Drift.LASER_POWER]) * np.exp(-1j * now[Drift.REFERENCE_PHASE])
    photons = profile.timing.exposure_us * fab.qe_map / fab.gain_e_per_dn
    rates = fab.signal_rate_photons_per_us * fab.reference_rate_photons_per_us
    reference_dn = fab.reference_rate_photons_per_us * fab.reference_map**2 * photons
    dark_dn = fab.dark_e_per_s_map * profile.timing.exposure_us * 1e-6 / fab.gain_e_per_dn
    stray_dn = fab.stray_rate_photons_per_us * photons
    reference_step = profile.source.launch_default_step
    output_map = gain * a * np.sqrt(rates) * fab.reference_map * photons * fab.output_map
    output_map = output_map * fab.launch_gain[reference_step]
    first, second = fab.b0 * np.exp(1j * static[:, 1])
    between = profile.device.layout == "4f"
    input_map = fab.input_map * (first if between else first * second)
    n, full = profile.device.n, device.info.code_max
    rng = np.random.default_rng(1)
    pilot = np.rint(rng.uniform(0.3, 0.9, (2, 2, n, n)) * full) if profile.device.dac_bits else None
    codes = np.full((2, 2, n, n), 0.5) if pilot is None else pilot
    psi = steady_phases(fab, heater_powers(fab, codes / full))
    saturation = fab.full_well_e / fab.gain_e_per_dn + fab.black_level_dn
    return Calibration(
        serial=device.info.serial,
        profile_hash=device.info.profile_hash,
        device_time_ns=0,
        rho=fab.b1 / fab.b0,
        theta0_rad=static[:, 0] + drifted_theta(fab),
        kappa_rad_per_mw=np.pi / fab.p_pi_mw,
        power_full_mw=fab.power_full_mw,
        beta_per_mw=fab.resistance_slope_per_mw,
        links=fab.links,
        partner=fab.partner,
        ring=fab.ring,
        substrate_rad_per_mw=fab.ambient_rad_per_k * fab.substrate_k_per_mw,
        input_map=input_map,
        middle_map=fab.middle_map * (second if between else 1),
        output_map=output_map,
        conjugate_leak=b / np.conj(a),
        launch_gain=fab.launch_gain / fab.launch_gain[reference_step],
        black_dn=fab.black_level_dn + dark_dn + stray_dn,
        saturation_dn=min(saturation, device.info.count_max) - 0.5,
        gain_e_per_dn=fab.gain_e_per_dn,
        read_noise_e=fab.read_noise_e,
        reference_dn=reference_dn,
        pilot_codes=codes.astype(device.info.code_dtype),
        pilot_launch_step=reference_step,
        pilot_spectrum=output_map * lens.transform(chip_field(fab, psi, surroundings(fab, 0))),
    )


def drifted_theta(fab: Fabrication) -> NDArray[np.float64]:
    """What ambient, gradient and wavelength add to theta at device time 0, (N, N) [rad]."""
    around = surroundings(fab, 0)
    axis = (np.arange(fab.profile.device.n) - fab.profile.device.n // 2) / fab.profile.device.n
    kelvin = around.gradient_row_k * axis[:, None] + around.gradient_column_k * axis
    warm = fab.ambient_rad_per_k * (around.ambient_k + kelvin)
    return np.asarray(warm - fab.wavelength_rad_per_pm * around.wavelength_pm)
