"""Profiles: what a device is meant to be, as TOML files checked by strict models.

A profile holds nominal values and the spreads around them; `optical_device.fabrication` draws one
device from it.  Units are in the names; a name without a unit is a ratio, a count or a switch.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Profile", "ProfileError", "load_profile", "profile_hash", "profile_names"]

MAX_GRID = 512
LARGEST_PRIME_FACTOR = 13
SETTLE_TIME_CONSTANTS = 4.0

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
PositiveOrInf = Annotated[float, Field(gt=0.0)]
Spread = Annotated[float, Field(ge=0.0, le=0.5)]
"""Relative standard deviation of a fabricated value about its nominal one."""
Coupling = Annotated[float, Field(ge=0.0, le=0.1)]
Bits = Annotated[int, Field(ge=0, le=16)]


class ProfileError(ValueError):
    """A profile is unknown or unreadable, or one of its values is not allowed."""


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", ser_json_inf_nan="strings")


class DeviceSection(_Section):
    """What kind of device it is."""

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
    layout: Literal["mft"]
    detection: Literal["four_step", "intensity"]
    n: Annotated[int, Field(ge=2, le=MAX_GRID)]
    dac_bits: Bits
    """0: the boundary takes float32 drive fractions in [0, 1]."""
    adc_bits: Bits
    """0: the boundary gives float32 numbers, neither rounded nor clipped."""

    @model_validator(mode="after")
    def _grid_factors(self) -> DeviceSection:
        rest = self.n
        for prime in (2, 3, 5, 7, 11, 13):
            while rest % prime == 0:
                rest //= prime
        if rest != 1:
            raise ValueError(
                f"device__n={self.n} has a prime factor above {LARGEST_PRIME_FACTOR}; "
                f"use a size up to {MAX_GRID} with prime factors up to {LARGEST_PRIME_FACTOR}"
            )
        return self


class ModulatorSection(_Section):
    """Heaters and Mach-Zehnder interferometers of both stages."""

    p_pi_mw: Positive
    p_pi_spread: Spread
    p_pi_lot_spread: Spread
    """Of a whole device's mean about the nominal value; so too the other lot spreads."""
    power_full_mw: Positive
    """Power at full code and cold resistance."""
    resistance_spread: Spread
    resistance_lot_spread: Spread
    resistance_slope_per_mw: NonNegative
    """Relative rise of a heater's resistance per milliwatt, beta."""
    resistance_slope_spread: Spread
    resistance_slope_lot_spread: Spread
    static_phase_range_rad: NonNegative
    """Static phases are uniform in [0, range)."""
    extinction_min_db: PositiveOrInf
    extinction_max_db: PositiveOrInf
    insertion_loss_db: NonNegative
    insertion_scatter: Spread
    insertion_lot_spread: Spread

    @model_validator(mode="after")
    def _ranges(self) -> ModulatorSection:
        if self.extinction_min_db > self.extinction_max_db:
            raise ValueError("modulator__extinction_min_db exceeds modulator__extinction_max_db")
        if self.power_full_mw < 2.0 * self.p_pi_mw:
            raise ValueError(
                f"modulator__power_full_mw={self.power_full_mw} cannot turn a phase by 2 pi; "
                f"it must be at least 2 modulator__p_pi_mw = {2.0 * self.p_pi_mw}"
            )
        return self


class ThermalSection(_Section):
    """Heat between heaters, settling, and the surroundings."""

    link_nearest: Coupling
    link_diagonal: Coupling
    link_partner: Coupling
    link_scatter: Spread
    link_lot_spread: Spread
    tau_us: NonNegative
    tau_spread: Spread
    ambient_k: Positive
    ambient_rad_per_k: NonNegative
    ambient_rad_per_k_spread: Spread
    sensor_noise_k: NonNegative
    sensor_offset_k: NonNegative


class SourceSection(_Section):
    """Laser, launch attenuator and splitting tree."""

    laser_mw: NonNegative
    laser_nominal_mw: Positive
    rin: Spread
    """Relative intensity noise per exposure, RMS."""
    signal_rate_photons_per_us: Positive
    signal_rate_spread: Spread
    launch_step_db: Positive
    launch_steps: Annotated[int, Field(ge=1, le=256)]
    launch_default_step: Annotated[int, Field(ge=0, le=255)]
    launch_amplitude_spread: Spread
    launch_phase_error_rad: NonNegative
    tree_amplitude_spread: Spread
    tree_phase_error_rad: NonNegative
    monitor_noise: Spread
    monitor_gain_spread: Spread

    @model_validator(mode="after")
    def _default_step(self) -> SourceSection:
        if self.launch_default_step >= self.launch_steps:
            raise ValueError(
                f"source__launch_default_step={self.launch_default_step} must be below "
                f"source__launch_steps={self.launch_steps}"
            )
        return self


class LensSection(_Section):
    """Fourier lens, its alignment and stray light."""

    aberration_waves_rms: Annotated[float, Field(ge=0.0, le=1.0)]
    noll_first: Annotated[int, Field(ge=4, le=66)]
    noll_last: Annotated[int, Field(ge=4, le=66)]
    camera_shift_px: NonNegative
    """Standard deviation per axis."""
    input_shift_px: NonNegative
    """Standard deviation per axis."""
    element_width_fraction: Annotated[float, Field(ge=0.0, le=1.0)]
    element_width_spread: Spread
    stray_rate_photons_per_us: NonNegative
    stray_spread: Spread

    @model_validator(mode="after")
    def _noll_order(self) -> LensSection:
        if self.noll_first > self.noll_last:
            raise ValueError("lens__noll_first exceeds lens__noll_last")
        return self


class ReferenceSection(_Section):
    """Reference beam of four-step detection."""

    rate_photons_per_us: NonNegative
    """At the beam's centre, with fraction 1 and nominal laser power."""
    rate_spread: Spread
    fraction: Annotated[float, Field(ge=0.0, le=1.0)]
    waist_grids: PositiveOrInf
    """1/e amplitude radius in units of the grid's side."""
    waist_spread: Spread
    centre_error_px: NonNegative
    """Standard deviation per axis."""
    step_phase_error_rad: NonNegative


class CameraSection(_Section):
    """Camera after EMVA 1288."""

    qe: Annotated[float, Field(gt=0.0, le=1.0)]
    qe_spread: Spread
    prnu: Spread
    dark_e_per_s: NonNegative
    """At dark_reference_k."""
    dark_reference_k: Positive
    dark_doubling_k: Positive
    temperature_k: Positive
    dark_spread: Spread
    dsnu: Spread
    shot_noise: bool
    read_noise_e: NonNegative
    read_noise_spread: Spread
    full_well_e: PositiveOrInf
    full_well_spread: Spread
    gain_e_per_dn: Positive
    gain_spread: Spread
    black_level_dn: NonNegative
    black_level_error_dn: NonNegative


class DriftSection(_Section):
    """Slow drifts, each a sum of sinusoids with amplitudes falling as 1/f."""

    reference_phase_rms_rad_per_s: NonNegative
    reference_phase_lowest_hz: Positive
    laser_power_rms_per_s: NonNegative
    laser_power_lowest_hz: Positive
    ambient_rms_k: NonNegative
    ambient_lowest_hz: Positive
    highest_hz: Positive

    @model_validator(mode="after")
    def _band(self) -> DriftSection:
        for channel in ("reference_phase", "laser_power", "ambient"):
            if getattr(self, f"{channel}_lowest_hz") >= self.highest_hz:
                raise ValueError(f"drift__{channel}_lowest_hz must be below drift__highest_hz")
        return self


class TimingSection(_Section):
    """What a frame takes."""

    write_us: NonNegative
    settle_us: NonNegative
    exposure_us: Positive
    exposure_min_us: Positive
    exposure_max_us: Positive
    readout_us: NonNegative

    @model_validator(mode="after")
    def _exposure(self) -> TimingSection:
        if not self.exposure_min_us <= self.exposure_us <= self.exposure_max_us:
            raise ValueError(
                f"timing__exposure_us={self.exposure_us} must lie within "
                f"[{self.exposure_min_us}, {self.exposure_max_us}]"
            )
        return self


class PowerSection(_Section):
    """Mean electrical power while the device works, for the energy of a plan."""

    heaters_w: NonNegative
    laser_w: NonNegative
    camera_w: NonNegative
    electronics_w: NonNegative


class Profile(_Section):
    """A whole device as it is meant to be."""

    device: DeviceSection
    modulator: ModulatorSection
    thermal: ThermalSection
    source: SourceSection
    lens: LensSection
    reference: ReferenceSection
    camera: CameraSection
    drift: DriftSection
    timing: TimingSection
    power: PowerSection

    @model_validator(mode="after")
    def _settles(self) -> Profile:
        needed = SETTLE_TIME_CONSTANTS * self.thermal.tau_us
        if self.timing.settle_us < needed:
            raise ValueError(
                f"timing__settle_us={self.timing.settle_us} is too short: one frame of memory "
                f"needs at least {SETTLE_TIME_CONSTANTS:g} thermal__tau_us = {needed:g} us"
            )
        return self


_SECTIONS: dict[str, type[_Section]] = {
    name: get_type_hints(Profile)[name] for name in Profile.model_fields
}


def profile_names() -> list[str]:
    """Names of the profiles that come with the package, sorted."""
    folder = resources.files(__package__) / "profiles"
    return sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml"))


def load_profile(name_or_path: str | Path, **overrides: Any) -> Profile:
    """Read a profile, replace single values, and check it.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a packaged profile (`profile_names`), or a TOML file's path.
    **overrides
        Values that replace the file's, as ``section__field=value``.

    Raises
    ------
    ProfileError
        Unknown profile, section or field; a value of the wrong type or out of range; values that
        contradict each other.  The message names the key and what is allowed.
    """
    values = _parse(name_or_path)
    for key, value in overrides.items():
        section, field = _split_key(key)
        values.setdefault(section, {})[field] = value
    try:
        return Profile.model_validate(values)
    except ValidationError as error:
        raise ProfileError(f"profile {str(name_or_path)!r}: {_explain(error)}") from None


def profile_hash(profile: Profile) -> str:
    """SHA-256 (hexadecimal) of the profile as canonical JSON: sorted keys, no spaces."""
    plain = json.loads(profile.model_dump_json())
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _parse(name_or_path: str | Path) -> dict[str, dict[str, Any]]:
    is_path = isinstance(name_or_path, Path) or str(name_or_path).endswith(".toml")
    if not is_path and name_or_path not in profile_names():
        raise ProfileError(
            f"unknown profile {str(name_or_path)!r}; known are {', '.join(profile_names())}, "
            "or give the path of a .toml file"
        )
    try:
        if is_path:
            text = Path(name_or_path).read_text(encoding="utf-8")
        else:
            file = resources.files(__package__) / "profiles" / f"{name_or_path}.toml"
            text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"cannot read profile {str(name_or_path)!r}: {error}") from error
    for key, value in values.items():
        if not isinstance(value, dict):
            raise ProfileError(f"profile {str(name_or_path)!r}: {key} must be a section, [{key}]")
    return values


def _split_key(key: str) -> tuple[str, str]:
    section, _, field = key.partition("__")
    if section not in _SECTIONS:
        raise ProfileError(
            f"unknown profile key {key!r}; keys are section__field with a section out of "
            f"{', '.join(_SECTIONS)}"
        )
    fields = _SECTIONS[section].model_fields
    if field not in fields:
        near = difflib.get_close_matches(field, fields, 1)
        hint = f"; did you mean {section}__{near[0]}?" if near else ""
        raise ProfileError(
            f"unknown profile key {key!r}; fields of {section} are {', '.join(fields)}{hint}"
        )
    return section, field


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        key = "__".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "value_error":
            lines.append(message)
        elif item["type"] == "missing":
            lines.append(f"{key} is missing")
        elif item["type"] == "extra_forbidden":
            lines.append(f"{key} is not a key of a profile")
        else:
            lines.append(f"{key}={item['input']!r}: {message[0].lower()}{message[1:]}")
    return "; ".join(lines)
