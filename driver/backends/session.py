"""A recorded session: the HDF5 file that `record:` writes and `replay:` reads.

One row of ``frames`` for each frame in device order, with its settings and how it ended; ``codes``
(F, 2, 2, N, N) beside it; ``planes`` (P, N, N), the counts of all exposures and steps one after
another, from ``first_plane`` on for a frame; ``launch_step`` (L,) from ``first_step`` on.  One row
of ``sensors`` for each reading.  Attributes: ``schema``, ``info`` (the data sheet, JSON),
``laser_nominal_mw``, ``laser_max_mw``, ``settings`` (JSON), and ``complete`` once it is closed.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from driver.errors import RecordingError
from driver.info import DeviceInfo, NominalValues, Timing

__all__ = ["FRAME", "SCHEMA", "SENSOR", "info_from_json", "info_to_json"]

SCHEMA = 1

FRAME = np.dtype(
    [
        ("index", np.uint64),
        ("start_ns", np.int64),
        ("exposure_ns", np.int64),
        ("exposures", np.uint32),
        ("steps", np.uint32),
        ("reference", np.uint8),
        ("laser_on", np.uint8),
        ("laser_mw", np.float64),
        ("reference_fraction", np.float64),
        ("first_plane", np.uint64),
        ("first_step", np.uint64),
        ("status", np.int32),
        ("native_code", np.int32),
        ("clock_jump_ns", np.int64),
        ("message", "S256"),
    ]
)
"""A frame; one that failed has a status other than 0, a message, and no planes."""

SENSOR = np.dtype(
    [
        ("index", np.uint64),
        ("frames", np.uint64),
        ("device_time_ns", np.int64),
        ("set_mw", np.float64),
        ("temperature_k", np.float64),
        ("laser_mw", np.float64),
    ]
)


def info_to_json(info: DeviceInfo) -> str:
    """A data sheet as text."""
    plain = dataclasses.asdict(info)
    plain["code_dtype"], plain["count_dtype"] = info.code_dtype.str, info.count_dtype.str
    return json.dumps(plain)


def _as_it_was(value: Any) -> Any:
    """JSON has lists where data sheets have tuples."""
    if isinstance(value, dict):
        return {name: _as_it_was(each) for name, each in value.items()}
    return tuple(map(_as_it_was, value)) if isinstance(value, list) else value


def info_from_json(text: str) -> DeviceInfo:
    """A data sheet from text.

    Raises
    ------
    RecordingError
        The text is no data sheet of this version.
    """
    try:
        plain: dict[str, Any] = json.loads(text)
        plain = {name: _as_it_was(value) for name, value in plain.items()}
        plain |= {
            "code_dtype": np.dtype(plain["code_dtype"]),
            "count_dtype": np.dtype(plain["count_dtype"]),
            "nominal": NominalValues(**plain["nominal"]),
            "timing": Timing(**plain["timing"]),
        }
        return DeviceInfo(**plain)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"the recording's data sheet cannot be read: {error}") from error
