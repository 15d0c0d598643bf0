"""The emulator: fabricates a device from its profile and seed and hands it to the C kernels."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.backends.data_sheet import LAYOUTS, sheet_to_c
from driver.backends.made import Made
from driver.errors import UnknownDeviceError, ValueRangeError
from driver.info import REFERENCE_STEPS, DeviceInfo, NominalValues, Timing
from driver.library import check, ffi, lib, pointer, struct
from driver.numbers import shown
from optical_device.camera import shot_noise_is_poisson
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import Profile, load_profile, profile_hash, profile_names
from optical_device.thermal import diagonal_link, ring_kernel, substrate_table

__all__ = [
    "data_sheet",
    "emulator_spec",
    "fabricated",
    "make_emulator",
    "profile_names",
    "save_emulator",
]

_REAL_PLANES = (
    "dac_bow", "dac_bit_error", "power_full_mw", "resistance_slope_per_mw", "p_pi_mw",
    "static_phase_rad", "links", "partner", "ring", "substrate_k_per_mw", "b0", "b1",
    "reference_map", "qe_map", "dark_e_per_s_map", "step_phase_rad",
    "drift_amplitude", "drift_omega_rad_per_s", "drift_phase_rad",
)  # fmt: skip
_COMPLEX_PLANES = ("input_map", "middle_map", "output_map", "launch_gain")
_SCALARS = (
    "ambient_rad_per_k", "wavelength_rad_per_pm", "rotation_rad", "magnification",
    "signal_rate_photons_per_us", "reference_rate_photons_per_us", "stray_rate_photons_per_us",
    "gain_e_per_dn", "full_well_e", "read_noise_e", "black_level_dn",
)  # fmt: skip


def make_emulator(name: str, seed: int, overrides: Mapping[str, Any]) -> Made:
    """Fabricate an emulated device on the C kernels.

    Raises
    ------
    UnknownDeviceError, ValueRangeError
        As of `fabricated`.
    """
    fabrication = fabricated(name, seed, overrides)
    profile = fabrication.profile
    with _refusing_values():
        spec, _arrays = emulator_spec(fabrication)
    backend, context = ffi.new("odev_backend *"), ffi.new("void **")
    sheet = replace(data_sheet(profile, fabrication.serial), reproducible=True)
    check(lib.odev_make_emulator(spec, sheet_to_c(sheet), backend, context))
    settings = {
        lib.ODEV_PARAM_LASER_MW: profile.source.laser_mw,
        lib.ODEV_PARAM_REFERENCE_FRACTION: profile.reference.fraction,
    }
    return Made(backend, context[0], sheet, settings)


def save_emulator(
    path: str | Path, name: str, seed: int = 0, overrides: Mapping[str, Any] | None = None
) -> None:
    """Write an emulated device to a new file, which C opens as ``emulator:PATH``.

    It holds the specimen's true values.  A device opened from it starts at the laser's nominal
    power and the whole reference beam.

    Raises
    ------
    UnknownDeviceError, ValueRangeError
        As of `fabricated`; or the file exists or cannot be written.
    """
    fabrication = fabricated(name, seed, overrides or {})
    with _refusing_values():
        spec, _arrays = emulator_spec(fabrication)
    sheet = sheet_to_c(data_sheet(fabrication.profile, fabrication.serial))
    check(lib.odev_save_emulator(spec, sheet, os.fsencode(path)))


def fabricated(name: str, seed: int, overrides: Mapping[str, Any]) -> Fabrication:
    """Fabricate a device.

    Parameters
    ----------
    name : str
        A packaged profile's name, or the path of a TOML file.
    seed : int
        Which specimen: 0 <= seed < 2^64.
    overrides
        Values that replace the profile's, by ``section__field``.

    Raises
    ------
    UnknownDeviceError
        No such profile.
    ValueRangeError
        A seed or an override that the profile does not allow.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise ValueRangeError(f"seed={shown(seed)} must be a whole number from 0 to 2^64 - 1")
    is_file = name.endswith(".toml")
    if (is_file and not Path(name).is_file()) or (not is_file and name not in profile_names()):
        known = ", ".join(profile_names())
        near = difflib.get_close_matches(name, profile_names(), 1)
        meant = f", did you mean {near[0]!r}?" if near else ";"
        raise UnknownDeviceError(
            f"unknown profile {name!r}{meant} profiles are {known}, or a .toml file's path"
        )
    with _refusing_values():
        return fabricate(load_profile(name, **overrides), int(seed))


@contextmanager
def _refusing_values() -> Iterator[None]:
    """What the physics says of a value that it can't use, as the driver's error."""
    try:
        yield
    except ValueError as error:
        raise ValueRangeError(" ".join(str(error).split())) from None
    except ArithmeticError as error:
        raise ValueRangeError(f"a value of the profile is beyond all bounds: {error}") from None


def emulator_spec(fabrication: Fabrication) -> tuple[Any, list[NDArray[Any]]]:
    """The C struct that describes a fabricated device, and the arrays that it points into."""
    profile, timing = fabrication.profile, fabrication.profile.timing
    kept: list[NDArray[Any]] = []

    def plane(name: str) -> Any:
        dtype = np.complex128 if name in _COMPLEX_PLANES else np.float64
        array = np.ascontiguousarray(getattr(fabrication, name), dtype=dtype)
        kept.append(array)
        return pointer(array, dtype, "const double *")

    serial = ffi.new("char[]", fabrication.serial.encode())
    spec = struct(
        "odev_emulator_spec",
        n=profile.device.n,
        dac_bits=profile.device.dac_bits,
        adc_bits=profile.device.adc_bits,
        launch_steps=profile.source.launch_steps,
        layout=LAYOUTS[profile.device.layout],
        reference_steps=REFERENCE_STEPS[profile.device.detection],
        shot_noise=int(profile.camera.shot_noise),
        poisson=int(
            shot_noise_is_poisson(
                profile.camera.shot_noise, profile.device.adc_bits, profile.camera.gain_e_per_dn
            )
        ),
        slow_lens=int(
            (fabrication.rotation_rad, fabrication.magnification) != (0.0, 1.0)
            or profile.lens.follows_wavelength
        ),
        follows_wavelength=int(profile.lens.follows_wavelength),
        seed=fabrication.seed,
        serial=serial,
        write_ns=_ns(timing.write_us),
        settle_ns=_ns(timing.settle_us),
        exposure_ns=_ns(timing.exposure_us),
        readout_ns=_ns(timing.readout_us),
        exposure_min_ns=_ns(timing.exposure_min_us),
        exposure_max_ns=_ns(timing.exposure_max_us),
        launch_step_db=profile.source.launch_step_db,
        laser_nominal_mw=profile.source.laser_nominal_mw,
        laser_max_mw=2.0 * profile.source.laser_nominal_mw,
        transient_memory=fabrication.memory,
        relative_intensity_noise=profile.source.rin,
        ambient_k=profile.thermal.ambient_k,
        interlock_k=profile.thermal.interlock_k,
        wavelength_nm=profile.source.wavelength_nm,
        temperature_offset_k=fabrication.sensor_offset_k,
        temperature_noise_k=profile.thermal.sensor_noise_k,
        laser_sensor_gain=fabrication.monitor_gain,
        laser_sensor_noise=profile.source.monitor_noise,
        **{name: float(getattr(fabrication, name)) for name in _SCALARS},
        **{name: plane(name) for name in (*_REAL_PLANES, *_COMPLEX_PLANES)},
    )
    kept.append(np.frombuffer(ffi.buffer(serial), dtype=np.uint8))
    return spec, kept


def _ns(microseconds: float) -> int:
    return round(1000.0 * microseconds)


def _numbers(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def data_sheet(profile: Profile, serial: str) -> DeviceInfo:
    """What may be told of a device: its profile's nominal values, never the specimen's own."""
    mod, src, cam, timing = profile.modulator, profile.source, profile.camera, profile.timing
    amplitude = 10.0 ** (-mod.insertion_loss_db / 20.0)
    n, dac_bits, adc_bits = profile.device.n, profile.device.dac_bits, profile.device.adc_bits
    heat, power, laser = profile.thermal, profile.power, src.laser_mw / src.laser_nominal_mw
    return DeviceInfo(
        serial=serial,
        grid=(n, n),
        layout=profile.device.layout,
        detection=profile.device.detection,
        dac_bits=dac_bits,
        adc_bits=adc_bits,
        code_dtype=np.dtype(np.uint16 if dac_bits else np.float32),
        count_dtype=np.dtype(np.uint16 if adc_bits else np.float32),
        abi_version=lib.odev_abi_version(),
        profile_name=profile.device.name,
        profile_hash=profile_hash(profile),
        nominal=NominalValues(
            p_pi_mw=mod.p_pi_mw,
            power_full_mw=mod.power_full_mw,
            resistance_slope_per_mw=mod.resistance_slope_per_mw,
            link_nearest=heat.link_nearest,
            link_diagonal=diagonal_link(heat.link_nearest, heat.heat_length_pitches),
            link_partner=heat.link_partner,
            b0=amplitude / 2.0,
            b1=amplitude / 2.0,
            signal_rate_photons_per_us=src.signal_rate_photons_per_us * laser,
            reference_rate_photons_per_us=profile.reference.rate_photons_per_us
            * laser
            * profile.reference.fraction,
            launch_step_db=src.launch_step_db,
            launch_steps=src.launch_steps,
            element_width_fraction=profile.lens.element_width_fraction,
            qe=cam.qe,
            gain_e_per_dn=cam.gain_e_per_dn,
            full_well_e=cam.full_well_e,
            read_noise_e=cam.read_noise_e,
            black_level_dn=cam.black_level_dn,
            reference_waist_px=profile.reference.waist_grids * n,
            launch_default_step=src.launch_default_step,
            link_ring=_numbers(ring_kernel(heat.link_nearest, heat.heat_length_pitches)),
            substrate_k_per_mw=tuple(
                _numbers(row)
                for row in substrate_table(profile.substrate_k_per_w, heat.substrate_length_grids)
            ),
            ambient_rad_per_k=heat.ambient_rad_per_k,
            wavelength_nm=src.wavelength_nm,
            wavelength_rad_per_pm=src.wavelength_rad_per_pm,
        ),
        timing=Timing(
            write_us=timing.write_us,
            settle_us=timing.settle_us,
            tau_us=profile.thermal.tau_us,
            exposure_us=timing.exposure_us,
            exposure_range_us=(timing.exposure_min_us, timing.exposure_max_us),
            readout_us=timing.readout_us,
            reference_steps=REFERENCE_STEPS[profile.device.detection],
        ),
        nominal_is_true=_has_no_tolerances(profile),
        power_w=power.heaters_w + power.laser_w + power.camera_w + power.electronics_w,
    )


_TOLERANCES = (
    "spread",
    "scatter",
    "error_rad",
    "error_dn",
    "error_px",
    "shift_px",
    "prnu",
    "dsnu",
    "rms_rad_per_s",
    "lsb",
    "mrad",
    "magnification_error",
)
"""Endings of the profile's fields that say how far a specimen may be from nominal."""


def _has_no_tolerances(profile: Profile) -> bool:
    sections = profile.model_dump().values()
    tolerances = [
        value
        for section in sections
        for name, value in section.items()
        if name.endswith(_TOLERANCES)
    ]
    phases = (profile.modulator.static_phase_range_rad, profile.lens.aberration_waves_rms)
    perfect_couplers = profile.modulator.extinction_min_db == float("inf")
    quantised = profile.device.dac_bits or profile.device.adc_bits
    return perfect_couplers and not quantised and not any(tolerances) and not any(phases)
