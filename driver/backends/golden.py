"""The golden model behind the boundary: the physics as it is written to be read, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from driver.backends.emulator import data_sheet, fabricated
from driver.backends.made import Made
from driver.backends.python import Block, Reading, make_from_object
from driver.errors import OverTemperatureError
from driver.info import DeviceInfo
from driver.library import lib
from optical_device.golden import OverTemperature, expose_frames
from optical_device.modulator import drive_fraction
from optical_device.noise import Stream, scalar_normals
from optical_device.stages import heater_powers, sensor_readings

__all__ = ["GoldenBackend", "make_golden"]


class GoldenBackend:
    """A fabricated device; clock, frame counter and what the heaters hold are the core's."""

    def __init__(self, name: str, seed: int, overrides: Mapping[str, Any]) -> None:
        self._fabrication = fabricated(name, seed, overrides)
        profile = self._fabrication.profile
        sheet = data_sheet(profile, self._fabrication.serial)
        self.info: DeviceInfo = replace(sheet, reproducible=True)
        self.laser_nominal_mw = profile.source.laser_nominal_mw
        self.laser_max_mw = 2.0 * self.laser_nominal_mw

    @property
    def settings(self) -> dict[int, float]:
        """What the profile sets the light to."""
        profile = self._fabrication.profile
        return {
            lib.ODEV_PARAM_LASER_MW: profile.source.laser_mw,
            lib.ODEV_PARAM_REFERENCE_FRACTION: profile.reference.fraction,
        }

    def execute(self, block: Block) -> None:
        """Expose frames, by `optical_device.golden.expose_frames`."""
        try:
            block.counts[...] = expose_frames(
                self._fabrication,
                block.codes,
                previous_codes=block.previous_codes,
                first_frame=block.first_frame,
                start_ns=block.start_ns,
                reference=block.reference,  # type: ignore[arg-type]  # one of its three
                exposure_us=block.exposure_ns / 1000.0,
                launch_step=block.launch_step,
                laser="on" if block.laser_on else "off",
                laser_mw=block.laser_mw,
                reference_fraction=block.reference_fraction,
            )
        except OverTemperature as error:
            raise OverTemperatureError(str(error)) from error

    def sensors(self, reading: Reading) -> tuple[float, float]:
        """Temperature [K] and laser power [mW]."""
        f = self._fabrication
        noise = scalar_normals(f.seed, reading.frames, Stream.SENSORS, index=reading.index)[0]
        power_mw = heater_powers(f, drive_fraction(reading.codes, f.profile.device.dac_bits))
        chip_k, monitor_mw = sensor_readings(
            f, power_mw, reading.device_time_ns, noise, reading.laser_mw
        )
        return float(chip_k), float(monitor_mw)


def make_golden(name: str, seed: int, overrides: Mapping[str, Any]) -> Made:
    """Fabricate a device on the golden model; arguments and errors as of `make_emulator`."""
    backend = GoldenBackend(name, seed, overrides)
    made = make_from_object(backend)
    made.settings = backend.settings
    return made
