"""What a device reports of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from driver.handle import Handle
from driver.library import check, lib, struct

__all__ = ["Telemetry", "Tracked", "read_telemetry", "read_tracked"]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A device's clock, sensors and counters.  Sensors have noise and an offset of their own."""

    device_time_s: float
    """Since the device was opened [s]."""
    temperature_k: float
    """Chip carrier's thermometer [K]."""
    laser_mw: float
    """Laser monitor [mW]."""
    frames: int
    """Frames exposed, pilots and retries included."""
    exposures: int
    """Camera readouts."""
    pilots: int
    """Pilot frames among the frames."""
    retries: int
    """Frames repeated with less light because they saturated."""
    saturations: int
    """Bins still saturated in a frame's dimmest exposure when its result was returned."""
    faults: int
    """Jobs that the backend failed."""
    drift_phase_rad: float
    """Phase of the last pilot against its calibration [rad]; 0 before the first."""
    phase_sigma_rad: float
    """How well the phase between pilots is known, by how the last ones scatter [rad]; 0 before."""
    drift_amplitude: float
    """Amplitude of the last pilot against its calibration; 1 before the first."""
    calibrated: bool
    """Whether a measured calibration is installed."""
    threads: int
    """Threads that the last job ran on."""
    lost_frames: int
    """Frames exposed in vain: dropped, short or unanswered, and repeated."""
    clock_jumps: int
    """Times that the device's own clock left its timing."""
    interlock: bool
    """Whether the laser has tripped and not been enabled since."""
    queued: int
    """Jobs that run or wait to."""
    saturated: bool
    """Flag SATURATED of the last exposure or transform."""
    calibration_stale: bool
    """Flag CALIBRATION_STALE of it, by the pilot's amplitude alone."""
    over_temperature: bool
    """Flag OVER_TEMPERATURE of it: the interlock stopped it."""
    pilot_age_s: float | None
    """Device time since the last pilot [s]; None before the first."""


class Tracked(NamedTuple):
    """What the pilots say of the light: of `Telemetry`, what a convolution needs."""

    phase_sigma_rad: float
    drift_amplitude: float


def read_tracked(handle: Handle) -> Tracked:
    """Without asking the sensors."""
    data = struct("odev_telemetry_data")
    with handle.use() as device:
        check(lib.odev_counters(device, data))
    return Tracked(data.phase_sigma_rad, data.drift_amplitude)


def read_telemetry(handle: Handle, *, calibrated: bool) -> Telemetry:
    """Ask a device; it answers at once, even while a job runs."""
    data = struct("odev_telemetry_data")
    with handle.use() as device:
        check(lib.odev_telemetry(device, data))
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
        phase_sigma_rad=data.phase_sigma_rad,
        drift_amplitude=data.drift_amplitude,
        calibrated=calibrated,
        threads=data.threads,
        lost_frames=data.lost,
        clock_jumps=data.clock_jumps,
        interlock=bool(data.interlock),
        queued=data.queued,
        saturated=bool(data.flags & lib.ODEV_FLAG_SATURATED),
        calibration_stale=bool(data.flags & lib.ODEV_FLAG_CALIBRATION_STALE),
        over_temperature=bool(data.flags & lib.ODEV_FLAG_OVER_TEMPERATURE),
        pilot_age_s=1e-9 * (data.device_time_ns - data.pilot_time_ns)
        if data.pilot_time_ns >= 0
        else None,
    )
