"""The golden model: batches of frames as a pure function, and a device that holds state around it.

The physics is in `optical_device.stages`; here are the boundary's checks, the order of frames, and
the noise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optical_device import modulator
from optical_device.fabrication import Fabrication, fabricate
from optical_device.illumination import (
    Laser,
    Reference,
    frame_duration_ns,
    illumination,
    step_count,
)
from optical_device.noise import Stream, scalar_normals
from optical_device.profile import Profile
from optical_device.stages import (
    Surroundings,
    camera_noise,
    chip_field,
    chip_temperature_k,
    detect,
    heater_powers,
    mean_electrons,
    sensor_readings,
    settled_phases,
    spectrum,
    steady_phases,
    surroundings,
)

__all__ = ["GoldenDevice", "OverTemperature", "expose_frames"]

_FRAMES_AT_ONCE = 4  # 4 frames of 64 x 64 with their temporaries stay in the second-level cache


class OverTemperature(RuntimeError):  # noqa: N818 - it is named after the driver's error code
    """A chip would pass the interlock's temperature: the heaters are off, the job's counts void."""


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
    reference : "steps" (all phases), "off" (signal alone) or "only" (reference alone)
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
    OverTemperature
        A frame heats a chip above the profile's interlock.
    """
    profile = fabrication.profile
    if exposure_us is None:
        exposure_us = profile.timing.exposure_us
    _check_codes(profile, codes)
    _check_settings(profile, reference, exposure_us, laser)
    launch, has_exposures = _launch_steps(profile, launch_step, len(codes))
    n = profile.device.n
    exposures, steps = launch.shape[1], step_count(profile, reference)
    duration = frame_duration_ns(profile, reference, exposures, exposure_us)
    dtype = np.uint16 if profile.device.adc_bits else np.float32
    counts = np.empty((len(codes), exposures, steps, n, n), dtype)

    before = np.zeros((2, 2, n, n), codes.dtype) if previous_codes is None else previous_codes
    last = steady_phases(fabrication, _powers(fabrication, before))[None]
    for start in range(0, len(codes), _FRAMES_AT_ONCE):
        power = _powers(fabrication, codes[start : start + _FRAMES_AT_ONCE])
        frames = range(start, start + len(power))
        around = _surroundings(fabrication, [start_ns + f * duration for f in frames])
        _check_temperature(fabrication, power, around, first_frame + start)
        steady = steady_phases(fabrication, power)
        psi = settled_phases(fabrication, steady, np.concatenate([last, steady[:-1]]))
        last = steady[-1:]
        field = chip_field(fabrication, psi, around)
        spectra = spectrum(fabrication, field, around.wavelength_pm)
        for f in frames:
            light = illumination(
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
            noise = camera_noise(fabrication, first_frame + f, exposures, steps)
            mean_e = mean_electrons(fabrication, spectra[f - start], light, exposure_us)
            counts[f] = detect(fabrication, mean_e, noise)
    return counts if has_exposures else counts[:, 0]


def _powers(fabrication: Fabrication, codes: NDArray[Any]) -> NDArray[np.float64]:
    """Heater powers of codes, of their shape [mW]."""
    drive = modulator.drive_fraction(codes, fabrication.profile.device.dac_bits)
    return np.asarray(heater_powers(fabrication, drive))


def _surroundings(fabrication: Fabrication, start_ns: list[int]) -> Surroundings:
    """What surrounds several frames, as arrays."""
    each = [surroundings(fabrication, ns) for ns in start_ns]
    return Surroundings(
        ambient_k=np.array([one.ambient_k for one in each]),
        gradient_row_k=np.array([one.gradient_row_k for one in each]),
        gradient_column_k=np.array([one.gradient_column_k for one in each]),
        wavelength_pm=np.array([one.wavelength_pm for one in each]),
    )


def _check_temperature(
    fabrication: Fabrication, power: NDArray[Any], around: Surroundings, first_frame: int
) -> None:
    limit_k = fabrication.profile.thermal.interlock_k
    chip_k = np.asarray(chip_temperature_k(fabrication, power, around.ambient_k))
    over = np.flatnonzero(chip_k > limit_k)
    if over.size and not math.isinf(limit_k):
        raise OverTemperature(
            f"frame {first_frame + over[0]} would heat the chip to {chip_k[over[0]]:.2f} K, above "
            f"the interlock at {limit_k:g} K: heaters are off and the job's counts are void"
        )


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
        """Expose a batch of frames; see `expose_frames` for arguments, result and errors.

        A batch that trips the interlock takes its time all the same, and leaves the heaters off.
        """
        try:
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
        except OverTemperature:
            self._pass(len(codes), reference, exposure_us, launch_step)
            self._last_codes = None
            raise
        self._pass(len(codes), reference, exposure_us, launch_step)
        if len(codes):
            self._last_codes = codes[-1].copy()
        return counts

    def _pass(
        self,
        frames: int,
        reference: Reference,
        exposure_us: float | None,
        launch_step: int | NDArray[Any] | None,
    ) -> None:
        """Count a batch and let its time pass."""
        table = np.asarray(0 if launch_step is None else launch_step)
        exposures = table.shape[1] if table.ndim == 2 else 1
        each = self.profile.timing.exposure_us if exposure_us is None else exposure_us
        self.frames += frames
        self.device_time_ns += frames * frame_duration_ns(self.profile, reference, exposures, each)

    def idle(self, seconds: float) -> None:
        """Let device time pass; the heaters keep their last setting."""
        if not seconds >= 0.0:
            raise ValueError(f"seconds={seconds} must not be negative")
        self.device_time_ns += round(seconds * 1e9)

    def sensors(self, laser_mw: float | None = None) -> tuple[float, float]:
        """Readings of the temperature sensor [K] and the laser monitor [mW], noise and all.

        Each reading has noise of its own.
        """
        f, n = self.fabrication, self.profile.device.n
        noise = scalar_normals(f.seed, self.frames, Stream.SENSORS, index=self._readings)[0]
        self._readings += 1
        power = np.zeros((2, 2, n, n)) if self._last_codes is None else _powers(f, self._last_codes)
        chip_k, monitor_mw = sensor_readings(f, power, self.device_time_ns, noise, laser_mw)
        return float(chip_k), float(monitor_mw)
