"""``record:FILE.h5?of=URI``: a device whose session is written down (`driver.backends.session`)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from driver import causes
from driver.backends.made import Made
from driver.backends.python import REFERENCES, Block, Reading, make_from_object
from driver.backends.session import FRAME, SCHEMA, SENSOR, info_to_json
from driver.errors import BackendError, DriverError, RecordingError, error_from_code
from driver.info import DeviceInfo
from driver.library import ffi, lib

__all__ = ["RecordBackend", "make_record"]

FLUSH_S = 1.0
"""What is recorded reaches the disk at least so often while frames are exposed."""


class _Rows:
    """A dataset that grows at its end."""

    def __init__(
        self, file: Any, name: str, shape: tuple[int, ...], dtype: Any, chunk: int = 1
    ) -> None:
        self._data = file.create_dataset(
            name, (0, *shape), dtype, maxshape=(None, *shape), chunks=(chunk, *shape)
        )

    def append(self, rows: NDArray[Any]) -> int:
        """Add rows; the index of the first."""
        first = len(self._data)
        if len(rows):
            self._data.resize(first + len(rows), axis=0)
            self._data[first:] = rows
        return first


class RecordBackend:
    """Hands everything on to another backend and writes down what was asked and what came back."""

    def __init__(self, path: Path, inner: Made) -> None:
        self._inner = inner
        self.info: DeviceInfo = inner.info
        self.laser_nominal_mw: float = inner.backend.laser_nominal_mw
        self.laser_max_mw: float = inner.backend.laser_max_mw
        self.scratch_bytes: int = inner.backend.scratch_bytes
        n = self.info.grid[0]
        try:
            self._file = h5py.File(path, "x")
        except FileExistsError:
            raise RecordingError(f"{path} exists: a recording overwrites nothing") from None
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise RecordingError(f"cannot write the recording {path}: {why}") from error
        self._file.attrs["schema"] = SCHEMA
        self._file.attrs["info"] = info_to_json(self.info)
        self._file.attrs["laser_nominal_mw"] = self.laser_nominal_mw
        self._file.attrs["laser_max_mw"] = self.laser_max_mw
        self._file.attrs["settings"] = json.dumps({str(k): v for k, v in inner.settings.items()})
        self._frames = _Rows(self._file, "frames", (), FRAME, chunk=256)
        self._codes = _Rows(self._file, "codes", (2, 2, n, n), self.info.code_dtype)
        self._planes = _Rows(self._file, "planes", (n, n), self.info.count_dtype, chunk=4)
        self._steps = _Rows(self._file, "launch_step", (), np.uint8, chunk=1024)
        self._sensors = _Rows(self._file, "sensors", (), SENSOR, chunk=256)
        self._flushed = time.monotonic()

    def execute(self, block: Block) -> None:
        """Have the frames exposed, and write them down, those of a block that failed too."""
        report = ffi.new("odev_report *")
        status = self._inner.backend.execute_block(self._inner.context, block.raw, report)
        good = status == lib.ODEV_OK
        block.done = len(block.codes) if good else min(report.frames_done, len(block.codes))
        block.clock_jump_ns = report.clock_jump_ns
        block.counts[: block.done] = block.raw_counts[: block.done]
        message = ffi.string(report.message)
        self._write(block, status, report.native_code, message)
        if not good:
            cause = causes.take(report.cause)
            if isinstance(cause, DriverError) or (cause and not isinstance(cause, Exception)):
                raise cause
            raise error_from_code(
                status, message.decode(errors="replace"), native_code=report.native_code
            ) from cause

    def _write(self, block: Block, status: int, native_code: int, message: bytes) -> None:
        failed = int(status != lib.ODEV_OK and block.done < len(block.codes))
        exposures, steps = block.counts.shape[1:3]
        rows = np.zeros(block.done + failed, FRAME)
        if not len(rows):
            return
        order = np.arange(len(rows))
        rows["index"] = block.first_frame + order
        rows["start_ns"] = block.start_ns + order * self._frame_ns(block)
        rows["exposure_ns"], rows["exposures"], rows["steps"] = block.exposure_ns, exposures, steps
        rows["reference"] = REFERENCES.index(block.reference)
        rows["laser_on"], rows["laser_mw"] = block.laser_on, block.laser_mw
        rows["reference_fraction"] = block.reference_fraction
        planes = block.counts[: block.done].reshape(-1, *block.counts.shape[3:])
        rows["first_plane"] = self._planes.append(planes) + order * exposures * steps
        launch = block.launch_step[: len(rows)].reshape(-1)
        rows["first_step"] = self._steps.append(launch) + order * exposures
        rows["clock_jump_ns"][-1] = block.clock_jump_ns  # the driver follows it after the block
        if failed:
            rows["status"][-1], rows["native_code"][-1] = status, native_code
            rows["message"][-1] = message
        self._codes.append(block.codes[: len(rows)])
        self._frames.append(rows)
        self._flush()

    def _frame_ns(self, block: Block) -> int:
        t = self.info.timing
        exposures, steps = block.counts.shape[1:3]
        readout_ns = round(1000.0 * t.readout_us)
        before_ns = round(1000.0 * t.write_us) + round(1000.0 * t.settle_us)
        return before_ns + exposures * steps * (block.exposure_ns + readout_ns)

    def _flush(self) -> None:
        now = time.monotonic()
        if now - self._flushed > FLUSH_S:
            self._file.flush()
            self._flushed = now

    def sensors(self, reading: Reading) -> tuple[float, float]:
        """Have the sensors read, and write down what they said."""
        (told, codes), report = reading.raw, ffi.new("odev_report *")
        status = self._inner.backend.read_sensors(
            self._inner.context, reading.index, reading.laser_mw, codes, told, report
        )
        if status != lib.ODEV_OK:
            message = ffi.string(report.message).decode(errors="replace")
            raise BackendError(message, native_code=report.native_code) from causes.take(
                report.cause
            )
        values: tuple[float, float] = (told.temperature_k, told.laser_mw)
        row = (reading.index, reading.frames, reading.device_time_ns, reading.laser_mw, *values)
        self._sensors.append(np.array([row], SENSOR))
        return values

    def close(self) -> None:
        """Finish the file and close the device."""
        try:
            self._file.attrs["complete"] = True
            self._file.close()
        finally:
            self._inner.close()


def make_record(path: str, inner: Made) -> Made:
    """Wrap a made backend; it is closed when wrapping fails.

    Raises
    ------
    RecordingError
        The file exists, or cannot be written.
    """
    try:
        backend = RecordBackend(Path(path), inner)
        made = make_from_object(backend)
    except BaseException:
        inner.close()
        raise
    made.settings = inner.settings
    return made
