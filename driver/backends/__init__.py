"""What stands behind a device URI.

An opener makes the C handle and says what the data sheet says.  This package is the only part of
the driver that may know how an emulated device is made; nothing that it knows of one specimen's
true values leaves it.
"""

from __future__ import annotations

from driver.backends.uri import DeviceUri, OpenedDevice, device_uris, open_uri, parse_uri

__all__ = ["DeviceUri", "OpenedDevice", "device_uris", "open_uri", "parse_uri"]
