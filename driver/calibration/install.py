"""A calibration as the C library takes it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import Calibration
from driver.info import DeviceInfo
from driver.library import ffi, pointer, struct

__all__ = ["calibration_struct"]

_REAL = (
    "power_full_mw",
    "rho",
    "theta0_rad",
    "kappa_rad_per_mw",
    "beta_per_mw",
    "links",
    "partner",
    "ring",
    "substrate_rad_per_mw",
)
_COMPLEX = ("input_map", "middle_map", "output_map", "launch_gain", "pilot_spectrum")


def calibration_struct(
    calibration: Calibration, info: DeviceInfo
) -> tuple[Any, list[NDArray[Any]]]:
    """The C struct, and the arrays that it points into: keep them until the call is over."""
    kept: list[NDArray[Any]] = []

    def plane(name: str, dtype: Any, kind: str) -> Any:
        array = np.ascontiguousarray(getattr(calibration, name), dtype=dtype)
        kept.append(array)
        return pointer(array, dtype, kind)

    has_pilot = bool(np.any(calibration.pilot_spectrum))
    data = struct(
        "odev_calibration",
        n=info.grid[0],
        launch_steps=info.nominal.launch_steps,
        pilot_launch_step=calibration.pilot_launch_step,
        conjugate_leak=(calibration.conjugate_leak.real, calibration.conjugate_leak.imag),
        black_dn=float(np.mean(calibration.black_dn)),
        saturation_dn=calibration.saturation_dn,
        reference_dn=float(np.mean(calibration.reference_dn) + np.mean(calibration.black_dn)),
        gain_e_per_dn=calibration.gain_e_per_dn,
        read_noise_dn=calibration.read_noise_e / calibration.gain_e_per_dn,
        pilot_codes=plane("pilot_codes", info.code_dtype, "const void *")
        if has_pilot
        else ffi.NULL,
        reference_plane_dn=plane("reference_dn", np.float64, "const double *"),
        **{name: plane(name, np.float64, "const double *") for name in _REAL},
        **{name: plane(name, np.complex128, "const double *") for name in _COMPLEX},
    )
    if not has_pilot:
        data.pilot_spectrum = ffi.NULL
    return data, kept
