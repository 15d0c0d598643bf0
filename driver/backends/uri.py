"""Device URIs: ``scheme:name?key=value&key=value&of=URI``, taken apart by the C library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from driver.errors import DTypeError, UnknownDeviceError, ValueRangeError
from driver.library import check, ffi, lib
from driver.numbers import shown

__all__ = ["DeviceUri", "parse_uri", "uri_text"]


@dataclass(frozen=True)
class DeviceUri:
    """A parsed URI: what to open, which specimen, with which options, and around what."""

    scheme: str
    name: str
    seed: int | None
    overrides: Mapping[str, Any]
    """Options but for the seed: whole numbers, numbers and truth values as such, the rest text."""
    of: str | None = None
    """The URI of the device that this one is wrapped around."""
    options: Mapping[str, str] = field(default_factory=dict)
    """All options as they were written."""


def parse_uri(uri: str) -> DeviceUri:
    """Take a URI apart.

    Parameters
    ----------
    uri : str
        ``emulator:lab``, ``emulator:lab?seed=7&device__n=32``, ``emulator:path/to/profile.toml``,
        ``fault:?dropped_frame=17&of=emulator:lab?seed=7``.

    Raises
    ------
    UnknownDeviceError
        No scheme.
    ValueRangeError
        An option that is no ``key=value``, or a seed that is no whole number.
    """
    if not isinstance(uri, str):
        raise DTypeError(f"a device URI is a string like 'emulator:lab', not {shown(uri)}")
    if "\0" in uri:
        raise ValueRangeError(f"the device URI {uri!r} has a NUL character")
    parsed = ffi.new("odev_uri **")
    check(lib.odev_uri_parse(uri.encode(errors="surrogateescape"), parsed))
    try:
        c = parsed[0]
        options = {_text(c.keys[i]): _text(c.values[i]) for i in range(c.count)}
        seed = options.get("seed")
        return DeviceUri(
            scheme=_text(c.scheme),
            name=_text(c.name),
            seed=None if seed is None else _whole_seed(seed, uri),
            overrides={k: _value(text) for k, text in options.items() if k != "seed"},
            of=_text(c.of) if c.of else None,
            options=options,
        )
    finally:
        lib.odev_uri_free(parsed[0])


def _text(pointer: Any) -> str:
    return ffi.string(pointer).decode(errors="surrogateescape")


def _whole_seed(text: str, uri: str) -> int:
    """The number that a URI's seed is, or a ValueRangeError."""
    value = _value(text)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueRangeError(f"seed={text!r} in {uri!r} must be a whole number")
    return value


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def uri_text(scheme: str, name: str, options: Mapping[str, Any]) -> bytes:
    """A URI put together again, for the C library."""
    if "?" in name or "\0" in name:
        raise UnknownDeviceError(f"{name!r} is no path that a device URI can hold")
    pairs = [f"{_quoted_key(key)}={quote(_plain(v), safe='/:')}" for key, v in options.items()]
    text = f"{scheme}:{name}" + ("?" + "&".join(pairs) if pairs else "")
    return text.encode(errors="surrogateescape")


def _quoted_key(key: str) -> str:
    return "%6ff" if key == "of" else quote(key, safe="")  # `of` would take the rest


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
