"""What stands behind a device URI.

A maker gives a backend, the C table of functions that the core calls, and says what the data sheet
says; some wrap others.  This package is the only part of the driver that may know how an emulated
device is made; nothing that it knows of one specimen's true values leaves it.
"""

from __future__ import annotations

from driver.backends.data_sheet import plain_info
from driver.backends.made import OpenedDevice
from driver.backends.python import Backend, Block, Reading
from driver.backends.schemes import SCHEMES, device_uris, open_object, open_uri
from driver.backends.uri import DeviceUri, parse_uri

__all__ = [
    "SCHEMES",
    "Backend",
    "Block",
    "DeviceUri",
    "OpenedDevice",
    "Reading",
    "device_uris",
    "open_object",
    "open_uri",
    "parse_uri",
    "plain_info",
]
