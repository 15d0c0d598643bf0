"""The calibration that a device works with: a measured one, or the data sheet's."""

from __future__ import annotations

from driver.calibration.calibration import Calibration
from driver.calibration.install import calibration_struct
from driver.calibration.nominal import nominal_calibration
from driver.calibration.validation import check_calibration
from driver.caller import warn_caller
from driver.errors import UncalibratedWarning
from driver.handle import Handle
from driver.info import DeviceInfo
from driver.library import check, lib
from driver.running import in_turn

__all__ = ["InstalledCalibration"]


class InstalledCalibration:
    """Installs calibrations, and warns once while there is none.

    Attributes
    ----------
    measured : Calibration or None
        The last one that was installed; None while the device works from nominal values.
    """

    def __init__(self, handle: Handle, info: DeviceInfo) -> None:
        self._handle = handle
        self._info = info
        self._warned = False
        self.measured: Calibration | None = None
        self._send(nominal_calibration(info))

    def install(self, calibration: Calibration) -> None:
        """Check and install one.

        Raises
        ------
        CalibrationError, CalibrationMismatchError
            It doesn't fit: the old one stays.
        """
        check_calibration(calibration, self._info)
        self._send(calibration)
        self.measured = calibration

    def _send(self, calibration: Calibration) -> None:
        data, _arrays = calibration_struct(calibration, self._info)
        with in_turn(self._handle) as device:
            check(lib.odev_load_calibration(device, data))

    @property
    def device_time_ns(self) -> int | None:
        """Device time of the measured one [ns]."""
        return None if self.measured is None else self.measured.device_time_ns

    def warn_without(self) -> None:
        """Warn, the first time, that results are useless: unless nominal values are true."""
        if self.measured is not None or self._info.nominal_is_true or self._warned:
            return
        self._warned = True
        warn_caller(
            f"device {self._info.serial} is not calibrated: results from nominal values are "
            "useless. Call calibrate() or load_calibration()",
            UncalibratedWarning,
        )
