"""An open device: expose, encode, decode, transform, convolve, calibrate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from driver import boundary, frames
from driver.calibration.calibration import Calibration
from driver.calibration.report import RoutineReport
from driver.encoded import Encoded
from driver.exposure import RETRIES
from driver.info import DeviceInfo
from driver.installed import InstalledCalibration
from driver.job import Job
from driver.jobs import Jobs
from driver.library import check, lib
from driver.life import DeviceLife
from driver.light import lit_job
from driver.numbers import real
from driver.params import Params
from driver.result import JobResult
from driver.running import in_turn
from driver.session_state import SessionState, restore_session, save_session
from driver.telemetry import Telemetry, Tracked, read_telemetry, read_tracked
from driver.threads import default_threads
from driver.ticket import Ticket

__all__ = ["Device"]


class Device(DeviceLife):
    """A device opened by `open_device`.

    Any thread may call any method; jobs run one after another in the order of their calls.  A
    device is closed by ``close()`` or at the end of a ``with`` block.  Ctrl-C aborts the job that
    its thread waits for, and leaves the device usable.

    Attributes
    ----------
    params : Params
        Typed parameters by name, such as ``params["laser_enabled"]``.
    """

    def __init__(
        self, handle: Any, info: DeviceInfo, *, uri: str, threads: int | None = None
    ) -> None:
        super().__init__(handle, info.serial)
        self._info = info
        self._threads = threads
        self._uri = uri
        self._calibration = InstalledCalibration(self._handle, info)
        self._jobs = Jobs(self._handle, self._calibration)
        self.params = Params(self._handle)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "calibrated" if self.calibration else "uncalibrated"
        return f"<Device {self._uri} {self._info.serial} {self.n}x{self.n} {state}>"

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
        return self._calibration.measured

    @property
    def last_result(self) -> JobResult | None:
        """Times, counters and flags of this thread's last job, also of one that failed.

        A job is one `expose`, one `transform`, or one `convolve2d` with all its transforms.
        """
        return self._jobs.last.value

    def one_job(self) -> AbstractContextManager[None]:
        """One job that needs light of all that this thread does inside (`driver.light`)."""
        return lit_job(self.params, self._jobs.last, lambda: self.tracked.drift_amplitude)

    def telemetry(self) -> Telemetry:
        """Clock, sensors and counters."""
        return read_telemetry(self._handle, calibrated=self.calibration is not None)

    @property
    def tracked(self) -> Tracked:
        """How well the pilots know the phase, and the amplitude of the last; of `telemetry`."""
        return read_tracked(self._handle)

    def expose(
        self,
        codes: Any,
        reference: str = "steps",
        exposure_us: float | None = None,
        *,
        laser: str = "on",
        launch_step: Any = None,
        out: Any = None,
    ) -> Any:
        """Set the heaters and expose the camera: the raw device boundary.

        Parameters
        ----------
        codes : array
            (n, 2, 2, N, N) of ``info.code_dtype``: stages a and b, heaters theta and phi.
        reference : {"steps", "off", "only"}
            Exposures at all of the reference's steps (`DeviceInfo.reference_steps`); one without
            reference; one of it alone.
        exposure_us : float, optional
            Exposure of each step [us]; the profile's by default.
        laser : {"on", "off"}
            Light or darkness.
        launch_step : int or array of int, optional
            Setting of the signal arm's attenuator, for all frames, (n,), or (n, E) for E
            exposures of each frame; by default what the codes were encoded for, else the
            profile's setting.
        out : array, optional
            Where the counts go: of the result's shape and dtype, contiguous, and no input.

        Returns
        -------
        array
            (n, steps, N, N) of ``info.count_dtype``; (n, E, steps, N, N) for (n, E) `launch_step`.
            NumPy or torch, as the codes; or `out`.

        Raises
        ------
        DTypeError, ShapeError, ValueRangeError
            Before any frame is exposed.
        """
        job = self._expose_job(codes, reference, exposure_us, laser, launch_step, out)
        return self._jobs.run(job, self)

    def submit_expose(
        self,
        codes: Any,
        reference: str = "steps",
        exposure_us: float | None = None,
        *,
        laser: str = "on",
        launch_step: Any = None,
        out: Any = None,
    ) -> Ticket:
        """`expose` in the background: checked now, run in its turn.

        Raises what `expose` raises before any frame is exposed.
        """
        job = self._expose_job(codes, reference, exposure_us, laser, launch_step, out)
        return self._jobs.submit(job, self)

    def _expose_job(
        self, codes: Any, reference: str, exposure_us: Any, laser: str, launch_step: Any, out: Any
    ) -> Job:
        return boundary.expose_job(
            self._info,
            codes,
            reference=reference,
            exposure_us=exposure_us,
            laser=laser,
            launch_step=launch_step,
            threads=self.threads,
            out=out,
        )

    def idle(self, seconds: float) -> None:
        """Let device time pass [s]."""
        duration = real(seconds, "seconds", 0.0, 1e9, "s")
        with in_turn(self._handle) as handle:
            check(lib.odev_idle(handle, round(duration * 1e9)))

    def session_state(self) -> SessionState:
        """Where this session stands: a device opened alike can `restore` it and go on.

        Raises
        ------
        CapabilityError
            The device is not reproducible, as hardware is not: its clock is its own.
        """
        return save_session(self._handle, self._info)

    def restore(self, state: SessionState) -> None:
        """Go on from where another session of this device stood.

        With the same calibration loaded (before: loading one forgets the last pilot) and the same
        parameters set, every count is then what it would have been in that session.

        Raises
        ------
        CapabilityError, ValueRangeError, ShapeError
            The device is not reproducible; it is another device's state, or not one.
        """
        restore_session(self._handle, self._info, state)

    def calibrate(
        self,
        *,
        twin: bool = False,
        progress: Callable[[str, float], None] | None = None,
        on_report: Callable[[RoutineReport], None] | None = None,
    ) -> Calibration:
        """Measure the device through its boundary; install and return what was found.

        Parameters
        ----------
        twin : bool
            Refine all parameters together through the differentiable model, which takes longer than
            all else and needs torch; what it finds is kept where it predicts new frames better.
        progress : callable, optional
            Called with a routine's name and the fraction of the whole that is done.
        on_report : callable, optional
            Called with every routine's report as it ends: values, uncertainties, plots, verdict.

        Raises
        ------
        CalibrationError
            A routine failed: the old calibration stays installed.
        """
        from driver.calibration.laboratory import required, run_laboratory

        laboratory = run_laboratory(self, twin=twin, progress=progress, on_report=on_report)
        return self.load_calibration(required(laboratory))

    def load_calibration(self, source: Calibration | str | Path) -> Calibration:
        """Install a calibration, from a file or as an object.

        Raises
        ------
        CalibrationError
            The file cannot be read or is corrupt, or a field of the calibration is out of its
            range (`driver.calibration.validation`).  The old calibration stays installed.
        CalibrationMismatchError
            It is another device's, or another profile's.
        """
        calibration = source if isinstance(source, Calibration) else Calibration.load(source)
        self._calibration.install(calibration)
        return calibration

    def encode(self, x: Any, *, operand: Any = None, inverse: bool = False) -> Encoded:
        """Complex targets to heater codes, by inverting the calibrated model.

        Parameters
        ----------
        x : array
            (..., N, N) complex64 (or complex128, float32, float64).
        operand : array, optional
            Same shape as `x`: the second stage's target, so that the chip shows their product; a
            device of layout 4f must have one.
        inverse : bool
            Prepare for the inverse transform.

        Raises
        ------
        DTypeError, ShapeError, NonFiniteError
        CapabilityError
            The device detects intensity only, or has layout 4f and gets no operand.
        """
        self._calibration.warn_without()
        return frames.encode(self._handle, self._info, x, operand=operand, inverse=inverse)

    def decode(self, counts: Any, encoded: Encoded) -> Any:
        """Counts of all steps to complex spectra, with the calibrated maps.

        Parameters
        ----------
        counts : array
            (n, steps, N, N) of ``info.count_dtype``, as `expose` gave them for ``encoded.codes``.
        encoded : Encoded
            What `encode` returned.

        Returns
        -------
        array
            (..., N, N) complex64: the transform of what was encoded, NumPy or torch as that was.
            The drift since calibration is not corrected here: no pilot is among these counts.

        Raises
        ------
        DTypeError, ShapeError
        """
        return frames.decode(self._handle, self._info, counts, encoded)

    def transform(
        self,
        x: Any,
        *,
        inverse: bool = False,
        operand: Any = None,
        exposure: str = "two_gain",
        residual: bool = False,
        pack: bool = False,
        track: bool = True,
        retries: int = RETRIES,
        out: Any = None,
    ) -> Any:
        """Orthonormal two-dimensional Fourier transform, by light.

        Parameters
        ----------
        x : array
            (..., N, N) complex64 (or complex128, float32, float64); NumPy or torch CPU.
        inverse : bool
            The inverse transform: the forward one of the conjugate, conjugated.
        operand : array, optional
            Same shape as `x`: F(x * operand), multiplied by the chip's second stage; on a device
            of layout 4f F(operand * F(x)), which must have one.
        exposure : {"two_gain", "single", "averaged"}
            See `driver.exposure`.
        residual : bool
            Expose a second frame of what the first could not realise; with an operand, of what the
            first stage could not.
        pack : bool
            Send two real pictures (or, with `inverse`, their spectra) in each complex frame: half
            the frames, but a phase error acts in first order.  Not with an operand.
        track : bool
            Interleave pilot frames (4 %) and take out the drift that they show; without a
            calibration there is no pilot.
        retries : int
            How often a frame is repeated with less light when its dimmest exposure saturates.
        out : array, optional
            Where the result goes: of its shape, complex64, contiguous, and no input.  Not with
            `pack`.

        Returns
        -------
        array
            (..., N, N) complex64, of the kind that went in; or `out`.  A result beyond float32's
            range is infinite, as torch's would be.

        Raises
        ------
        DTypeError, ShapeError, NonFiniteError, ValueRangeError
            Before any frame is exposed.
        CapabilityError
            The device detects intensity only, or an operand came with `pack`, or `out` with
            `pack`; or none came to a device of layout 4f.
        """
        job = self._transform_job(
            x,
            inverse=inverse,
            operand=operand,
            exposure=exposure,
            residual=residual,
            pack=pack,
            track=track,
            retries=retries,
            out=out,
        )
        return self._jobs.run(job, self)

    def submit_transform(self, x: Any, **options: Any) -> Ticket:
        """`transform`, with its options, in the background: checked now, run in its turn.

        Raises what `transform` raises before any frame is exposed.
        """
        return self._jobs.submit(self._transform_job(x, **options), self)

    def _transform_job(self, x: Any, **options: Any) -> Job:
        self._calibration.warn_without()
        has_pilot = self.calibration is not None
        return frames.transform_job(
            self._info, x, has_pilot=has_pilot, threads=self.threads, **options
        )

    def convolve2d(self, x: Any, w: Any, bias: Any = None, **options: Any) -> Any:
        """Two-dimensional convolution by light; see `driver.convolution.convolve2d`."""
        from driver.convolution import convolve2d

        return convolve2d(self, x, w, bias, **options)

    def convolve2d_gradients(
        self, grad_output: Any, x: Any, w: Any, **options: Any
    ) -> tuple[Any, Any]:
        """Gradients of `convolve2d` by light; see `driver.gradients.convolve2d_gradients`."""
        from driver.gradients import convolve2d_gradients

        return convolve2d_gradients(self, grad_output, x, w, **options)

    def convolve2d_twin_gradients(
        self, grad_output: Any, x: Any, w: Any, **options: Any
    ) -> tuple[Any, Any]:
        """Gradients through the calibrated model; see `driver.twin_gradients`."""
        from driver.twin_gradients import convolve2d_twin_gradients

        return convolve2d_twin_gradients(self, grad_output, x, w, **options)
