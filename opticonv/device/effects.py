"""The errors of a device, and what of its profile switches each one off.

What a value is without error, the profile `ideal` says.  Every value that is so *by definition*
there, as its comment has it, belongs to an error: to one of the list below, or, if nobody has named
it yet, to one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from optical_device.profile import Profile, load_profile
from opticonv.device.data_sheet import data_sheet_values

__all__ = ["SECOND_CHIP", "Effect", "absent_effects", "present_effects", "without"]

DAC_QUANTISATION = "DAC quantisation"
SECOND_CHIP = "second chip"
"""Of layout 4f alone."""

_NAMES = {
    DAC_QUANTISATION: ("device__dac_bits",),
    "DAC non-linearity": ("modulator__dac_*",),
    "heater spread": ("modulator__p_pi_*spread", "modulator__resistance_*spread"),
    "R rises with power": ("modulator__resistance_slope_per_mw",),
    "thermal crosstalk": ("thermal__link_*",),
    "substrate heat": ("thermal__substrate_*",),
    "memory of last frame": ("thermal__tau_*",),
    "ambient drift": ("drift__ambient_*",),
    "chip gradient": ("drift__gradient_*",),
    "static phases": ("modulator__static_phase_*",),
    "finite extinction": ("modulator__extinction_*",),
    "coupler imbalance": ("modulator__coupler_*",),
    "insertion loss": ("modulator__insertion_*",),
    "splitting tree": ("source__tree_*",),
    "launch attenuator": ("source__launch_*",),
    "laser noise": ("source__rin",),
    "laser power drift": ("drift__laser_power_*",),
    "wavelength drift": ("drift__wavelength_*", "lens__follows_wavelength"),
    "aberration": ("lens__aberration_*",),
    SECOND_CHIP: ("middle__*",),
    "misalignment": ("lens__camera_shift_*", "lens__input_shift_*"),
    "rotation": ("lens__camera_rotation_*",),
    "magnification": ("lens__magnification_*",),
    "element envelope": ("lens__element_*",),
    "vignetting": ("lens__*vignett*",),
    "stray light": ("lens__stray_*",),
    "reference beam shape": ("reference__waist_*", "reference__centre_*"),
    "reference steps": ("reference__step_*",),
    "reference phase drift": ("drift__reference_phase_*",),
    "unknown scales": (
        "source__signal_rate_*", "reference__rate_*", "camera__qe_*", "camera__gain_*",
        "camera__black_level_error_dn",
    ),
    "pixel response (PRNU)": ("camera__prnu",),
    "dark current, DSNU": ("camera__dark_*", "camera__dsnu"),
    "shot noise": ("camera__shot_noise",),
    "read noise": ("camera__read_noise_*",),
    "full well": ("camera__full_well_*",),
    "ADC quantisation": ("device__adc_bits",),
}  # fmt: skip
"""Names of errors with the values that belong to them, in the order of the light."""

_NOISE = ("laser noise", "shot noise", "read noise", "ADC quantisation")

_NEEDS = {"DAC non-linearity": DAC_QUANTISATION}
"""Errors that are there only where another one is too: a curve of codes needs codes."""

_NO_ERRORS = (
    "device__name", "camera__black_level_dn", "thermal__sensor_*", "thermal__interlock_k",
    "source__monitor_*", "thermal__ambient_rad_per_k*", "source__wavelength_rad_per_pm*",
)  # fmt: skip
"""Values that `ideal` defines and that no picture of the camera shows: readings of sensors, and
what a change of temperature or wavelength would do if there were any."""


@dataclass(frozen=True)
class Effect:
    """One error: its name, and the overrides without which a device would have it."""

    name: str
    off: Mapping[str, Any]

    @property
    def needs(self) -> str | None:
        """Name of the error without which this one cannot be."""
        return _NEEDS.get(self.name)

    @property
    def is_noise(self) -> bool:
        """Whether it differs from exposure to exposure at random, as rounding does."""
        return self.name in _NOISE

    @property
    def is_in_codes(self) -> bool:
        """Whether codes bear it themselves: a finer converter would not take it back."""
        return "device__dac_bits" in self.off

    @property
    def limits_range(self) -> bool:
        """Whether it bounds what the camera can tell."""
        return "device__adc_bits" in self.off or any("full_well" in key for key in self.off)

    def is_in(self, profile: Profile) -> bool:
        """Whether switching it off would change the device."""
        if self.name == SECOND_CHIP and profile.device.layout != "4f":
            return False
        return any(_value(profile, key) != value for key, value in self.off.items())


def present_effects(profile: Profile) -> list[Effect]:
    """The errors that a profile has, in the order of the light."""
    by_name: dict[str, dict[str, Any]] = {name: {} for name in _NAMES}
    for key, value in _without_error().items():
        by_name.setdefault(_name_of(key), {})[key] = value
    effects = [Effect(name, off) for name, off in by_name.items()]
    return [effect for effect in effects if effect.is_in(profile)]


def absent_effects(profile: Profile) -> list[str]:
    """Names of the errors that a profile leaves out, in the order of the light."""
    present = {effect.name for effect in present_effects(profile)}
    return [name for name in _NAMES if name not in present]


def without(effects: Iterable[Effect]) -> dict[str, Any]:
    """Overrides that switch several errors off."""
    return {key: value for effect in effects for key, value in effect.off.items()}


def _without_error() -> dict[str, Any]:
    """Values that are without error by definition in `ideal`, by ``section__field``."""
    return {
        f"{value.section}__{value.field}": value.value
        for value in data_sheet_values("ideal", load_profile("ideal"))
        if value.source.startswith("definition")
        and not _matches(f"{value.section}__{value.field}", _NO_ERRORS)
    }


def _name_of(key: str) -> str:
    named = (name for name, patterns in _NAMES.items() if _matches(key, patterns))
    return next(named, key.partition("__")[2].replace("_", " "))


def _matches(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _value(profile: Profile, key: str) -> Any:
    section, _, field = key.partition("__")
    return getattr(getattr(profile, section), field)
