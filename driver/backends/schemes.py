"""Which scheme of a device URI makes what."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from driver.backends import emulator
from driver.backends.golden import make_golden
from driver.backends.made import Made, OpenedDevice, as_told, make_from_c, open_made
from driver.backends.python import make_from_object
from driver.backends.record import make_record
from driver.backends.replay import make_replay
from driver.backends.uri import DeviceUri, parse_uri, uri_text
from driver.errors import BackendError, DriverError, UnknownDeviceError, ValueRangeError
from driver.library import check, ffi, lib
from driver.numbers import shown

__all__ = ["SCHEMES", "device_uris", "make_uri", "open_object", "open_uri"]

Options = Mapping[str, Any]
Maker = Callable[[DeviceUri, "int | None", Options], Made]


def _fabricating(make: Callable[[str, int, Options], Made]) -> Maker:
    def made(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
        _refuse_of(uri)
        chosen = uri.seed if seed is None else seed
        return make(uri.name, 0 if chosen is None else chosen, {**uri.overrides, **overrides})

    return made


def _null(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    _refuse_of(uri)
    return make_from_c(uri_text("null", uri.name, _with_seed(uri.options, seed, overrides)))


def _library(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    _refuse_of(uri)
    return make_from_c(uri_text("library", uri.name, _with_seed(uri.options, seed, overrides)))


def _fault(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    if uri.name:
        raise ValueRangeError(
            f"fault: has options only, as in fault:?dropped_frame=17&of=null:64, not {uri.name!r}"
        )
    inner = _inner(uri, seed, overrides)
    parsed = ffi.new("odev_uri **")
    backend, context = ffi.new("odev_backend *"), ffi.new("void **")
    try:
        check(lib.odev_uri_parse(uri_text("fault", "", uri.options), parsed))
    except DriverError:
        inner.close()
        raise
    try:  # the wrapper owns the inner context from here on, whatever comes
        check(lib.odev_wrap_in_faults(parsed[0], inner.backend, inner.context, backend, context))
    finally:
        lib.odev_uri_free(parsed[0])
    return Made(backend, context[0], as_told(inner.info, backend, context[0]), inner.settings)


def _record(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    _refuse_options(uri)
    _require_path(uri)
    return make_record(uri.name, _inner(uri, seed, overrides))


def _replay(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    _refuse_of(uri)
    _refuse_options(uri)
    if seed is not None or overrides:
        raise ValueRangeError("a replay has no seed and no overrides: it is what was recorded")
    _require_path(uri)
    return make_replay(uri.name)


def _python(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    _refuse_of(uri)
    module, _, name = uri.name.rpartition(".")
    if not module:
        raise UnknownDeviceError(f"python:{uri.name} must be python:MODULE.CLASS")
    try:
        kind = getattr(_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UnknownDeviceError(f"python:{uri.name} cannot be imported: {error}") from error
    chosen = uri.seed if seed is None else seed
    options = {**uri.overrides, **overrides}
    if chosen is not None:
        options["seed"] = chosen
    return make_from_object(_made(uri.name, kind, options))


def _made(name: str, kind: Any, options: Options) -> Any:
    """An object of a class, whatever may go wrong in it."""
    if not callable(kind):
        raise UnknownDeviceError(f"python:{name} is no class, but {shown(kind)}")
    try:
        inspect.signature(kind).bind(**options)
    except TypeError as error:
        raise ValueRangeError(f"python:{name} does not take these options: {error}") from None
    except ValueError:  # a class written in C may have no signature
        pass
    try:
        return kind(**options)
    except DriverError:
        raise
    except Exception as error:
        raise BackendError(
            f"python:{name} cannot be opened: {type(error).__name__}: {error}"
        ) from error


def _module(name: str) -> Any:
    """A module on Python's path, else in the working folder, where commands don't look."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(here)


def _emulator(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    """A profile's device; or one from a file, which is neither a profile nor TOML."""
    named = uri.name in emulator.profile_names() or uri.name.endswith(".toml")
    if named or not os.path.isfile(uri.name):
        return _fabricating(emulator.make_emulator)(uri, seed, overrides)
    _refuse_of(uri)
    return make_from_c(uri_text("emulator", uri.name, _with_seed(uri.options, seed, overrides)))


SCHEMES: dict[str, Maker] = {
    "emulator": _emulator,
    "golden": _fabricating(make_golden),
    "null": _null,
    "library": _library,
    "python": _python,
    "fault": _fault,
    "record": _record,
    "replay": _replay,
}


def _with_seed(options: Options, seed: int | None, overrides: Options) -> dict[str, Any]:
    return {**options, **({} if seed is None else {"seed": seed}), **overrides}


def _refuse_of(uri: DeviceUri) -> None:
    if uri.of is not None:
        raise ValueRangeError(f"{uri.scheme}: wraps no other device; leave of={uri.of} out")


def _require_path(uri: DeviceUri) -> None:
    if not uri.name:
        raise ValueRangeError(f"{uri.scheme}: needs the path of a file: {uri.scheme}:session.h5")


def _refuse_options(uri: DeviceUri) -> None:
    for key in uri.options:
        raise ValueRangeError(f"{uri.scheme}: takes no option {key!r}")


def _inner(uri: DeviceUri, seed: int | None, overrides: Options) -> Made:
    if not uri.of:
        raise ValueRangeError(
            f"{uri.scheme}: needs the device it is around, at its end: of=emulator:lab"
        )
    return make_uri(uri.of, seed, overrides)


def device_uris() -> list[str]:
    """URIs of the devices that come with the package."""
    return [f"emulator:{name}" for name in emulator.profile_names()]


def make_uri(uri: str, seed: int | None, overrides: Options) -> Made:
    """The backend that a URI names; `seed` and `overrides` win over those of the innermost device.

    Raises
    ------
    UnknownDeviceError
        No scheme, or one that no backend serves.
    """
    known = ", ".join(device_uris())
    try:
        parsed = parse_uri(uri)
    except UnknownDeviceError:
        raise UnknownDeviceError(f"unknown device {shown(uri)}; devices are {known}, …") from None
    if parsed.scheme not in SCHEMES:
        near = difflib.get_close_matches(parsed.scheme, SCHEMES, 1)
        meant = f", did you mean {near[0]}:?" if near else ";"
        raise UnknownDeviceError(
            f"unknown device {shown(uri)}{meant} devices are {known}, emulator:PROFILE.toml, or of "
            f"the schemes {', '.join(SCHEMES)}"
        )
    return SCHEMES[parsed.scheme](parsed, seed, overrides)


def open_uri(uri: str, seed: int | None, overrides: Options) -> OpenedDevice:
    """Open what a URI names."""
    return open_made(make_uri(uri, seed, overrides))


def open_object(backend: Any) -> OpenedDevice:
    """Open a backend written in Python."""
    return open_made(make_from_object(backend))
