"""Fabrication: one device drawn from a profile and a seed.  This is the hidden truth.

Each component draws from a substream of its own, named after it (`optical_device.draw`), so that a
new component changes no other one's values.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from optical_device import fabricated_chip, fabricated_light, source, thermal
from optical_device.camera import dark_rate
from optical_device.draw import Draw
from optical_device.profile import Profile

__all__ = ["ArrayRecord", "Fabrication", "fabricate", "serial_number"]

Array = Any
Record = TypeVar("Record", bound="ArrayRecord")


class ArrayRecord:
    """A dataclass that holds arrays among other things."""

    def with_arrays(self: Record, convert: Callable[[NDArray[Any]], Any]) -> Record:
        """The same record with every NumPy array passed through `convert` (`torch.from_numpy`)."""
        arrays = {
            field.name: convert(value)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return dataclasses.replace(self, **arrays)  # type: ignore[type-var]


@dataclass(frozen=True)
class Fabrication(ArrayRecord):
    """True values of one device.

    Axes of arrays: stage (a, b), heater (theta, phi), row, column.  They are float64 or complex128
    NumPy arrays; `with_arrays` gives the same device in another array library.
    """

    profile: Profile
    seed: int
    serial: str

    dac_bow: Array
    """(2, 2, N) bow of each row's converter, its error at half scale [full scale]."""
    dac_bit_error: Array
    """(2, 2, N, 4) errors of the leading bits' weights, most significant first [full scale]."""
    power_full_mw: Array
    """(2, 2, N, N) heater power at full code and cold resistance [mW]."""
    resistance_slope_per_mw: Array
    """(2, 2, N, N) beta of R = R0 (1 + beta P) [1/mW]."""
    p_pi_mw: Array
    """(2, 2, N, N) heat for a phase of pi [mW]."""
    links: Array
    """(2, 2, 4, N, N) thermal coefficients to four neighbours, `thermal.Link`."""
    partner: Array
    """(2, N, N) thermal coefficient between the heaters of a pixel."""
    ring: Array
    """(3,) thermal coefficients of the second ring, by `thermal.RING_DISTANCES`."""
    substrate_k_per_mw: Array
    """(3, 3) temperature rise of a chip's cosine modes per power, `thermal.substrate_table`."""
    static_phase_rad: Array
    """(2, 2, N, N) phases without heat [rad]."""
    b0: Array
    """(2, N, N) amplitude of the unheated arm, insertion loss included."""
    b1: Array
    """(2, N, N) amplitude of the heated arm, insertion loss included."""
    input_map: Array
    """(N, N) complex: tree, aberration, shift of the spectrum, input side of the centring."""
    middle_map: Array
    """(N, N) complex, of layout 4f: everything between the chips but the modulators, camera shift
    and both centrings included; 1 in layout mft."""
    output_map: Array
    """(N, N) complex: envelope, vignetting, input shift, output side of the centring."""
    reference_map: Array
    """(N, N) real: amplitude of the reference beam, 1 at its centre."""
    step_phase_rad: Array
    """(4,) phases of the reference by step, 0 where it is blocked or there is none [rad]."""
    launch_gain: Array
    """(launch_steps,) complex amplitude of the launch attenuator."""
    qe_map: Array
    """(N, N) quantum efficiency with PRNU [e-/photon]."""
    dark_e_per_s_map: Array
    """(N, N) dark current with DSNU, at the camera's temperature [e-/s]."""
    drift_amplitude: Array
    """(6, 12) by `drift.Drift`, each in its channel's unit."""
    drift_omega_rad_per_s: Array
    """(6, 12) [rad/s]."""
    drift_phase_rad: Array
    """(6, 12) [rad]."""

    memory: float
    """Share of the frame before left after settling, exp(-settle/tau)."""
    ambient_rad_per_k: float
    """Phase of theta per kelvin of the chip [rad/K]."""
    wavelength_rad_per_pm: float
    """Phase by which theta falls as the wavelength grows [rad/pm]."""
    rotation_rad: float
    """Rotation of the camera about the axis [rad]."""
    magnification: float
    """Of the camera, 1 without error."""
    signal_rate_photons_per_us: float
    """For abs(F)^2 = 1 [photons/us]."""
    reference_rate_photons_per_us: float
    """At the beam's centre, fraction 1 [photons/us]."""
    stray_rate_photons_per_us: float
    """At nominal laser power [photons/us]."""
    gain_e_per_dn: float
    """System gain [e-/DN]."""
    full_well_e: float
    """[e-]."""
    read_noise_e: float
    """RMS [e-]."""
    black_level_dn: float
    """[DN]."""
    sensor_offset_k: float
    """Offset of the temperature sensor [K]."""
    monitor_gain: float
    """Reading of the laser monitor over the true power."""


def serial_number(profile_name: str, seed: int) -> str:
    """Serial number of a device: the profile's name and a digest of it and the seed."""
    digest = hashlib.sha256(f"{profile_name}:{seed}".encode()).hexdigest()
    return f"{profile_name}-{digest[:10]}"


def fabricate(profile: Profile, seed: int) -> Fabrication:
    """Draw one device.  The same profile and seed give the same device.

    Parameters
    ----------
    profile : Profile
    seed : int
        0 <= seed < 2^64; also the key of the device's noise.

    Raises
    ------
    ValueError
        The seed is out of range.
    """
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed={seed} must lie within [0, 2^64)")
    draw = Draw(seed)
    b0, b1 = fabricated_chip.couplers(profile, draw)
    omega, amplitude, drift_phase = fabricated_light.drifts(profile, draw)
    bow, bit_error = fabricated_chip.converters(profile, draw)
    maps = fabricated_light.optical_maps(profile, draw)
    src, ref, cam, heat = profile.source, profile.reference, profile.camera, profile.thermal
    n = profile.device.n
    heaters, plane = (2, 2, n, n), (n, n)
    mod = profile.modulator
    dark = dark_rate(cam.dark_e_per_s, cam.temperature_k, cam.dark_reference_k, cam.dark_doubling_k)
    tau_us = heat.tau_us * draw.around_one("tau", heat.tau_spread)
    centre = draw.normal("reference centre", (2,)) * ref.centre_error_px
    waist_px = ref.waist_grids * n * draw.around_one("reference waist", ref.waist_spread)
    resistance = draw.around_one("resistance", mod.resistance_spread, heaters)
    resistance = resistance * draw.around_one("resistance lot", mod.resistance_lot_spread)
    return Fabrication(
        profile=profile,
        seed=seed,
        serial=serial_number(profile.device.name, seed),
        dac_bow=bow,
        dac_bit_error=bit_error,
        power_full_mw=mod.power_full_mw / resistance,
        resistance_slope_per_mw=mod.resistance_slope_per_mw
        * draw.around_one("resistance slope lot", mod.resistance_slope_lot_spread)
        * draw.around_one("resistance slope", mod.resistance_slope_spread, heaters),
        p_pi_mw=mod.p_pi_mw
        * draw.around_one("p_pi lot", mod.p_pi_lot_spread)
        * draw.around_one("p_pi", mod.p_pi_spread, heaters),
        links=fabricated_chip.links(profile, draw),
        partner=heat.link_partner
        * draw.around_one("partner lot", heat.link_lot_spread)
        * draw.around_one("partner", heat.link_scatter, (2, n, n)),
        ring=thermal.ring_kernel(heat.link_nearest, heat.heat_length_pitches)
        * draw.around_one("links lot", heat.link_lot_spread),
        substrate_k_per_mw=thermal.substrate_table(
            profile.substrate_k_per_w * draw.around_one("substrate", heat.substrate_spread),
            heat.substrate_length_grids,
        ),
        static_phase_rad=draw.uniform("static phase", heaters) * mod.static_phase_range_rad,
        b0=b0,
        b1=b1,
        input_map=maps.input_map,
        middle_map=maps.middle_map,
        output_map=maps.output_map,
        reference_map=source.reference_beam(n, waist_px, (float(centre[0]), float(centre[1]))),
        step_phase_rad=fabricated_light.step_phases(profile, draw),
        launch_gain=fabricated_light.launch_gain(profile, draw),
        qe_map=cam.qe
        * draw.around_one("qe", cam.qe_spread)
        * draw.around_one("prnu", cam.prnu, plane),
        dark_e_per_s_map=dark
        * draw.around_one("dark", cam.dark_spread)
        * draw.around_one("dsnu", cam.dsnu, plane),
        drift_amplitude=amplitude,
        drift_omega_rad_per_s=omega,
        drift_phase_rad=drift_phase,
        memory=thermal.memory(profile.timing.settle_us, tau_us),
        ambient_rad_per_k=heat.ambient_rad_per_k
        * draw.around_one("ambient", heat.ambient_rad_per_k_spread),
        wavelength_rad_per_pm=src.wavelength_rad_per_pm
        * draw.around_one("wavelength", src.wavelength_rad_per_pm_spread),
        rotation_rad=maps.rotation_rad,
        magnification=maps.magnification,
        signal_rate_photons_per_us=src.signal_rate_photons_per_us
        * draw.around_one("signal rate", src.signal_rate_spread),
        reference_rate_photons_per_us=ref.rate_photons_per_us
        * draw.around_one("reference rate", ref.rate_spread),
        stray_rate_photons_per_us=profile.lens.stray_rate_photons_per_us
        * draw.around_one("stray", profile.lens.stray_spread),
        gain_e_per_dn=cam.gain_e_per_dn * draw.around_one("gain", cam.gain_spread),
        full_well_e=cam.full_well_e * draw.around_one("full well", cam.full_well_spread),
        read_noise_e=cam.read_noise_e * draw.around_one("read noise", cam.read_noise_spread),
        black_level_dn=cam.black_level_dn
        + float(draw.normal("black level", ())) * cam.black_level_error_dn,
        sensor_offset_k=float(draw.normal("sensor", ())) * heat.sensor_offset_k,
        monitor_gain=draw.around_one("monitor", src.monitor_gain_spread),
    )
