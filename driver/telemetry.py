"""What a device reports of itself."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Telemetry"]


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
    drift_amplitude: float
    """Amplitude of the last pilot against its calibration; 1 before the first."""
    calibrated: bool
    """Whether a measured calibration is installed."""
    threads: int
    """Threads that the last job ran on."""
