"""Device URIs: ``scheme:name?key=value&key=value``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from driver.backends import emulator
from driver.backends.opened import OpenedDevice
from driver.errors import DTypeError, UnknownDeviceError, ValueRangeError
from driver.numbers import shown

__all__ = ["DeviceUri", "OpenedDevice", "device_uris", "open_uri", "parse_uri"]

_OPENERS = {"emulator": emulator.open_emulator}


@dataclass(frozen=True)
class DeviceUri:
    """A parsed URI: what to open, which specimen, and what to override in its profile."""

    scheme: str
    name: str
    seed: int | None
    overrides: Mapping[str, Any]


def parse_uri(uri: str) -> DeviceUri:
    """Take a URI apart.

    Parameters
    ----------
    uri : str
        ``emulator:lab``, ``emulator:lab?seed=7&device__n=32``, ``emulator:path/to/profile.toml``.

    Raises
    ------
    UnknownDeviceError
        No scheme, or one that no backend serves.
    ValueRangeError
        A seed that is no whole number.
    """
    if not isinstance(uri, str):
        raise DTypeError(f"a device URI is a string like 'emulator:lab', not {shown(uri)}")
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme not in _OPENERS:
        known = ", ".join(device_uris())
        raise UnknownDeviceError(
            f"unknown device {uri!r}; devices are {known}, or emulator:PROFILE.toml"
        )
    name, _, query = rest.partition("?")
    seed: int | None = None
    overrides: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        value = _value(text)
        if key != "seed":
            overrides[key] = value
        elif isinstance(value, int) and not isinstance(value, bool):
            seed = value
        else:
            raise ValueRangeError(f"seed={text!r} in {uri!r} must be a whole number")
    return DeviceUri(scheme, name, seed, overrides)


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def device_uris() -> list[str]:
    """URIs of the devices that come with the package."""
    return [f"emulator:{name}" for name in emulator.profile_names()]


def open_uri(uri: str, seed: int | None, overrides: Mapping[str, Any]) -> OpenedDevice:
    """Open what a URI names; `seed` and `overrides` win over those in the URI."""
    parsed = parse_uri(uri)
    chosen = parsed.seed if seed is None else seed
    return _OPENERS[parsed.scheme](
        parsed.name, 0 if chosen is None else chosen, {**parsed.overrides, **overrides}
    )
