"""The driver of a Fourier-optical computer.

    from driver import open_device
    with open_device("emulator:lab", seed=7) as dev:
        dev.calibrate()
        X = dev.transform(x)            # orthonormal 2-D Fourier transform, by light
        y = dev.convolve2d(images, kernels, padding=1)

`driver.errors` tells which error means what.
"""

from __future__ import annotations

from driver.calibration.calibration import Calibration
from driver.device import Device
from driver.encoded import Codes, Encoded
from driver.errors import DriverError, PackingWarning, UncalibratedWarning
from driver.info import DeviceInfo, NominalValues, Timing
from driver.opening import open_device
from driver.session_state import SessionState
from driver.telemetry import Telemetry
from driver.ticket import Ticket

__all__ = [
    "Calibration",
    "Codes",
    "Device",
    "DeviceInfo",
    "DriverError",
    "Encoded",
    "NominalValues",
    "PackingWarning",
    "SessionState",
    "Telemetry",
    "Ticket",
    "Timing",
    "UncalibratedWarning",
    "open_device",
]
