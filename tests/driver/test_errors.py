"""The error ladder: what each code becomes, and what else it is."""

from __future__ import annotations

import copy
import pickle

import pytest

from driver import errors
from driver.errors import DriverError, ErrorCode, error_from_code

CODES = [code for code in ErrorCode if code is not ErrorCode.ODEV_OK]


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_class_and_survives_pickling(code: ErrorCode) -> None:
    error = error_from_code(int(code), "what was wrong", native_code=42)
    for one in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(one) is type(error)
        assert isinstance(one, RuntimeError)
        assert (one.code, one.name, one.native_code) == (code, code.name, 42)
        assert str(one) == "what was wrong"


def test_codes_have_different_classes() -> None:
    assert len({type(error_from_code(code, "")) for code in CODES}) == len(CODES)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ShapeError, ValueError),
        (errors.DTypeError, TypeError),
        (errors.ValueRangeError, ValueError),
        (errors.NonFiniteError, ValueError),
        (errors.UnknownDeviceError, LookupError),
        (errors.DeviceTimeoutError, TimeoutError),
        (errors.DeviceMemoryError, MemoryError),
        (errors.CalibrationMismatchError, errors.CalibrationError),
    ],
)
def test_errors_are_also_what_python_calls_them(
    kind: type[DriverError], builtin: type[Exception]
) -> None:
    with pytest.raises(builtin, match="no"):
        raise kind("no")


def test_a_code_from_a_newer_library_says_so() -> None:
    error = error_from_code(99, "strange")
    assert type(error) is errors.BackendError
    assert "99" in str(error)
