"""Backends written in Python: an object with a data sheet and a method that exposes frames.

The C core calls the object through four functions of cffi's.  Whatever it raises becomes the
driver's error, and nothing that it does wrong reaches C: see docs/backends.md.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from driver import causes
from driver.backends.data_sheet import LAYOUTS
from driver.backends.made import Made
from driver.errors import BackendError, DriverError, DTypeError, ShapeError
from driver.info import REFERENCE_STEPS, DeviceInfo
from driver.library import ffi, lib, struct

__all__ = ["REFERENCES", "Backend", "Block", "Reading", "make_from_object"]

REFERENCES = ("off", "steps", "only")
"""By their number in C."""


@dataclass
class Block:
    """A run of frames, consecutive in device order, to be exposed; and what the backend says of it.

    All arrays are the backend's to keep: no memory of the driver's is lent to Python.
    """

    first_frame: int
    """Index of the first frame since opening; a frame that is repeated is another frame."""
    start_ns: int
    """Device time at which the first frame is written [ns]."""
    codes: NDArray[Any]
    """(F, 2, 2, N, N): by frame, stage and heater."""
    previous_codes: NDArray[Any]
    """(2, 2, N, N): of the frame before the first, which the heaters still remember."""
    launch_step: NDArray[np.uint8]
    """(F, E): the attenuator's step in each exposure of each frame."""
    reference: str
    """"steps", "off" or "only"."""
    laser_on: bool
    exposure_ns: int
    laser_mw: float
    reference_fraction: float
    counts: NDArray[Any]
    """(F, E, steps, N, N): zeros, to be filled."""
    done: int = 0
    """Set before raising: leading frames whose counts are whole."""
    clock_jump_ns: int = 0
    """Set where the device's own clock moved by so much more than the timing says [ns]."""
    raw: Any = field(default=None, repr=False)
    """The ``const odev_block *``, during the call."""

    @property
    def raw_counts(self) -> NDArray[Any]:
        """The driver's own memory for the counts, during the call."""
        return _view(self.raw.counts, self.counts.dtype, self.counts.shape)


@dataclass(frozen=True)
class Reading:
    """What is known when the sensors are read."""

    index: int
    """Readings before this one."""
    frames: int
    device_time_ns: int
    laser_mw: float
    """What the laser is set to; 0 when it is off."""
    codes: NDArray[Any]
    """(2, 2, N, N): what the heaters hold."""
    raw: Any = field(default=None, repr=False)
    """The ``odev_telemetry_data *`` and the codes' pointer, during the call."""


@runtime_checkable
class Backend(Protocol):
    """What a backend written in Python has.  Its methods are called by one thread at a time.

    It may also have ``close()``, ``laser_nominal_mw`` and ``laser_max_mw`` (1.0 mW otherwise).
    """

    @property
    def info(self) -> DeviceInfo:
        """The data sheet, constant; see `driver.backends.plain_info`."""
        ...

    def execute(self, block: Block) -> None:
        """Expose the block's frames and fill ``block.counts``.

        Raises
        ------
        FrameLostError, ShortReadError, NoAnswerError
            The frame after ``block.done`` frames was exposed in vain: the driver repeats it.
        InterlockError, OverTemperatureError
            The laser tripped; the chip got too hot.
        Exception
            Anything else ends the job with a `BackendError` of which it is the cause.
        """
        ...

    def sensors(self, reading: Reading) -> tuple[float, float]:
        """Temperature [K] and laser power [mW] as the sensors tell them."""
        ...


class _Adapter:
    """One Python backend as C sees it."""

    def __init__(self, backend: Any, info: DeviceInfo) -> None:
        self.backend = backend
        self.caps = _caps(info)
        self.info = info

    def block(self, raw: Any) -> Block:
        n, frames, exposures = self.info.grid[0], raw.frames, raw.exposures
        reference = REFERENCES[raw.reference]
        steps = self.info.reference_steps if reference == "steps" else 1
        code, dn = self.info.code_dtype, self.info.count_dtype
        return Block(
            first_frame=raw.first_frame,
            start_ns=raw.start_ns,
            codes=_view(raw.codes, code, (frames, 2, 2, n, n)).copy(),
            previous_codes=_view(raw.previous_codes, code, (2, 2, n, n)).copy(),
            launch_step=_view(raw.launch_step, np.dtype(np.uint8), (frames, exposures)).copy(),
            reference=reference,
            laser_on=bool(raw.laser_on),
            exposure_ns=raw.exposure_ns,
            laser_mw=raw.laser_mw,
            reference_fraction=raw.reference_fraction,
            counts=np.zeros((frames, exposures, steps, n, n), dn),
            raw=raw,
        )


_adapters: dict[int, _Adapter] = {}
"""Backends in use, by the number that is their context in C: a stale one is then an error."""
_numbers = count(1)
_lock = threading.Lock()


def make_from_object(backend: Any) -> Made:
    """The C table for a Python object.

    Raises
    ------
    DTypeError
        The object lacks a method, or its `info` is no `DeviceInfo`.
    """
    for name in ("execute", "sensors"):
        if not callable(getattr(backend, name, None)):
            raise DTypeError(f"a backend needs a method {name}(); {backend!r} has none")
    info = getattr(backend, "info", None)
    if not isinstance(info, DeviceInfo):
        raise DTypeError(f"a backend's info must be a driver.DeviceInfo, not {info!r}")
    for name, known in (("detection", REFERENCE_STEPS), ("layout", LAYOUTS)):
        if getattr(info, name) not in known:
            found = getattr(info, name)
            raise DTypeError(f"info.{name}={found!r} must be one of {', '.join(known)}")
    adapter = _Adapter(backend, info)
    with _lock:
        number = next(_numbers)
        _adapters[number] = adapter
    nominal_mw = float(getattr(backend, "laser_nominal_mw", 1.0))
    table = struct(
        "odev_backend",
        abi_version=lib.ODEV_ABI_VERSION,
        scheme=_SCHEME,
        get_caps=lib.odev_python_get_caps,
        execute_block=lib.odev_python_execute_block,
        read_sensors=lib.odev_python_read_sensors,
        close=lib.odev_python_close,
        laser_nominal_mw=nominal_mw,
        laser_max_mw=float(getattr(backend, "laser_max_mw", nominal_mw)),
        scratch_bytes=int(getattr(backend, "scratch_bytes", 0)),
    )
    return Made(table, ffi.cast("void *", number), info)


_SCHEME = ffi.new("char[]", b"python")


def _caps(info: DeviceInfo) -> Any:
    if len(info.grid) != 2 or info.grid[0] != info.grid[1]:
        raise ShapeError(f"info.grid is {info.grid}; it must be square")
    t = info.timing
    times = {
        "write_ns": t.write_us,
        "settle_ns": t.settle_us,
        "exposure_ns": t.exposure_us,
        "readout_ns": t.readout_us,
        "exposure_min_ns": t.exposure_range_us[0],
        "exposure_max_ns": t.exposure_range_us[1],
    }
    return struct(
        "odev_caps",
        n=info.grid[0],
        dac_bits=info.dac_bits,
        adc_bits=info.adc_bits,
        launch_steps=info.nominal.launch_steps,
        launch_step_db=info.nominal.launch_step_db,
        reproducible=int(info.reproducible),
        layout=LAYOUTS[info.layout],
        reference_steps=info.reference_steps,
        serial=info.serial.encode()[: lib.ODEV_NAME_SIZE - 1],
        kernels=b"python",
        **{name: round(1000.0 * us) for name, us in times.items()},
    )


def _view(pointer: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """A NumPy view of C memory, which must not be kept."""
    size = dtype.itemsize * int(np.prod(shape))
    return np.frombuffer(ffi.buffer(pointer, size), dtype).reshape(shape)


def _adapter(context: Any) -> _Adapter:
    number = int(ffi.cast("uintptr_t", context))
    adapter = _adapters.get(number)
    if adapter is None:
        raise BackendError(f"the Python backend number {number} is closed")
    return adapter


def _fail(error: BaseException, report: Any) -> int:
    """Tell C of an exception: status, number, message and cause."""
    known = isinstance(error, DriverError)
    report.native_code = error.native_code if isinstance(error, DriverError) else 0
    report.cause = causes.keep(error)
    text = str(error) if known else f"{type(error).__name__}: {error}"
    message = text.encode(errors="replace")[: lib.ODEV_MESSAGE_SIZE - 1]
    ffi.buffer(report.message)[0 : len(message) + 1] = message + b"\0"
    return int(error.code) if isinstance(error, DriverError) else int(lib.ODEV_ERR_BACKEND)


@ffi.def_extern(error=lib.ODEV_ERR_BACKEND)
def odev_python_get_caps(context: Any, caps: Any) -> int:
    """The capabilities, made when the backend was."""
    try:
        caps[0] = _adapter(context).caps[0]
    except BaseException:
        return int(lib.ODEV_ERR_BACKEND)
    return int(lib.ODEV_OK)


@ffi.def_extern(error=lib.ODEV_ERR_BACKEND)
def odev_python_execute_block(context: Any, raw: Any, report: Any) -> int:
    """Call the object's `execute`."""
    block: Block | None = None
    status = int(lib.ODEV_OK)
    try:
        adapter = _adapter(context)
        block = adapter.block(raw)
        adapter.backend.execute(block)
    except BaseException as error:
        status = _fail(error, report)
    if block is None:
        return status
    try:
        done = len(block.raw_counts) if status == lib.ODEV_OK else _frames_done(block, raw)
        block.raw_counts[:done] = block.counts[:done]
        report.frames_done = done
        report.clock_jump_ns = int(block.clock_jump_ns)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        status = _fail(error, report)
    return status


def _frames_done(block: Block, raw: Any) -> int:
    """How many frames a backend that failed says are whole: a number of its own making."""
    return min(max(int(block.done), 0), int(raw.frames) - 1)


@ffi.def_extern(error=lib.ODEV_ERR_BACKEND)
def odev_python_read_sensors(
    context: Any, reading: int, laser_mw: float, codes: Any, telemetry: Any, report: Any
) -> int:
    """Call the object's `sensors`."""
    try:
        adapter = _adapter(context)
        n, dtype = adapter.info.grid[0], adapter.info.code_dtype
        told = Reading(
            index=reading,
            frames=telemetry.frames,
            device_time_ns=telemetry.device_time_ns,
            laser_mw=laser_mw,
            codes=_view(codes, dtype, (2, 2, n, n)).copy(),
            raw=(telemetry, codes),
        )
        temperature_k, shown_mw = adapter.backend.sensors(told)
        telemetry.temperature_k, telemetry.laser_mw = float(temperature_k), float(shown_mw)
    except BaseException as error:
        return _fail(error, report)
    return int(lib.ODEV_OK)


@ffi.def_extern()
def odev_python_close(context: Any) -> None:
    """Call the object's `close`, if it has one, and forget it."""
    with _lock:
        adapter = _adapters.pop(int(ffi.cast("uintptr_t", context)), None)
    close = getattr(adapter.backend, "close", None) if adapter else None
    if callable(close):
        close()  # what it raises, cffi shows: there is nobody to hand it to
