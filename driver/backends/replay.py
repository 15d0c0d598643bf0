"""``replay:FILE.h5``: a recorded session, given again to whoever asks for exactly the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from driver.backends.made import Made
from driver.backends.python import REFERENCES, Block, Reading, make_from_object
from driver.backends.session import FRAME, SCHEMA, SENSOR, info_from_json
from driver.errors import RecordingError, error_from_code
from driver.info import DeviceInfo

__all__ = ["ReplayBackend", "make_replay"]

_HEATERS = ("theta", "phi")


class ReplayBackend:
    """Looks each frame up by its index, and refuses one that was not asked for in this way.

    How frames are split into jobs need not be as it was recorded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = h5py.File(path, "r")
        except FileNotFoundError:
            raise RecordingError(f"no recording at {path}") from None
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise RecordingError(f"{path} is no recording: {why}") from error
        try:
            self._read()
        except (KeyError, TypeError, ValueError, OSError) as error:
            self._file.close()
            raise RecordingError(f"{path} is corrupt or no recording: {error}") from error
        except RecordingError:
            self._file.close()
            raise

    def _read(self) -> None:
        attributes = self._file.attrs
        schema = int(attributes["schema"])
        if schema != SCHEMA:
            raise RecordingError(f"{self._path} has schema {schema}; this driver reads {SCHEMA}")
        self.info: DeviceInfo = info_from_json(str(attributes["info"]))
        self.laser_nominal_mw = float(attributes["laser_nominal_mw"])
        self.laser_max_mw = float(attributes["laser_max_mw"])
        settings: dict[str, float] = json.loads(str(attributes["settings"]))
        self.settings = {int(k): float(v) for k, v in settings.items()}
        self._frames: NDArray[Any] = self._file["frames"][()]
        self._sensors: NDArray[Any] = self._file["sensors"][()]
        if self._frames.dtype != FRAME or self._sensors.dtype != SENSOR:
            raise RecordingError(f"{self._path} has tables of another layout")
        self._row = {int(index): row for row, index in enumerate(self._frames["index"])}
        # The file is read as it is needed: a session may be larger than memory.
        self._codes, self._planes = self._file["codes"], self._file["planes"]
        self._steps: NDArray[np.uint8] = self._file["launch_step"][()]
        self._check_tables()

    def _check_tables(self) -> None:
        """Every frame's codes, counts and steps are there, in the shape that they are used in."""
        n, frames = self.info.grid[0], self._frames
        good = frames["status"] == 0
        planes = frames["first_plane"] + good * frames["exposures"] * frames["steps"]
        steps = frames["first_step"] + frames["exposures"]
        wanted = {
            "codes": (self._codes, (2, 2, n, n), self.info.code_dtype, len(frames)),
            "planes": (self._planes, (n, n), self.info.count_dtype, int(planes.max(initial=0))),
            "launch_step": (self._steps, (), np.dtype(np.uint8), int(steps.max(initial=0))),
        }
        for name, (data, shape, dtype, length) in wanted.items():
            if data.shape[1:] != shape or data.dtype != dtype or len(data) < length:
                raise RecordingError(
                    f"{self._path} is damaged: {name} is {data.dtype} of shape {data.shape}; it "
                    f"must be {dtype} of shape {(length, *shape)} or longer"
                )

    def execute(self, block: Block) -> None:
        """Give the frames' counts again, or the failure that they ended with."""
        start_ns = block.start_ns
        for i in range(len(block.codes)):
            frame = block.first_frame + i
            row = self._row.get(frame)
            if row is None:
                last = int(self._frames["index"].max()) if len(self._frames) else -1
                raise RecordingError(f"frame {frame} is not recorded; the last one is {last}")
            told = self._frames[row]
            self._check(block, i, told, row, start_ns if i == 0 else None)
            block.clock_jump_ns += int(told["clock_jump_ns"])
            if told["status"]:
                message = bytes(told["message"]).decode(errors="replace")
                raise error_from_code(
                    int(told["status"]), message, native_code=int(told["native_code"])
                )
            first, shape = int(told["first_plane"]), block.counts.shape[1:]
            planes = self._planes[first : first + shape[0] * shape[1]]
            block.counts[i] = planes.reshape(shape)
            block.done = i + 1

    def _check(self, block: Block, i: int, told: Any, row: int, start_ns: int | None) -> None:
        frame = block.first_frame + i
        asked = {
            "exposures": block.counts.shape[1],
            "steps": block.counts.shape[2],
            "exposure_ns": block.exposure_ns,
            "reference": REFERENCES.index(block.reference),
            "laser_on": int(block.laser_on),
            "laser_mw": block.laser_mw,
            "reference_fraction": block.reference_fraction,
        }
        if start_ns is not None:
            asked["start_ns"] = start_ns
        for name, value in asked.items():
            if told[name] != value:
                raise RecordingError(
                    f"frame {frame}: {name} is {value}; recorded was {told[name].item()}"
                )
        first = int(told["first_step"])
        steps = self._steps[first : first + len(block.launch_step[i])]
        if not np.array_equal(steps, block.launch_step[i]):
            raise RecordingError(
                f"frame {frame}: launch_step is {block.launch_step[i].tolist()}; "
                f"recorded was {steps.tolist()}"
            )
        codes = self._codes[row]
        if not np.array_equal(codes, block.codes[i]):
            stage, heater, r, c = map(int, np.argwhere(codes != block.codes[i])[0])
            count = int(np.sum(codes != block.codes[i]))
            raise RecordingError(
                f"frame {frame}: the code of stage {'ab'[stage]}, heater {_HEATERS[heater]}, pixel "
                f"({r}, {c}) is {block.codes[i, stage, heater, r, c]}; recorded was "
                f"{codes[stage, heater, r, c]} ({count} codes differ)"
            )

    def sensors(self, reading: Reading) -> tuple[float, float]:
        """Give the recorded reading of that number again; after the last, the last."""
        if not len(self._sensors):
            raise RecordingError(f"{self._path} has no reading of the sensors")
        told = self._sensors[min(reading.index, len(self._sensors) - 1)]
        return float(told["temperature_k"]), float(told["laser_mw"])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def make_replay(path: str) -> Made:
    """Open a recording as a device.

    Raises
    ------
    RecordingError
        There is none, or it cannot be read.
    """
    backend = ReplayBackend(Path(path))
    made = make_from_object(backend)
    made.settings = backend.settings
    return made
