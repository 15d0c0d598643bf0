"""What the monitor reads off a device, and what it remembers of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from driver import Device, Telemetry

__all__ = ["HISTORY", "History", "Reading", "read"]

HISTORY = 120
"""Readings that the curves show at most."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a device."""

    host_s: float
    """Since the monitor was started [s]."""
    telemetry: Telemetry
    laser_enabled: bool
    """Whether the laser is switched on."""
    laser_set_mw: float
    """What it's set to [mW]."""
    frames_per_s: float
    """Frames exposed in a second of the host's, since the reading before."""
    device_per_host: float
    """Device time passed in a second of the host's, since the reading before."""

    @property
    def flags(self) -> list[str]:
        """What a person should know, by the names of the C interface where it has one."""
        told = self.telemetry
        flags = {
            "SATURATED": told.saturated,
            "CALIBRATION_STALE": told.calibration_stale,
            "OVER_TEMPERATURE": told.over_temperature,
            "CLOCK_JUMPED": told.clock_jumps > 0,
            "INTERLOCK": told.interlock,
            "UNCALIBRATED": not told.calibrated,
            "LASER_OFF": not self.laser_enabled,
            "FAULTS": told.faults > 0,
        }
        return [name for name, is_set in flags.items() if is_set]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the telemetry's fields beside the reading's own."""
        values = {name: value for name, value in asdict(self).items() if name != "telemetry"}
        return {**values, **asdict(self.telemetry), "flags": self.flags}


class History:
    """The last readings of a device."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque(maxlen=HISTORY)
        self._start = time.monotonic()

    def __iter__(self) -> Iterator[Reading]:
        return iter(self._readings)

    @property
    def last(self) -> Reading:
        """The newest."""
        return self._readings[-1]

    def look(self, device: Device) -> Reading:
        """Take a reading and remember it."""
        before = self._readings[-1] if self._readings else None
        self._readings.append(read(device, before, time.monotonic() - self._start))
        return self.last


def read(device: Device, before: Reading | None, host_s: float) -> Reading:
    """Ask a device; it answers at once, even while it works."""
    told = device.telemetry()
    frames_per_s = device_per_host = 0.0
    if before is not None and host_s > before.host_s:
        passed = host_s - before.host_s
        frames_per_s = (told.frames - before.telemetry.frames) / passed
        device_per_host = (told.device_time_s - before.telemetry.device_time_s) / passed
    return Reading(
        host_s=host_s,
        telemetry=told,
        laser_enabled=bool(device.params["laser_enabled"]),
        laser_set_mw=float(device.params["laser_mw"]),
        frames_per_s=frames_per_s,
        device_per_host=device_per_host,
    )
