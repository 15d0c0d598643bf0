"""Calibration: routines that find a device's hidden parameters through its boundary alone."""

from driver.calibration.calibration import Calibration
from driver.calibration.laboratory import Laboratory, run_laboratory
from driver.calibration.nominal import nominal_calibration
from driver.calibration.report import RoutineReport
from driver.calibration.store import load, save

__all__ = [
    "Calibration",
    "Laboratory",
    "RoutineReport",
    "load",
    "nominal_calibration",
    "run_laboratory",
    "save",
]
