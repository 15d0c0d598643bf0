"""What ``benchmarks/degradation.py`` varies: one thing of the `lab` device at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["SWEEPS", "Sweep"]

LAB_BITS, LAB_WELL_E, LAB_GAIN, LAB_REFERENCE = 12, 1e5, 25.0, 200.0
LAB_BLACK_DN, LAB_BLACK_ERROR_DN = 64.0, 2.0


@dataclass(frozen=True)
class Sweep:
    """One axis: its label, its values, what each means for the profile, and `lab`'s own value."""

    label: str
    values: tuple[float, ...]
    overrides: Callable[[float], dict[str, Any]]
    lab: float | None
    log: bool = False
    ages: bool = False


def _adc_bits(bits: float) -> dict[str, Any]:
    step = 2.0 ** (LAB_BITS - bits)
    return {
        "device__adc_bits": int(bits),
        "camera__gain_e_per_dn": LAB_GAIN * step,
        "camera__black_level_dn": LAB_BLACK_DN / step,
        "camera__black_level_error_dn": LAB_BLACK_ERROR_DN / step,
    }


def _full_well(electrons: float) -> dict[str, Any]:
    ratio = electrons / LAB_WELL_E
    return {
        "camera__full_well_e": electrons,
        "camera__gain_e_per_dn": LAB_GAIN * ratio,
        "reference__rate_photons_per_us": LAB_REFERENCE * ratio,
    }


def _crosstalk(link: float) -> dict[str, Any]:
    return {"thermal__link_nearest": link, "thermal__link_partner": link / 2}


SWEEPS = {
    "adc_bits": Sweep("converter of the camera [bits]", (6, 7, 8, 10, 12, 14), _adc_bits, 12),
    "full_well": Sweep(
        "full well of the camera [electrons]",
        (3e3, 1e4, 3e4, 1e5, 3e5),
        _full_well,
        1e5,
        log=True,
    ),
    "crosstalk": Sweep(
        "phase of the nearest heater over a heater's own",
        (0.0, 0.01, 0.02, 0.04, 0.08),
        _crosstalk,
        0.02,
    ),
    "drift": Sweep(
        "device time since the calibration [s]",
        (1, 10, 30, 100, 300, 1000, 3600),
        lambda age: {},
        None,
        log=True,
        ages=True,
    ),
}
