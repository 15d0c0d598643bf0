"""Calibrations on disk: HDF5, written whole or not at all, refused when unsound.

Layout: one dataset per field of :class:`Calibration`, `figures` as attributes of a group, and as
attributes of the file `schema`, `serial`, `profile_hash`, `device_time_ns` and `checksum`, the
SHA-256 of all fields' names, types, shapes and bytes.  A seal (`driver.calibration.seal`) goes
before it all.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from driver.calibration.calibration import Calibration
from driver.calibration.seal import BLOCK_BYTES, check_seal, write_seal
from driver.calibration.validation import check_calibration
from driver.errors import CalibrationError, DTypeError
from driver.info import DeviceInfo
from driver.numbers import shown

__all__ = ["SCHEMA", "checksum", "load", "save"]

SCHEMA = 3
"""Version of the file's layout."""

_HEADER = ("serial", "profile_hash", "device_time_ns")


def _datasets(calibration: Calibration) -> dict[str, np.ndarray[Any, Any]]:
    names = [item.name for item in fields(Calibration) if item.name not in (*_HEADER, "figures")]
    return {name: np.asarray(getattr(calibration, name)) for name in names}


def checksum(calibration: Calibration) -> str:
    """SHA-256 of everything that a calibration says, as its file has it."""
    digest = hashlib.sha256(f"schema {SCHEMA}".encode())
    for name in _HEADER:
        digest.update(f"{name}={getattr(calibration, name)};".encode())
    for name, value in sorted(calibration.figures.items()):
        digest.update(f"{name}={float(value).hex()};".encode())
    for name, array in _datasets(calibration).items():
        digest.update(f"{name}:{array.dtype.str}{array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def save(calibration: Calibration, path: str | Path) -> None:
    """Write a calibration file.

    It's written under a temporary name beside `path` and then moved there, so that a reader sees
    the old file or the new one and a failure leaves nothing behind.

    Raises
    ------
    CalibrationError
        The file cannot be written.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        # Not mkstemp: a calibration is for whoever the umask lets read it.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        with h5py.File(temporary, "w", userblock_size=BLOCK_BYTES) as file:
            file.attrs["schema"] = SCHEMA
            for header in _HEADER:
                file.attrs[header] = getattr(calibration, header)
            file.attrs["checksum"] = checksum(calibration)
            for key, array in _datasets(calibration).items():
                file.create_dataset(key, data=array)
            figures = file.create_group("figures")
            for key, value in calibration.figures.items():
                figures.attrs[key] = float(value)
        write_seal(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise CalibrationError(f"cannot write calibration file {path}: {error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def load(path: str | Path, info: DeviceInfo | None = None) -> Calibration:
    """Read a calibration file, and check it.

    Parameters
    ----------
    path
        As given to :func:`save`.
    info
        Of the device that it's to be used with; None: any.

    Raises
    ------
    CalibrationError
        The file is missing, not a calibration, of another schema, or corrupt; or what it holds does
        not fit the device of `info`.
    CalibrationMismatchError
        It's sound, but belongs to another device or profile.
    DTypeError
        `path` is none.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise DTypeError(f"a calibration file's path is a string or a Path, not {shown(path)}")
    path = Path(path)
    try:
        check_seal(path)
        with h5py.File(path, "r") as file:
            if "schema" not in file.attrs or "checksum" not in file.attrs:
                raise CalibrationError(f"{path} is not a calibration file: it has no schema")
            schema = int(file.attrs["schema"])
            if schema != SCHEMA:
                raise CalibrationError(
                    f"{path} has schema {schema}, this driver reads schema {SCHEMA}: calibrate anew"
                )
            written = str(file.attrs["checksum"])
            calibration = _read(file)
        sound = checksum(calibration) == written  # a damaged text may have no bytes to sum up
    except CalibrationError:
        raise
    except FileNotFoundError as error:
        raise CalibrationError(f"no calibration file at {path}") from error
    except (
        OSError, KeyError, TypeError, ValueError, RuntimeError, OverflowError, MemoryError
    ) as error:  # fmt: skip
        # h5py raises all of these on files that are damaged in one place or another.
        reason = "it is a folder" if path.is_dir() else " ".join(str(error).split())
        raise CalibrationError(f"{path} is corrupt or not a calibration file: {reason}") from error
    if not sound:
        raise CalibrationError(f"{path} is corrupt: its checksum does not match its content")
    if info is not None:
        check_calibration(calibration, info)
    return calibration


def _read(file: Any) -> Calibration:
    values: dict[str, Any] = {
        "serial": str(file.attrs["serial"]),
        "profile_hash": str(file.attrs["profile_hash"]),
        "device_time_ns": int(file.attrs["device_time_ns"]),
        "figures": {key: float(value) for key, value in file["figures"].attrs.items()},
    }
    scalars = {"conjugate_leak": complex, "pilot_launch_step": int}
    scalars |= dict.fromkeys(("saturation_dn", "gain_e_per_dn", "read_noise_e"), float)
    for item in fields(Calibration):
        if item.name not in values:
            array = file[item.name][()]
            values[item.name] = scalars[item.name](array) if item.name in scalars else array
    return Calibration(**values)
