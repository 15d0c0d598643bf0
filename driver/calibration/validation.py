"""Whether a calibration may be installed: of this device, of the right shapes, finite, in range.

The C library reads a calibration's arrays by their nominal sizes and divides by several of them.
What is checked here is therefore checked before anything crosses to C, whether the calibration
comes from a file, from a measurement or from the caller's own hands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Complex, Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import Calibration
from driver.errors import CalibrationError, CalibrationMismatchError
from driver.info import DeviceInfo
from driver.numbers import is_bool

__all__ = ["check_calibration"]

_REAL_SHAPES: dict[str, tuple[int, ...]] = {
    "rho": (2,),
    "theta0_rad": (2,),
    "kappa_rad_per_mw": (2, 2),
    "power_full_mw": (2, 2),
    "beta_per_mw": (2, 2),
    "links": (2, 2, 4),
    "partner": (2,),
    "black_dn": (),
    "reference_dn": (),
}
"""Leading shapes of the real arrays, (..., N, N)."""

_COMPLEX_PLANES = ("input_map", "middle_map", "output_map", "pilot_spectrum")

_LARGEST = 1e30
"""Magnitudes stay below, and divisors above its inverse: the frame path computes in float32."""


def check_calibration(calibration: Calibration, info: DeviceInfo) -> None:
    """Refuse a calibration that is not this device's, or that cannot be computed with.

    Raises
    ------
    CalibrationMismatchError
        It is of another device, another profile or another grid.
    CalibrationError
        A field has another shape or type, is not finite, or is out of its range.  The message
        names the field.
    """
    _check_owner(calibration, info)
    for name, leading in _REAL_SHAPES.items():
        _check_array(calibration, name, (*leading, *info.grid), "fiu")
    for name in _COMPLEX_PLANES:
        _check_array(calibration, name, info.grid, "fiuc")
    _check_array(calibration, "ring", (3,), "fiu")
    _check_array(calibration, "substrate_rad_per_mw", (3, 3), "fiu")
    _check_array(calibration, "launch_gain", (info.nominal.launch_steps,), "fiuc")
    _check_divisors(calibration)
    _check_scalars(calibration)
    _check_pilot(calibration, info)


def _check_owner(calibration: Calibration, info: DeviceInfo) -> None:
    if calibration.serial != info.serial:
        raise CalibrationMismatchError(
            f"the calibration is for serial {calibration.serial}; this device has {info.serial}: "
            "calibrate it"
        )
    if calibration.profile_hash != info.profile_hash:
        raise CalibrationMismatchError(
            f"the calibration of {calibration.serial} was made with another profile: calibrate anew"
        )
    grid = np.shape(calibration.input_map)
    if len(grid) == 2 and grid != info.grid:
        raise CalibrationMismatchError(
            f"the calibration has a grid of {grid}, this device one of {info.grid}: calibrate anew"
        )


def _check_array(
    calibration: Calibration, name: str, shape: tuple[int, ...], kinds: str
) -> NDArray[Any]:
    array: Any = getattr(calibration, name)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
        what = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        wanted = "complex or real" if "c" in kinds else "real"
        raise CalibrationError(
            f"the calibration's {name} is {what}; it must be an array of {wanted} numbers"
        )
    if array.shape != shape:
        raise CalibrationError(
            f"the calibration's {name} has shape {array.shape}; it must be {shape}"
        )
    if not np.all(np.abs(array) <= _LARGEST):  # false for NaN
        raise CalibrationError(
            f"the calibration's {name} holds NaN, infinity or a value beyond {_LARGEST:g}"
        )
    return array


def _check_divisors(calibration: Calibration) -> None:
    for name in ("rho", "kappa_rad_per_mw", "power_full_mw"):
        if not np.all(getattr(calibration, name) >= 1 / _LARGEST):
            raise CalibrationError(f"the calibration's {name} must be positive everywhere")
    # The root in P = 2 P0 / (1 + sqrt(1 + 4 beta P0)).
    if np.any(1 + 4 * calibration.beta_per_mw * calibration.power_full_mw < 0):
        raise CalibrationError(
            "the calibration's beta_per_mw leaves a heater without a power at full code"
        )
    # Squared in float32.
    if not np.all(np.abs(calibration.launch_gain) >= _LARGEST**-0.5):
        raise CalibrationError("the calibration's launch_gain must not be zero at any step")
    for name in ("input_map", "middle_map", "output_map"):
        magnitude = np.abs(getattr(calibration, name))
        if not np.any(magnitude):
            raise CalibrationError(f"the calibration's {name} is zero everywhere: it saw no light")
        # Zero marks a dead pixel, which nothing is divided by.
        if np.any((magnitude > 0) & (magnitude < 1 / _LARGEST)):
            raise CalibrationError(f"the calibration's {name} holds a value too small to divide by")


def _check_scalars(calibration: Calibration) -> None:
    black = float(np.mean(calibration.black_dn))
    rules: tuple[tuple[str, type, Callable[[Any], bool], str], ...] = (
        ("gain_e_per_dn", Real, lambda v: 0 < v < math.inf, "positive and finite"),
        ("read_noise_e", Real, lambda v: 0 <= v < math.inf, "at least 0 and finite"),
        ("saturation_dn", Real, lambda v: v > black, f"above the black level, {black:g} DN"),
        ("conjugate_leak", Complex, lambda v: abs(v) < 1, "smaller than 1"),
        ("device_time_ns", Integral, lambda v: v >= 0, "a whole number of at least 0"),
    )
    for name, kind, right, wanted in rules:
        value = getattr(calibration, name)
        if is_bool(value) or not isinstance(value, kind) or not right(value):
            raise CalibrationError(f"the calibration's {name} is {value!r}; it must be {wanted}")


def _check_pilot(calibration: Calibration, info: DeviceInfo) -> None:
    codes, step = calibration.pilot_codes, calibration.pilot_launch_step
    _check_array(calibration, "pilot_codes", (2, 2, *info.grid), "fiu")
    if codes.dtype != info.code_dtype:
        raise CalibrationError(
            f"the calibration's pilot_codes have dtype {codes.dtype}; "
            f"this device takes {info.code_dtype}"
        )
    if codes.min() < 0 or codes.max() > info.code_max:
        raise CalibrationError(
            f"the calibration's pilot_codes reach from {codes.min()} to {codes.max()}; they must "
            f"be 0 to {info.code_max:g}"
        )
    steps = info.nominal.launch_steps
    if is_bool(step) or not isinstance(step, Integral) or not 0 <= int(step) < steps:
        raise CalibrationError(
            f"the calibration's pilot_launch_step is {step!r}; it must be a whole number from 0 to "
            f"{steps - 1}"
        )
