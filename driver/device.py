"""An open device: expose, encode, decode, transform, convolve, calibrate."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.arrays import complex_frames, from_caller
from driver.backends import open_uri
from driver.calibration.calibration import Calibration
from driver.calibration.install import calibration_struct
from driver.calibration.nominal import nominal_calibration
from driver.encoded import Codes, Encoded
from driver.errors import (
    CalibrationMismatchError,
    CapabilityError,
    ClosedDeviceError,
    DTypeError,
    ForkedDeviceError,
    ShapeError,
    UncalibratedWarning,
    ValueRangeError,
)
from driver.exposure import brightening
from driver.info import DeviceInfo
from driver.library import check, ffi, lib, pointer, struct
from driver.params import Params
from driver.telemetry import Telemetry
from driver.threads import default_threads

__all__ = ["Device", "open_device"]

PILOT_PERIOD = 24
"""Frames between pilot frames: 4 % of frames."""
PILOT_MAX_AGE_S = 0.25
"""A job begins with a pilot when the last one is older than this."""
RETRIES = 4
"""How often a frame whose dimmest exposure saturated is repeated, two launch steps dimmer each time."""

_REFERENCES = {"off": 0, "steps": 1, "only": 2}


def open_device(uri: str, *, seed: int | None = None, threads: int | None = None, **overrides: Any) -> Device:
    """Open a device.

    Parameters
    ----------
    uri : str
        ``emulator:lab``, ``emulator:ideal``, ``emulator:PROFILE.toml``; also with the keywords below as
        a query, ``emulator:lab?seed=7``.
    seed : int, optional
        Which specimen of the profile is fabricated; 0 by default.
    threads : int, optional
        Threads that jobs use; by default torch's number, or the processors there are.
    **overrides
        Values that replace the profile's, as ``section__field=value``.

    Raises
    ------
    UnknownDeviceError
        The URI names no backend or profile.
    ValueRangeError
        A seed, thread count or override that is not allowed.

    Examples
    --------
    >>> with open_device("emulator:lab", seed=7) as dev:  # doctest: +SKIP
    ...     dev.calibrate()
    ...     X = dev.transform(x)
    """
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueRangeError(f"threads={threads!r} must be a positive whole number")
    opened = open_uri(uri, seed, overrides)
    return Device(opened.handle, opened.info, uri=uri, threads=threads)


class Device:
    """A device opened by `open_device`.

    Any thread may call any method; jobs run one after another in the order of their calls.  A device
    is closed by ``close()`` or at the end of a ``with`` block.
    """

    def __init__(self, handle: Any, info: DeviceInfo, *, uri: str, threads: int | None = None) -> None:
        self._handle = handle
        self._info = info
        self._threads = threads
        self._uri = uri
        self._process = os.getpid()
        self._guard = threading.Condition()
        self._users = 0
        self._calibration: Calibration | None = None
        self._warned = False
        self.params = Params(self._use)
        self._install(nominal_calibration(info))

    # ---- life -----------------------------------------------------------------------------

    @contextmanager
    def _use(self) -> Iterator[Any]:
        """The handle, kept open while it is used."""
        self._check_process()
        with self._guard:
            if self._handle is None:
                raise ClosedDeviceError(f"device {self._info.serial} is closed; open it again")
            self._users += 1
            handle = self._handle
        try:
            yield handle
        finally:
            with self._guard:
                self._users -= 1
                self._guard.notify_all()

    def _check_process(self) -> None:
        """In a forked child neither the guard nor the count of users can be trusted: don't wait."""
        if os.getpid() != self._process:
            self._handle = None
            raise ForkedDeviceError(
                f"device {self._info.serial} was opened before this process was forked; open it again here"
            )

    def close(self) -> None:
        """Wait for running jobs and free the device.

        Raises
        ------
        ClosedDeviceError
            It was closed before.
        """
        self._check_process()
        with self._guard:
            if self._handle is None:
                raise ClosedDeviceError(f"device {self._info.serial} is closed already")
            handle, self._handle = self._handle, None
            while self._users:
                self._guard.wait()
        check(lib.odev_close(handle))

    @property
    def closed(self) -> bool:
        """Whether the device has been closed."""
        return self._handle is None

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.closed:
            self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            warnings.warn(f"device {self._info.serial} was left open", ResourceWarning, stacklevel=2)
            lib.odev_close(self._handle)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "calibrated" if self._calibration else "uncalibrated"
        return f"<Device {self._uri} {self._info.serial} {self.n}x{self.n} {state}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Device:
        return self  # there is one device, however many layers refer to it

    # ---- what it is -----------------------------------------------------------------------

    @property
    def info(self) -> DeviceInfo:
        """The data sheet."""
        return self._info

    @property
    def n(self) -> int:
        """Pixels along one side of the grid."""
        return self._info.grid[0]

    @property
    def threads(self) -> int:
        """Threads that a job uses."""
        return self._threads or default_threads()

    @property
    def calibration(self) -> Calibration | None:
        """The installed calibration; None while the device works from nominal values."""
        return self._calibration

    def telemetry(self) -> Telemetry:
        """Clock, sensors and counters."""
        data = struct("odev_telemetry_data")
        with self._use() as handle:
            check(lib.odev_telemetry(handle, data))
        return Telemetry(
            device_time_s=data.device_time_ns * 1e-9,
            temperature_k=data.temperature_k,
            laser_mw=data.laser_mw,
            frames=data.frames,
            exposures=data.exposures,
            pilots=data.pilots,
            retries=data.retries,
            saturations=data.saturations,
            faults=data.faults,
            drift_phase_rad=data.drift_phase_rad,
            drift_amplitude=data.drift_amplitude,
            calibrated=self._calibration is not None,
            threads=data.threads,
        )

    # ---- the raw boundary -----------------------------------------------------------------

    def expose(
        self,
        codes: NDArray[Any],
        reference: str = "steps",
        exposure_us: float | None = None,
        *,
        laser: str = "on",
        launch_step: Any = None,
    ) -> NDArray[Any]:
        """Set the heaters and expose the camera: the raw device boundary.

        Parameters
        ----------
        codes : ndarray
            (n, 2, 2, N, N) of ``info.code_dtype``: stages a and b, heaters theta and phi.
        reference : {"steps", "off", "only"}
            Four exposures at the reference's phase steps; one without reference; one of it alone.
        exposure_us : float, optional
            Exposure of each step [us]; the profile's by default.
        laser : {"on", "off"}
            Light or darkness.
        launch_step : int or array of int, optional
            Setting of the signal arm's attenuator, for all frames, (n,), or (n, E) for E exposures of
            each frame; by default what the codes were encoded for, else the middle setting.

        Returns
        -------
        ndarray
            (n, steps, N, N) of ``info.count_dtype``; (n, E, steps, N, N) if `launch_step` is (n, E).

        Raises
        ------
        DTypeError, ShapeError, ValueRangeError
            Before any frame is exposed.
        """
        plain = self._checked_codes(codes)
        if reference not in _REFERENCES:
            raise ValueRangeError(f"reference={reference!r} must be one of {', '.join(_REFERENCES)}")
        if laser not in ("on", "off"):
            raise ValueRangeError(f"laser={laser!r} must be 'on' or 'off'")
        if launch_step is None and isinstance(codes, Codes):
            launch_step = codes.launch_step
        steps_of_frame = self._launch_steps(launch_step, len(plain))
        exposures = steps_of_frame.shape[1]
        steps = 4 if reference == "steps" else 1
        counts = np.empty((len(plain), exposures, steps, self.n, self.n), self._info.count_dtype)
        if len(plain):
            job = struct(
                "odev_expose_job",
                frames=len(plain),
                exposures=exposures,
                reference=_REFERENCES[reference],
                laser_on=int(laser == "on"),
                threads=self.threads,
                exposure_ns=self._exposure_ns(exposure_us),
                codes=pointer(plain, self._info.code_dtype, "const void *"),
                launch_step=pointer(steps_of_frame, np.uint8, "const uint8_t *"),
                counts=pointer(counts, self._info.count_dtype, "void *"),
            )
            with self._use() as handle:
                check(lib.odev_run_expose(handle, job, ffi.NULL))
        return counts if np.ndim(launch_step) == 2 else counts[:, 0]

    def _checked_codes(self, codes: Any) -> NDArray[Any]:
        array, _ = from_caller(codes, "codes")
        if array.dtype != self._info.code_dtype:
            raise DTypeError(f"codes have dtype {array.dtype}; this device takes {self._info.code_dtype}")
        if array.ndim != 5 or array.shape[1:] != (2, 2, self.n, self.n):
            raise ShapeError(f"codes have shape {array.shape}; they must be (n, 2, 2, {self.n}, {self.n})")
        if self._info.dac_bits and array.size and array.max() > self._info.code_max:
            raise ValueRangeError(f"codes reach {array.max()}; {self._info.dac_bits} bits hold {self._info.code_max:.0f}")
        if not self._info.dac_bits and array.size and not (array.min() >= 0 and array.max() <= 1):
            raise ValueRangeError("codes must lie within [0, 1]")
        return np.ascontiguousarray(array)

    def _launch_steps(self, launch_step: Any, frames: int) -> NDArray[np.uint8]:
        count = self._info.nominal.launch_steps
        steps = np.asarray(count // 2 if launch_step is None else launch_step)
        if steps.dtype.kind not in "iu":
            raise DTypeError(f"launch_step has dtype {steps.dtype}; it must be of whole numbers")
        if steps.ndim > 2 or (steps.ndim > 0 and steps.shape[0] != frames) or steps.shape[1:] == (0,):
            raise ShapeError(f"launch_step has shape {steps.shape}; it must be (), ({frames},) or ({frames}, E)")
        if steps.size and (steps.min() < 0 or steps.max() >= count):
            raise ValueRangeError(f"launch_step must be 0 to {count - 1}, not {steps.min()} to {steps.max()}")
        spread = steps if steps.ndim == 2 else np.broadcast_to(steps.reshape(-1, 1), (frames, 1))
        return np.ascontiguousarray(spread, dtype=np.uint8)

    def _exposure_ns(self, exposure_us: float | None) -> int:
        timing = self._info.timing
        value = timing.exposure_us if exposure_us is None else exposure_us
        low, high = timing.exposure_range_us
        if not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueRangeError(f"exposure_us={value!r} must be {low:g} to {high:g} us")
        return round(1000.0 * value)

    def idle(self, seconds: float) -> None:
        """Let device time pass [s]."""
        if not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e9:
            raise ValueRangeError(f"seconds={seconds!r} must be 0 to 1e9")
        with self._use() as handle:
            check(lib.odev_idle(handle, round(seconds * 1e9)))

    # ---- calibration ----------------------------------------------------------------------

    def calibrate(self, *, progress: Callable[[str, float], None] | None = None) -> Calibration:
        """Measure the device through its boundary; install and return what was found.

        Parameters
        ----------
        progress : callable, optional
            Called with a routine's name and the fraction of the whole that is done.

        Raises
        ------
        CalibrationError
            A routine did not converge: the old calibration stays installed.
        """
        from driver.calibration.laboratory import run_laboratory

        calibration = run_laboratory(self, progress=progress)
        self.load_calibration(calibration)
        return calibration

    def load_calibration(self, source: Calibration | str | Path) -> Calibration:
        """Install a calibration, from a file or as an object.

        Raises
        ------
        CalibrationError
            The file cannot be read, or is corrupt.
        CalibrationMismatchError
            It is another device's, or another profile's.
        """
        calibration = source if isinstance(source, Calibration) else Calibration.load(source)
        for name in ("serial", "profile_hash"):
            theirs, ours = getattr(calibration, name), getattr(self._info, name)
            if theirs != ours:
                raise CalibrationMismatchError(
                    f"the calibration is for {name} {theirs}; this device has {ours}: calibrate it"
                )
        self._install(calibration)
        self._calibration = calibration
        return calibration

    def _install(self, calibration: Calibration) -> None:
        data, _arrays = calibration_struct(calibration, self._info)
        with self._use() as handle:
            check(lib.odev_load_calibration(handle, data))

    def _warn_if_uncalibrated(self) -> None:
        if self._calibration is None and not self._warned and self._info.dac_bits:
            self._warned = True
            warnings.warn(
                f"device {self._info.serial} is not calibrated: results from nominal values are useless. "
                "Call calibrate() or load_calibration()",
                UncalibratedWarning,
                stacklevel=3,
            )

    # ---- the frame path -------------------------------------------------------------------

    def encode(self, x: Any, *, operand: Any = None, inverse: bool = False) -> Encoded:
        """Complex targets to heater codes, by inverting the calibrated model.

        Parameters
        ----------
        x : array
            (..., N, N) complex64 (or complex128, float32, float64).
        operand : array, optional
            Same shape as `x`: the second stage's target, so that the chip shows their product.
        inverse : bool
            Prepare for the inverse transform.

        Raises
        ------
        DTypeError, ShapeError, NonFiniteError
        """
        targets, second, shape, _ = self._targets(x, operand)
        codes = np.empty((len(targets), 2, 2, self.n, self.n), self._info.code_dtype)
        scale = np.empty(len(targets), np.float32)
        launch_step = np.empty(len(targets), np.uint8)
        self._warn_if_uncalibrated()
        if len(targets):
            job = struct(
                "odev_encode_job",
                items=len(targets),
                inverse=int(inverse),
                x=pointer(targets, np.complex64, "const float *"),
                operand=ffi.NULL if second is None else pointer(second, np.complex64, "const float *"),
                codes=pointer(codes, self._info.code_dtype, "void *"),
                scale=pointer(scale, np.float32, "float *"),
                launch_step=pointer(launch_step, np.uint8, "uint8_t *"),
            )
            with self._use() as handle:
                check(lib.odev_encode(handle, job))
        return Encoded(Codes(codes, launch_step), scale, launch_step, shape, inverse)

    def decode(self, counts: NDArray[Any], encoded: Encoded) -> NDArray[np.complex64]:
        """Counts of four-step exposures to complex spectra, with the calibrated maps.

        Parameters
        ----------
        counts : ndarray
            (n, 4, N, N) of ``info.count_dtype``, as `expose` gave them for ``encoded.codes``.
        encoded : Encoded
            What `encode` returned.

        Returns
        -------
        ndarray
            (..., N, N) complex64: the transform of what was encoded.  The drift since calibration is
            not corrected here: there is no pilot frame among these counts.
        """
        n, items = self.n, len(encoded.scale)
        array, _ = from_caller(counts, "counts")
        if array.dtype != self._info.count_dtype:
            raise DTypeError(f"counts have dtype {array.dtype}; this device gives {self._info.count_dtype}")
        if array.shape != (items, 4, n, n):
            raise ShapeError(f"counts have shape {array.shape}; they must be ({items}, 4, {n}, {n})")
        plain = np.ascontiguousarray(array)
        y = np.empty((items, n, n), np.complex64)
        if items:
            job = struct(
                "odev_decode_job",
                items=items,
                exposures=1,
                inverse=int(encoded.inverse),
                counts=pointer(plain, self._info.count_dtype, "const void *"),
                launch_step=pointer(encoded.launch_step, np.uint8, "const uint8_t *"),
                scale=pointer(encoded.scale, np.float32, "const float *"),
                y=pointer(y, np.complex64, "float *"),
            )
            with self._use() as handle:
                check(lib.odev_decode(handle, job))
        return y.reshape(*encoded.shape, n, n)

    def transform(
        self,
        x: Any,
        *,
        inverse: bool = False,
        operand: Any = None,
        exposure: str = "two_gain",
        residual: bool = False,
        track: bool = True,
        retries: int = RETRIES,
    ) -> Any:
        """Orthonormal two-dimensional Fourier transform, by light.

        Parameters
        ----------
        x : array
            (..., N, N) complex64 (or complex128, float32, float64); NumPy or torch CPU.
        inverse : bool
            The inverse transform: the forward one of the conjugate, conjugated.
        operand : array, optional
            Same shape as `x`: F(x * operand), multiplied by the chip's second stage.
        exposure : {"two_gain", "single", "averaged"}
            See `driver.exposure`.
        residual : bool
            Expose a second frame of what the first could not realise.
        track : bool
            Interleave pilot frames (4 %) and take out the drift that they show.
        retries : int
            How often a frame is repeated with less light when its dimmest exposure saturates.

        Returns
        -------
        array
            (..., N, N) complex64, of the kind that went in.

        Raises
        ------
        DTypeError, ShapeError, NonFiniteError, ValueRangeError
            Before any frame is exposed.
        CapabilityError
            The device detects intensity only.
        """
        if self._info.detection == "intensity":
            raise CapabilityError("this device detects intensity only: it has no phase to transform with")
        brighten = brightening(exposure, self._info.nominal.launch_step_db)
        if not isinstance(retries, int) or not 0 <= retries <= 8:
            raise ValueRangeError(f"retries={retries!r} must be 0 to 8")
        targets, second, shape, restore = self._targets(x, operand)
        y = np.empty((len(targets), self.n, self.n), np.complex64)
        self._warn_if_uncalibrated()
        if len(targets):
            job = struct(
                "odev_transform_job",
                items=len(targets),
                threads=self.threads,
                inverse=int(inverse),
                residual=int(residual),
                exposures=len(brighten),
                retries=retries,
                pilot_period=PILOT_PERIOD if track and self._calibration is not None else 0,
                pilot_max_age_ns=round(PILOT_MAX_AGE_S * 1e9),
                exposure_ns=self._exposure_ns(None),
                laser_on=1,
                x=pointer(targets, np.complex64, "const float *"),
                operand=ffi.NULL if second is None else pointer(second, np.complex64, "const float *"),
                y=pointer(y, np.complex64, "float *"),
            )
            job.brighten[0 : len(brighten)] = list(brighten)
            with self._use() as handle:
                check(lib.odev_run_transform(handle, job, ffi.NULL))
        return restore(y.reshape(*shape, self.n, self.n))

    def _targets(
        self, x: Any, operand: Any
    ) -> tuple[NDArray[np.complex64], NDArray[np.complex64] | None, tuple[int, ...], Callable[..., Any]]:
        array, restore = from_caller(x, "x")
        targets = complex_frames(array, self.n, "x")
        if operand is None:
            return targets, None, array.shape[:-2], restore
        second, _ = from_caller(operand, "operand")
        if second.shape != array.shape:
            raise ShapeError(f"operand has shape {second.shape}; it must be x's, {array.shape}")
        return targets, complex_frames(second, self.n, "operand"), array.shape[:-2], restore

    def convolve2d(self, x: Any, w: Any, **options: Any) -> Any:
        """Two-dimensional convolution by light; see `driver.convolution.convolve2d`."""
        from driver.convolution import convolve2d

        return convolve2d(self, x, w, **options)
