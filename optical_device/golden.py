"""The golden model: batches of frames as a pure function, and a device that holds state around it.

The physics is in `optical_device.stages`; here are the boundary's checks, the order of frames, and
the noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optical_device import modulator
from optical_device.drift import Drift, drift
from optical_device.fabrication import Fabrication, fabricate
from optical_device.noise import Stream, camera_normals, scalar_normals
from optical_device.profile import Profile
from optical_device.stages import (
    Laser,
    Reference,
    chip_field,
    detect,
    frame_duration_ns,
    heater_powers,
    illumination,
    mean_electrons,
    settled_phases,
    spectrum,
    steady_phases,
    step_count,
)

__all__ = ["GoldenDevice", "expose_frames"]

_FRAMES_AT_ONCE = 4  # 4 frames of 64 x 64 with their temporaries stay in the second-level cache


def expose_frames(
    fabrication: Fabrication,
    codes: NDArray[Any],
    *,
    previous_codes: NDArray[Any] | None = None,
    first_frame: int = 0,
    start_ns: int = 0,
    reference: Reference = "steps",
    exposure_us: float | None = None,
    launch_step: int | NDArray[Any] | None = None,
    laser: Laser = "on",
    laser_mw: float | None = None,
    reference_fraction: float | None = None,
) -> NDArray[Any]:
    """Counts of a batch of frames: a pure function of its arguments.

    Parameters
    ----------
    codes : (n, 2, 2, N, N) uint16 below 2^dac_bits, or float32 in [0, 1] with ``dac_bits=0``
        By frame, stage and heater.
    previous_codes : (2, 2, N, N)
        Codes of the frame before the first; all 0 by default.
    first_frame, start_ns : int
        Index of the first frame since opening, and device time of its start [ns].
    reference : "steps" (four phases), "off" (signal alone) or "only" (reference alone)
    exposure_us : float
        Exposure of every step [us]; the profile's by default.
    launch_step : int, (n,) or (n, E) integers
        Step of the launch attenuator; with (n, E), E exposures of each frame.
    laser_mw, reference_fraction : float
        Settings that replace the profile's.

    Returns
    -------
    (n, steps, N, N), or (n, E, steps, N, N) for a `launch_step` of shape (n, E)
        uint16, or float32 with ``adc_bits=0``.

    Raises
    ------
    TypeError, ValueError
        Codes or settings of a wrong type, shape or range.
    """
    profile = fabrication.profile
    if exposure_us is None:
        exposure_us = profile.timing.exposure_us
    _check_codes(profile, codes)
    _check_settings(profile, reference, exposure_us, laser)
    launch, has_exposures = _launch_steps(profile, launch_step, len(codes))
    n, bits = profile.device.n, profile.device.dac_bits
    exposures, steps = launch.shape[1], step_count(reference)
    duration = frame_duration_ns(profile, reference, exposures, exposure_us)
    dtype = np.uint16 if profile.device.adc_bits else np.float32
    counts = np.empty((len(codes), exposures, steps, n, n), dtype)
    noisy = profile.camera.shot_noise or fabrication.read_noise_e > 0.0

    before = np.zeros((2, 2, n, n), codes.dtype) if previous_codes is None else previous_codes
    for start, psi in _settled_blocks(fabrication, codes, before, bits):
        lights = [
            illumination(
                fabrication,
                frame=first_frame + f,
                start_ns=start_ns + f * duration,
                launch_steps=launch[f],
                reference=reference,
                exposure_us=exposure_us,
                laser=laser,
                laser_mw=laser_mw,
                reference_fraction=reference_fraction,
            )
            for f in range(start, start + len(psi))
        ]
        ambient_k = np.array([light.ambient_k for light in lights])[:, None, None]
        spectra = spectrum(fabrication, chip_field(fabrication, psi, ambient_k))
        for i, light in enumerate(lights):
            frame = first_frame + start + i
            normals = (
                camera_normals(fabrication.seed, frame, n, exposures, steps) if noisy else None
            )
            mean_e = mean_electrons(fabrication, spectra[i], light, exposure_us)
            counts[start + i] = detect(fabrication, mean_e, normals)
    return counts if has_exposures else counts[:, 0]


def _settled_blocks(
    fabrication: Fabrication, codes: NDArray[Any], before: NDArray[Any], bits: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """First index and settled phases of blocks of consecutive frames."""

    def steady_of(block: NDArray[Any]) -> Any:
        drive = modulator.drive_fraction(block, bits)
        return steady_phases(fabrication, heater_powers(fabrication, drive))

    last = steady_of(before)[None]
    for start in range(0, len(codes), _FRAMES_AT_ONCE):
        steady = steady_of(codes[start : start + _FRAMES_AT_ONCE])
        previous = np.concatenate([last, steady[:-1]])
        last = steady[-1:]
        yield start, settled_phases(fabrication, steady, previous)


def _check_codes(profile: Profile, codes: NDArray[Any]) -> None:
    n, bits = profile.device.n, profile.device.dac_bits
    wanted = np.dtype(np.uint16 if bits else np.float32)
    if not isinstance(codes, np.ndarray) or codes.dtype != wanted:
        found = getattr(codes, "dtype", type(codes).__name__)
        raise TypeError(f"codes must be a NumPy array of {wanted}, not {found}")
    if codes.ndim != 5 or codes.shape[1:] != (2, 2, n, n):
        raise ValueError(f"codes must have shape (n, 2, 2, {n}, {n}), not {codes.shape}")
    largest = 2**bits - 1 if bits else 1
    if codes.size and not (codes.min() >= 0 and codes.max() <= largest):
        raise ValueError(f"codes must lie within [0, {largest}]")


def _check_settings(
    profile: Profile, reference: Reference, exposure_us: float, laser: Laser
) -> None:
    timing = profile.timing
    if reference not in ("steps", "off", "only"):
        raise ValueError(f"reference={reference!r} must be 'steps', 'off' or 'only'")
    if reference != "off" and profile.device.detection == "intensity":
        raise ValueError("a device with intensity detection has no reference; use 'off'")
    if laser not in ("on", "off"):
        raise ValueError(f"laser={laser!r} must be 'on' or 'off'")
    if not timing.exposure_min_us <= exposure_us <= timing.exposure_max_us:
        raise ValueError(
            f"exposure_us={exposure_us} must lie within "
            f"[{timing.exposure_min_us}, {timing.exposure_max_us}]"
        )


def _launch_steps(
    profile: Profile, launch_step: int | NDArray[Any] | None, frames: int
) -> tuple[NDArray[np.int64], bool]:
    """Launch steps as (frames, E), and whether the caller gave an axis of exposures."""
    given = profile.source.launch_default_step if launch_step is None else launch_step
    steps = np.asarray(given)
    if steps.dtype.kind not in "iu":
        raise TypeError(f"launch_step must be of integers, not {steps.dtype}")
    fits = steps.ndim == 0 or (steps.ndim <= 2 and len(steps) == frames)
    if not fits or (steps.ndim == 2 and steps.shape[1] == 0):
        raise ValueError(
            f"launch_step must be an integer or of shape ({frames},) or ({frames}, E), "
            f"not {steps.shape}"
        )
    if steps.size and not (steps.min() >= 0 and steps.max() < profile.source.launch_steps):
        raise ValueError(f"launch_step must lie within [0, {profile.source.launch_steps - 1}]")
    table = steps if steps.ndim == 2 else np.broadcast_to(steps, (frames,))[:, None]
    return table.astype(np.int64), steps.ndim == 2


class GoldenDevice:
    """The device as it stands on the table: frames count, time passes, heat lingers.

    Parameters
    ----------
    profile : Profile
    seed : int
        Seed of the fabrication and of the noise.
    """

    def __init__(self, profile: Profile, seed: int) -> None:
        self.fabrication = fabricate(profile, seed)
        self.frames = 0
        """Frames exposed since opening."""
        self.device_time_ns = 0
        """Device time since opening [ns]."""
        self._last_codes: NDArray[Any] | None = None
        self._readings = 0

    @property
    def profile(self) -> Profile:
        return self.fabrication.profile

    def expose(
        self,
        codes: NDArray[Any],
        reference: Reference = "steps",
        exposure_us: float | None = None,
        launch_step: int | NDArray[Any] | None = None,
        laser: Laser = "on",
        laser_mw: float | None = None,
        reference_fraction: float | None = None,
    ) -> NDArray[Any]:
        """Expose a batch of frames; see `expose_frames` for arguments, result and errors."""
        counts = expose_frames(
            self.fabrication,
            codes,
            previous_codes=self._last_codes,
            first_frame=self.frames,
            start_ns=self.device_time_ns,
            reference=reference,
            exposure_us=exposure_us,
            launch_step=launch_step,
            laser=laser,
            laser_mw=laser_mw,
            reference_fraction=reference_fraction,
        )
        if len(codes):
            exposures = counts.shape[1] if counts.ndim == 5 else 1
            each = self.profile.timing.exposure_us if exposure_us is None else exposure_us
            duration = frame_duration_ns(self.profile, reference, exposures, each)
            self.frames += len(codes)
            self.device_time_ns += len(codes) * duration
            self._last_codes = codes[-1].copy()
        return counts

    def idle(self, seconds: float) -> None:
        """Let device time pass; the heaters keep their last setting."""
        if not seconds >= 0.0:
            raise ValueError(f"seconds={seconds} must not be negative")
        self.device_time_ns += round(seconds * 1e9)

    def sensors(self, laser_mw: float | None = None) -> tuple[float, float]:
        """Readings of the temperature sensor [K] and the laser monitor [mW], noise and all.

        Each reading has noise of its own.
        """
        f, p = self.fabrication, self.profile
        t_s = self.device_time_ns * 1e-9
        value, _ = drift(t_s, f.drift_amplitude, f.drift_omega_rad_per_s, f.drift_phase_rad)
        noise = scalar_normals(f.seed, self.frames, Stream.SENSORS, index=self._readings)[0]
        self._readings += 1
        temperature_k = p.thermal.ambient_k + value[Drift.AMBIENT] + f.sensor_offset_k
        set_mw = p.source.laser_mw if laser_mw is None else laser_mw
        monitor_mw = set_mw * (1.0 + value[Drift.LASER_POWER]) * f.monitor_gain
        return (
            float(temperature_k + p.thermal.sensor_noise_k * noise[0]),
            float(monitor_mw * (1.0 + p.source.monitor_noise * noise[1])),
        )
