"""Numbers from callers: Python's and NumPy's alike, but True is not 1."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from driver.errors import ValueRangeError

__all__ = ["is_bool", "real", "shown", "switch", "whole"]

SHOWN = 60
"""Characters of a bad value that a message quotes."""


def is_bool(value: Any) -> bool:
    """Whether it is Python's or NumPy's True or False."""
    return isinstance(value, (bool, np.bool_))


def switch(value: Any, name: str) -> bool:
    """True or False, or a ValueRangeError that names it: "no" is not False, and not True."""
    if not is_bool(value):
        raise ValueRangeError(f"{name}={shown(value)} must be True or False")
    return bool(value)


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number within [low, high], or a ValueRangeError that names it."""
    if type(value) is int and low <= value <= high:
        return value
    if is_bool(value) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise ValueRangeError(f"{name}={shown(value)} must be a whole number from {low} to {high}")
    return int(value)


def real(value: Any, name: str, low: float, high: float, unit: str) -> float:
    """A number within [low, high], or a ValueRangeError that names it and its unit."""
    number: Any = value  # compared as it is: a whole number may be beyond every float
    if is_bool(value) or not isinstance(value, Real) or not low <= number <= high:
        raise ValueRangeError(f"{name}={shown(value)} must be {low:g} to {high:g} {unit}")
    return float(value)


def shown(value: Any) -> str:
    """A value as an error message quotes it: its ``repr``, or the beginning of a long one."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a whole number beyond Python's digits, or an object's own fault
        return f"<{type(value).__name__}>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
