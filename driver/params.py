"""Typed device parameters: name, unit, range, read-only flag."""

from __future__ import annotations

import math
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, NoReturn

import numpy as np

from driver.errors import CapabilityError, DTypeError, ValueRangeError
from driver.handle import Handle
from driver.library import check, ffi, lib, struct
from driver.numbers import is_bool, shown
from driver.running import in_turn

__all__ = ["Param", "Params"]


class _UnknownParamError(ValueRangeError, KeyError):
    """Also a KeyError, as a mapping owes to ``in`` and ``get``."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter and its value now."""

    name: str
    value: float | bool
    unit: str
    minimum: float
    maximum: float
    read_only: bool


class Params(MutableMapping[str, "float | bool"]):
    """``dev.params``: a mapping from names to values; ``describe`` tells unit and range.

    Parameters
    ----------
    handle
        The device's.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        with handle.use() as device:
            self._infos = [self._info(device, i) for i in range(lib.ODEV_PARAM_COUNT)]
        self._ids = {ffi.string(info.name).decode(): i for i, info in enumerate(self._infos)}

    @staticmethod
    def _info(device: Any, index: int) -> Any:
        info = struct("odev_param_info")
        check(lib.odev_describe_param(device, index, info))
        return info

    def _id(self, name: str) -> int:
        if not isinstance(name, str) or name not in self._ids:
            raise _UnknownParamError(
                f"unknown parameter {shown(name)}; parameters are {', '.join(self._ids)}"
            )
        return self._ids[name]

    def _is_switch(self, index: int) -> bool:
        return bool(self._infos[index].type == lib.ODEV_TYPE_SWITCH)

    def __getitem__(self, name: str) -> float | bool:
        return self.together(name)[0]

    def together(self, *names: str) -> list[float | bool]:
        """Several values at the price of one: the device is taken hold of once."""
        value = ffi.new("double *")
        values = []
        with self._handle.use() as device:
            for index in map(self._id, names):
                check(lib.odev_get_param(device, index, value))
                values.append(bool(value[0]) if self._is_switch(index) else value[0])
        return values

    def __setitem__(self, name: str, value: float | bool) -> None:
        index = self._id(name)
        if self._is_switch(index) != is_bool(value) or not isinstance(value, (Real, np.bool_)):
            wanted = "True or False" if self._is_switch(index) else "a number"
            raise DTypeError(f"{name} must be {wanted}, not {shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf if value > 0 else -math.inf  # outside every range
        with in_turn(self._handle) as device:
            check(lib.odev_set_param(device, index, number))

    def __delitem__(self, name: str) -> NoReturn:
        raise CapabilityError(
            f"parameter {shown(name)} cannot be deleted; parameters are the device's own"
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def describe(self, name: str) -> Param:
        """Unit, range, read-only flag and present value of a parameter."""
        info = self._infos[self._id(name)]
        return Param(
            name=name,
            value=self[name],
            unit=ffi.string(info.unit).decode(),
            minimum=info.minimum,
            maximum=info.maximum,
            read_only=bool(info.read_only),
        )

    def __repr__(self) -> str:
        if self._handle.closed:
            return "<parameters of a closed device>"
        lines = []
        for param in map(self.describe, self):
            limits = "read-only" if param.read_only else f"{param.minimum:g} to {param.maximum:g}"
            lines.append(f"{param.name} = {param.value} {param.unit}".rstrip() + f"  ({limits})")
        return "\n".join(lines)
