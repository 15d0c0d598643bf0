"""Fabrication: one device drawn from a profile and a seed.  This is the hidden truth.

Each component draws from a substream of its own, named after it, so that a new component changes
no other one's values.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from optical_device import drift, lens, source, thermal
from optical_device.camera import dark_rate
from optical_device.modulator import coupler_amplitudes
from optical_device.profile import Profile

__all__ = ["ArrayRecord", "Fabrication", "fabricate", "serial_number"]

Array = Any
Floats = NDArray[np.float64]
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
    static_phase_rad: Array
    """(2, 2, N, N) phases without heat [rad]."""
    b0: Array
    """(2, N, N) amplitude of the unheated arm, insertion loss included."""
    b1: Array
    """(2, N, N) amplitude of the heated arm, insertion loss included."""
    input_map: Array
    """(N, N) complex: tree, aberration, camera shift, input side of the centring."""
    output_map: Array
    """(N, N) complex: envelope, input shift, output side of the centring."""
    reference_map: Array
    """(N, N) real: amplitude of the reference beam, 1 at its centre."""
    step_phase_rad: Array
    """(4,) set phases of the reference [rad]."""
    launch_gain: Array
    """(launch_steps,) complex amplitude of the launch attenuator."""
    qe_map: Array
    """(N, N) quantum efficiency with PRNU [e-/photon]."""
    dark_e_per_s_map: Array
    """(N, N) dark current with DSNU, at the camera's temperature [e-/s]."""
    drift_amplitude: Array
    """(3, 12) by `drift.Drift`: [rad], relative, [K]."""
    drift_omega_rad_per_s: Array
    """(3, 12) [rad/s]."""
    drift_phase_rad: Array
    """(3, 12) [rad]."""

    memory: float
    """Share of the frame before left after settling, exp(-settle/tau)."""
    ambient_rad_per_k: float
    """Phase of theta per kelvin of ambient [rad/K]."""
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
    draw = _Draw(seed)
    b0, b1 = _couplers(profile, draw)
    omega, amplitude = _drifts(profile)
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
        power_full_mw=mod.power_full_mw / resistance,
        resistance_slope_per_mw=mod.resistance_slope_per_mw
        * draw.around_one("resistance slope lot", mod.resistance_slope_lot_spread)
        * draw.around_one("resistance slope", mod.resistance_slope_spread, heaters),
        p_pi_mw=mod.p_pi_mw
        * draw.around_one("p_pi lot", mod.p_pi_lot_spread)
        * draw.around_one("p_pi", mod.p_pi_spread, heaters),
        links=_links(profile, draw),
        partner=heat.link_partner
        * draw.around_one("partner lot", heat.link_lot_spread)
        * draw.around_one("partner", heat.link_scatter, (2, n, n)),
        static_phase_rad=draw.uniform("static phase", heaters) * mod.static_phase_range_rad,
        b0=b0,
        b1=b1,
        input_map=_input_map(profile, draw),
        output_map=_output_map(profile, draw),
        reference_map=source.reference_beam(n, waist_px, (float(centre[0]), float(centre[1]))),
        step_phase_rad=np.arange(source.REFERENCE_STEPS) * (np.pi / 2.0)
        + draw.normal("reference steps", (source.REFERENCE_STEPS,)) * ref.step_phase_error_rad,
        launch_gain=_launch_gain(profile, draw),
        qe_map=cam.qe
        * draw.around_one("qe", cam.qe_spread)
        * draw.around_one("prnu", cam.prnu, plane),
        dark_e_per_s_map=dark
        * draw.around_one("dark", cam.dark_spread)
        * draw.around_one("dsnu", cam.dsnu, plane),
        drift_amplitude=amplitude,
        drift_omega_rad_per_s=omega,
        drift_phase_rad=2.0 * np.pi * draw.uniform("drift phase", omega.shape),
        memory=thermal.memory(profile.timing.settle_us, tau_us),
        ambient_rad_per_k=heat.ambient_rad_per_k
        * draw.around_one("ambient", heat.ambient_rad_per_k_spread),
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


class _Draw:
    """Random arrays by component name."""

    LARGEST = 5.0
    """Normals are kept within this many sigmas, so that no drawn factor turns negative."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _generator(self, component: str) -> np.random.Generator:
        name = zlib.crc32(component.encode())
        sequence = np.random.SeedSequence(self._seed, spawn_key=(name,))
        return np.random.Generator(np.random.Philox(sequence))

    def normal(self, component: str, shape: tuple[int, ...]) -> Floats:
        draws = np.asarray(self._generator(component).standard_normal(shape))
        return np.clip(draws, -self.LARGEST, self.LARGEST)

    def uniform(self, component: str, shape: tuple[int, ...]) -> Floats:
        return np.asarray(self._generator(component).random(shape))

    def around_one(self, component: str, spread: float, shape: tuple[int, ...] = ()) -> Any:
        factor = 1.0 + spread * self.normal(component, shape)
        return factor if shape else float(factor)


def _couplers(profile: Profile, draw: _Draw) -> tuple[Floats, Floats]:
    """Arm amplitudes from an extinction uniform in dB, of either sign, and a scattered loss."""
    mod = profile.modulator
    shape = (2, profile.device.n, profile.device.n)
    low, high = mod.extinction_min_db, mod.extinction_max_db
    extinction_db = low + (high - low) * draw.uniform("extinction", shape) if low < high else low
    sign = np.where(draw.uniform("extinction sign", shape) < 0.5, -1.0, 1.0)
    d = 0.5 * sign * 10.0 ** (-np.asarray(extinction_db) / 20.0)
    loss = 10.0 ** (-mod.insertion_loss_db / 10.0)
    loss *= draw.around_one("insertion lot", mod.insertion_lot_spread)
    transmission = loss * draw.around_one("insertion", mod.insertion_scatter, shape)
    return coupler_amplitudes(-d, d, transmission)


def _links(profile: Profile, draw: _Draw) -> Floats:
    heat, n = profile.thermal, profile.device.n
    links = draw.around_one("links", heat.link_scatter, (2, 2, len(thermal.Link), n, n))
    links *= draw.around_one("links lot", heat.link_lot_spread)
    row, column = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    for link, (down, right) in thermal.OFFSETS.items():
        nominal = heat.link_diagonal if down and right else heat.link_nearest
        inside = (row + down < n) & (column + right < n) & (column + right >= 0)
        links[:, :, int(link)] *= nominal * inside
    return np.asarray(links)


def _input_map(profile: Profile, draw: _Draw) -> NDArray[np.complex128]:
    optics, n = profile.lens, profile.device.n
    src = profile.source
    amplitude = draw.around_one("tree amplitude", src.tree_amplitude_spread, (n, n))
    phase = src.tree_phase_error_rad * draw.normal("tree phase", (n, n))
    coefficients = draw.normal("aberration", (optics.noll_last - optics.noll_first + 1,))
    waves = lens.wavefront(n, coefficients, optics.noll_first, optics.aberration_waves_rms)
    shift = optics.camera_shift_px * draw.normal("camera shift", (2,))
    centring, _ = lens.axis_maps(n)
    moved = lens.shift_map(n, (float(shift[0]), float(shift[1])))
    return np.asarray(amplitude * np.exp(1j * (phase + 2.0 * np.pi * waves)) * moved * centring)


def _output_map(profile: Profile, draw: _Draw) -> NDArray[np.complex128]:
    optics, n = profile.lens, profile.device.n
    width = optics.element_width_fraction
    width *= draw.around_one("element width", optics.element_width_spread)
    shift = optics.input_shift_px * draw.normal("input shift", (2,))
    _, centring = lens.axis_maps(n)
    moved = lens.shift_map(n, (float(shift[0]), float(shift[1])))
    return np.asarray(lens.envelope(n, width) * moved * centring)


def _launch_gain(profile: Profile, draw: _Draw) -> NDArray[np.complex128]:
    src = profile.source
    steps = np.arange(src.launch_steps, dtype=np.float64)
    nominal = source.launch_amplitude(steps, src.launch_step_db)
    amplitude = draw.around_one("launch amplitude", src.launch_amplitude_spread, steps.shape)
    phase = src.launch_phase_error_rad * draw.normal("launch phase", steps.shape)
    return np.asarray(nominal * amplitude * np.exp(1j * phase))


def _drifts(profile: Profile) -> tuple[Floats, Floats]:
    d = profile.drift
    omega = np.stack(
        [
            drift.tones(d.reference_phase_lowest_hz, d.highest_hz),
            drift.tones(d.laser_power_lowest_hz, d.highest_hz),
            drift.tones(d.ambient_lowest_hz, d.highest_hz),
        ]
    )
    amplitude = np.stack(
        [
            drift.amplitudes_of_rate(d.reference_phase_rms_rad_per_s, omega[0]),
            drift.amplitudes_of_rate(d.laser_power_rms_per_s, omega[1]),
            drift.amplitudes_of_value(d.ambient_rms_k, omega[2]),
        ]
    )
    return omega, amplitude
