"""The calibration that a data sheet gives: every specimen the same, no error known."""

from __future__ import annotations

import numpy as np

from driver.calibration.calibration import Calibration, ComplexArray, RealArray
from driver.calibration.heat import nominal_substrate
from driver.calibration.model import DIRECTIONS, neighbour
from driver.calibration.planes import centring_phase, nominal_middle_map, nominal_output_map
from driver.info import DeviceInfo

__all__ = ["nominal_calibration", "nominal_launch_gain", "nominal_links"]


def nominal_calibration(info: DeviceInfo) -> Calibration:
    """Calibration made of the data sheet alone; exact for a device without errors.

    Its pilot is all heaters at zero, of no use for tracking: `pilot_spectrum` is zero.
    """
    nominal, grid = info.nominal, info.grid
    saturation = nominal.full_well_e / nominal.gain_e_per_dn + nominal.black_level_dn
    beam = nominal.reference_rate_photons_per_us * info.timing.exposure_us * nominal.qe
    input_map, middle_map = nominal_maps(info)
    return Calibration(
        serial=info.serial,
        profile_hash=info.profile_hash,
        device_time_ns=0,
        rho=np.full((2, *grid), nominal.b1 / nominal.b0),
        theta0_rad=np.zeros((2, *grid)),
        kappa_rad_per_mw=np.full((2, 2, *grid), np.pi / nominal.p_pi_mw),
        power_full_mw=np.full((2, 2, *grid), nominal.power_full_mw),
        beta_per_mw=np.full((2, 2, *grid), nominal.resistance_slope_per_mw),
        links=nominal_links(info),
        partner=np.full((2, *grid), nominal.link_partner),
        ring=np.array(nominal.link_ring),
        substrate_rad_per_mw=nominal_substrate(nominal),
        input_map=input_map,
        middle_map=middle_map,
        output_map=nominal_output_map(info),
        conjugate_leak=0j,
        launch_gain=nominal_launch_gain(info, 0),
        black_dn=np.full(grid, nominal.black_level_dn),
        saturation_dn=min(saturation, info.count_max),
        gain_e_per_dn=nominal.gain_e_per_dn,
        read_noise_e=nominal.read_noise_e,
        reference_dn=np.full(grid, beam / nominal.gain_e_per_dn),
        pilot_codes=np.zeros((2, 2, *grid), info.code_dtype),
        pilot_launch_step=nominal.launch_steps // 2,
        pilot_spectrum=np.zeros(grid, np.complex128),
    )


def nominal_maps(info: DeviceInfo) -> tuple[ComplexArray, ComplexArray]:
    """Input and middle map of the data sheet, (N, N) complex128; the latter is 1 in layout mft."""
    loss, size = info.nominal.b0, info.grid[0]
    if info.layout == "4f":
        return loss * centring_phase(size), loss * nominal_middle_map(info)
    return loss**2 * centring_phase(size), np.ones(info.grid, np.complex128)


def nominal_launch_gain(info: DeviceInfo, reference_step: int) -> ComplexArray:
    """Amplitude gain of each launch step relative to `reference_step`, (L,) complex128."""
    steps = np.arange(info.nominal.launch_steps) - reference_step
    return 10.0 ** (-info.nominal.launch_step_db * steps / 20) + 0j


def nominal_links(info: DeviceInfo) -> RealArray:
    """Links of the data sheet, (2, 2, 4, N, N), 0 at the rim."""
    links = np.zeros((2, 2, 4, *info.grid))
    for index in range(4):
        nearest = 0 in DIRECTIONS[index]
        value = info.nominal.link_nearest if nearest else info.nominal.link_diagonal
        links[:, :, index] = value * neighbour(np.ones(info.grid), DIRECTIONS[index])
    return links
