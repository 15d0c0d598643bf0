"""What a check is given: a way to open the device, and what any device can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.device import Device
from driver.errors import DriverError
from driver.info import DeviceInfo
from driver.result import JobResult

__all__ = ["Failed", "Skipped", "Subject", "codes_for", "counts_of", "expect", "last", "refused"]


class Failed(Exception):  # noqa: N818  # a verdict, not a fault of the driver
    """The device does not do what the check asks for; the message says what it did."""


class Skipped(Exception):  # noqa: N818
    """The check does not apply to this device; the message says why."""


class Subject:
    """A device under check.

    Parameters
    ----------
    opener : callable
        Opens the device, always alike; each check opens and closes its own.
    """

    def __init__(self, opener: Callable[[], Device]) -> None:
        self.open = opener


def expect(holds: Any, message: str) -> None:
    """Fail with the message unless it holds."""
    if not holds:
        raise Failed(message)


def codes_for(device: Device, frames: int, salt: int = 0) -> NDArray[Any]:
    """Codes of random heater settings, the same for the same salt."""
    rng = np.random.default_rng(1000 + salt)
    shape = (frames, 2, 2, device.n, device.n)
    if device.info.dac_bits:
        return rng.integers(0, 2**device.info.dac_bits, shape, dtype=np.uint16)
    return rng.random(shape, dtype=np.float32)


def counts_of(device: Device, frames: int, **options: Any) -> NDArray[Any]:
    """Counts of random codes; a device without reference is asked for none."""
    if device.info.detection == "intensity":
        options.setdefault("reference", "off")
    salt = options.pop("salt", 0)
    counts: NDArray[Any] = device.expose(codes_for(device, frames, salt), **options)
    return counts


def last(device: Device) -> JobResult:
    """The result of this thread's last job."""
    result = device.last_result
    if result is None:
        raise Failed("the device has no result of its last job")
    return result


def references(info: DeviceInfo) -> dict[str, int]:
    """The references that the device has, with their steps."""
    if info.detection == "intensity":
        return {"off": 1}
    return {"steps": info.reference_steps, "off": 1, "only": 1}


@contextmanager
def refused(device: Device, what: str, *kinds: type[DriverError]) -> Iterator[None]:
    """Fail unless what happens inside raises one of the errors, and exposes nothing."""
    before = device.telemetry()
    try:
        yield
    except kinds:
        pass
    except Exception as error:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise Failed(f"{what} raises {type(error).__name__}, not {wanted}: {error}") from error
    else:
        raise Failed(f"{what} is not refused")
    after = device.telemetry()
    expect(
        (after.frames, after.device_time_s) == (before.frames, before.device_time_s),
        f"{what} is refused, but frames or time passed",
    )
