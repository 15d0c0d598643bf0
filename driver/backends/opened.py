"""What an opener hands over: the C handle and the data sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from driver.info import DeviceInfo

__all__ = ["OpenedDevice"]


@dataclass(frozen=True)
class OpenedDevice:
    """An ``odev_device *`` and its data sheet.  There is no way back to the device's truth."""

    handle: Any
    info: DeviceInfo
