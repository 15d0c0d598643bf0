"""Every value of a profile, with its unit and its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from optical_device.profile import Profile, load_profile, profile_names
from opticonv.device.sources import Key, trailing_comments

__all__ = ["NO_SOURCE", "OVERRIDDEN", "Value", "data_sheet_values", "unit_of"]

NO_SOURCE = "no source given"
OVERRIDDEN = "set on the command line"

_UNITS = {
    "photons_per_us": "photons/µs",
    "waves_rms": "waves RMS",
    "rad_per_s": "rad/s",
    "rad_per_k": "rad/K",
    "e_per_dn": "e⁻/DN",
    "e_per_s": "e⁻/s",
    "rad_per_nm": "rad/nm",
    "per_mw": "1/mW",
    "per_s": "1/s",
    "per_k": "1/K",
    "per_nm": "1/nm",
    "grids": "grid sides",
    "bits": "bits",
    "rad": "rad",
    "deg": "°",
    "db": "dB",
    "dn": "DN",
    "hz": "Hz",
    "lsb": "LSB",
    "mw": "mW",
    "mm": "mm",
    "um": "µm",
    "nm": "nm",
    "pm": "pm",
    "px": "px",
    "us": "µs",
    "ms": "ms",
    "ns": "ns",
    "k": "K",
    "e": "e⁻",
    "w": "W",
    "s": "s",
}
"""Unit by the end of a name, longer ends first."""


@dataclass(frozen=True)
class Value:
    """One value of a profile."""

    section: str
    field: str
    value: Any
    unit: str
    """Empty for a ratio, a count or a switch."""
    source: str


def unit_of(field: str) -> str:
    """Unit that a field's name says; empty for a ratio, a count or a switch."""
    if field == "n":
        return "px"
    return next((unit for end, unit in _UNITS.items() if field.endswith(f"_{end}")), "")


def data_sheet_values(
    name: str, profile: Profile, overrides: Mapping[str, Any] | None = None
) -> list[Value]:
    """All values of a profile in its order.

    Parameters
    ----------
    name : str
        The profile's name or file, where the sources stand.
    profile : Profile
        Its values, `overrides` among them.
    overrides
        Values that do not come from the file, by ``section__field``.
    """
    values = []
    for section in type(profile).model_fields:
        part = getattr(profile, section)
        for field in type(part).model_fields:
            if overrides and f"{section}__{field}" in overrides:
                source = OVERRIDDEN
            else:
                source = _source(name, (section, field)) or NO_SOURCE
            values.append(Value(section, field, getattr(part, field), unit_of(field), source))
    return values


def _source(name: str, key: Key, seen: tuple[str, ...] = ()) -> str:
    """Source of a value; "as lab" is followed to where lab.toml has it from."""
    comment = _comments(name).get(key, "")
    match = re.fullmatch(r"as (\w+)", comment)
    if match is None or match[1] not in profile_names() or match[1] in (*seen, name):
        return comment
    other = match[1]
    if _value(name, key) != _value(other, key):
        return comment
    there = _source(other, key, (*seen, name))
    return f"{comment}: {there}" if there else comment


def _value(name: str, key: Key) -> Any:
    section, field = key
    return getattr(getattr(load_profile(name), section), field)


def _comments(name: str) -> dict[Key, str]:
    if name.endswith(".toml"):
        return trailing_comments(Path(name).read_text(encoding="utf-8"))
    file = resources.files("optical_device") / "profiles" / f"{name}.toml"
    return trailing_comments(file.read_text(encoding="utf-8"))
