"""Profiles: what a device is meant to be, as TOML files checked by strict models.

A profile holds nominal values and the spreads around them; `optical_device.fabrication` draws one
device from it.  The sections and their allowed values are in `optical_device.profile_sections`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import reprlib
import sys
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ValidationError, model_validator

from optical_device.lens import LARGEST_SHEAR
from optical_device.modulator import CODED_BITS
from optical_device.profile_sections import (
    LARGEST_DEVIATION,
    CameraSection,
    DeviceSection,
    DriftSection,
    LensSection,
    MiddleSection,
    ModulatorSection,
    PowerSection,
    ReferenceSection,
    Section,
    SourceSection,
    ThermalSection,
    TimingSection,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Profile", "ProfileError", "load_profile", "profile_hash", "profile_names"]

SETTLE_TIME_CONSTANTS = 4.0


class ProfileError(ValueError):
    """A profile is unknown or unreadable, or one of its values is not allowed."""


class Profile(Section):
    """A whole device as it is meant to be."""

    device: DeviceSection
    modulator: ModulatorSection
    thermal: ThermalSection
    source: SourceSection
    lens: LensSection
    middle: MiddleSection
    reference: ReferenceSection
    camera: CameraSection
    drift: DriftSection
    timing: TimingSection
    power: PowerSection

    @property
    def substrate_k_per_w(self) -> float:
        """Mean temperature rise of a chip above its carrier per power [K/W]."""
        return self.thermal.substrate_k_px_per_w / self.device.n**2

    @model_validator(mode="after")
    def _settles(self) -> Profile:
        needed = SETTLE_TIME_CONSTANTS * self.thermal.tau_us
        if self.timing.settle_us < needed:
            raise ValueError(
                f"timing__settle_us={self.timing.settle_us} is too short: one frame of memory "
                f"needs at least {SETTLE_TIME_CONSTANTS:g} thermal__tau_us = {needed:g} us"
            )
        return self

    @model_validator(mode="after")
    def _converter(self) -> Profile:
        bits, mod = self.device.dac_bits, self.modulator
        if 0 < bits < CODED_BITS and (mod.dac_bow_lsb or mod.dac_bit_weight_lsb):
            raise ValueError(
                f"device__dac_bits={bits} is too few for modulator__dac_bow_lsb and "
                f"modulator__dac_bit_weight_lsb: use at least {CODED_BITS} bits, 0 for no "
                "converter, or set both to 0"
            )
        return self

    @model_validator(mode="after")
    def _rotation(self) -> Profile:
        optics, n = self.lens, self.device.n
        enlarged = 1.0 + LARGEST_DEVIATION * optics.magnification_error
        largest_rad = math.asin(min(1.0, 2.0 * LARGEST_SHEAR / (math.pi * n * enlarged)))
        largest_mrad = 1e3 * largest_rad / LARGEST_DEVIATION
        if optics.camera_rotation_mrad > largest_mrad:
            raise ValueError(
                f"lens__camera_rotation_mrad={optics.camera_rotation_mrad} is too large for a grid "
                f"of {n}: at {LARGEST_DEVIATION:g} standard deviations the rotated transform's "
                f"series would not converge fast; use at most {int(1e3 * largest_mrad) / 1e3:g}"
            )
        return self


_SECTIONS: dict[str, type[Section]] = {
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
            lines.append(f"{key}={reprlib.repr(item['input'])}: {message[0].lower()}{message[1:]}")
    return "; ".join(lines)
