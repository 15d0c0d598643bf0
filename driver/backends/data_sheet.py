"""Data sheets of devices that have no profile: from C, or filled in by a backend's author."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from driver.errors import ValueRangeError
from driver.info import REFERENCE_STEPS, DeviceInfo, NominalValues, Timing
from driver.library import check, ffi, lib, struct

__all__ = ["LAYOUTS", "info_from_c", "plain_info", "sheet_to_c"]

LAYOUTS = {"mft": lib.ODEV_LAYOUT_MFT, "4f": lib.ODEV_LAYOUT_4F}
"""Layouts by their number in C."""

_NOMINAL_FROM_C = (
    "p_pi_mw", "power_full_mw", "resistance_slope_per_mw", "link_nearest", "link_diagonal",
    "link_partner", "b0", "b1", "signal_rate_photons_per_us", "reference_rate_photons_per_us",
    "element_width_fraction", "qe", "gain_e_per_dn", "full_well_e", "read_noise_e",
    "black_level_dn", "reference_waist_px", "launch_default_step", "ambient_rad_per_k",
    "wavelength_nm", "wavelength_rad_per_pm",
)  # fmt: skip

_PLAIN: dict[str, float] = {
    "p_pi_mw": 1.0, "power_full_mw": 2.5, "resistance_slope_per_mw": 0.0, "link_nearest": 0.0,
    "link_diagonal": 0.0, "link_partner": 0.0, "b0": 0.5, "b1": 0.5,
    "signal_rate_photons_per_us": 100.0, "reference_rate_photons_per_us": 100.0,
    "launch_step_db": 1.5, "element_width_fraction": 0.0, "qe": 1.0, "gain_e_per_dn": 1.0,
    "full_well_e": 65536.0, "read_noise_e": 1.0, "black_level_dn": 0.0,
    "reference_waist_px": math.inf,
}  # fmt: skip
"""As in csrc/core/data_sheet.c."""


def plain_info(
    serial: str,
    n: int,
    *,
    dac_bits: int = 14,
    adc_bits: int = 12,
    launch_steps: int = 32,
    write_us: float = 0.0,
    settle_us: float = 0.0,
    exposure_us: float = 100.0,
    exposure_range_us: tuple[float, float] = (1.0, 10_000.0),
    readout_us: float = 0.0,
    layout: str = "mft",
    detection: str = "four_step",
    profile_name: str = "",
    reproducible: bool = False,
    **nominal: float,
) -> DeviceInfo:
    """A data sheet of a device's interface, for a backend written in Python.

    Nominal values that are not given are made up: calibration must find the true ones.

    Parameters
    ----------
    serial : str
    n : int
        The grid is n x n.
    **nominal : float
        Fields of `driver.NominalValues`.

    Raises
    ------
    ValueRangeError
        A nominal value that there is none of.
    """
    unknown = set(nominal) - set(_PLAIN) - {"launch_default_step"}
    if unknown:
        raise ValueRangeError(
            f"no nominal value is called {sorted(unknown)[0]!r}; they are {', '.join(_PLAIN)}"
        )
    values: dict[str, Any] = {**_PLAIN, **nominal}
    default_step = int(values.pop("launch_default_step", launch_steps // 2))
    return DeviceInfo(
        serial=serial,
        grid=(n, n),
        layout=layout,
        detection=detection,
        dac_bits=dac_bits,
        adc_bits=adc_bits,
        code_dtype=np.dtype(np.uint16 if dac_bits else np.float32),
        count_dtype=np.dtype(np.uint16 if adc_bits else np.float32),
        abi_version=lib.odev_abi_version(),
        profile_name=profile_name,
        profile_hash="",
        nominal=NominalValues(
            launch_steps=launch_steps, launch_default_step=default_step, **values
        ),
        timing=Timing(
            write_us=write_us,
            settle_us=settle_us,
            tau_us=settle_us / 8,
            exposure_us=exposure_us,
            exposure_range_us=exposure_range_us,
            readout_us=readout_us,
            reference_steps=REFERENCE_STEPS.get(detection, 1),
        ),
        reproducible=reproducible,
    )


def info_from_c(backend: Any, context: Any) -> DeviceInfo:
    """The data sheet of a backend that C has made."""
    caps, sheet = struct("odev_caps"), struct("odev_data_sheet")
    check(backend.get_caps(context, caps))
    check(lib.odev_read_data_sheet(backend, context, sheet))
    nominal: dict[str, Any] = {name: getattr(sheet, name) for name in _NOMINAL_FROM_C}
    nominal["link_ring"] = tuple(sheet.link_ring)
    modes = tuple(sheet.substrate_k_per_mw)
    nominal["substrate_k_per_mw"] = (modes[:3], modes[3:6], modes[6:])
    return DeviceInfo(
        serial=_text(caps.serial),
        grid=(caps.n, caps.n),
        layout=_name(LAYOUTS, caps.layout),
        detection=_name(REFERENCE_STEPS, caps.reference_steps),
        dac_bits=caps.dac_bits,
        adc_bits=caps.adc_bits,
        code_dtype=np.dtype(np.uint16 if caps.dac_bits else np.float32),
        count_dtype=np.dtype(np.uint16 if caps.adc_bits else np.float32),
        abi_version=lib.odev_abi_version(),
        profile_name=_text(sheet.profile_name),
        profile_hash=_text(sheet.profile_hash),
        nominal=NominalValues(
            launch_step_db=caps.launch_step_db, launch_steps=caps.launch_steps, **nominal
        ),
        timing=Timing(
            write_us=caps.write_ns * 1e-3,
            settle_us=caps.settle_ns * 1e-3,
            tau_us=sheet.tau_us,
            exposure_us=caps.exposure_ns * 1e-3,
            exposure_range_us=(caps.exposure_min_ns * 1e-3, caps.exposure_max_ns * 1e-3),
            readout_us=caps.readout_ns * 1e-3,
            reference_steps=caps.reference_steps,
        ),
        nominal_is_true=bool(sheet.nominal_is_true),
        reproducible=bool(caps.reproducible),
        power_w=sheet.power_w,
    )


def sheet_to_c(info: DeviceInfo) -> Any:
    """The ``odev_data_sheet *`` of a data sheet."""
    nominal = info.nominal
    return struct(
        "odev_data_sheet",
        nominal_is_true=int(info.nominal_is_true),
        profile_name=info.profile_name.encode(),
        profile_hash=info.profile_hash.encode(),
        power_w=info.power_w,
        tau_us=info.timing.tau_us,
        link_ring=list(nominal.link_ring),
        substrate_k_per_mw=[value for row in nominal.substrate_k_per_mw for value in row],
        **{name: getattr(nominal, name) for name in _NOMINAL_FROM_C},
    )


def _name(numbers: Mapping[str, int], number: int) -> str:
    """The name of a number."""
    return next(name for name, value in numbers.items() if value == number)


def _text(pointer: Any) -> str:
    return ffi.string(pointer).decode(errors="replace")
