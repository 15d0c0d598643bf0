"""Which device a layer computes on: a device, a URI, or the default device of the process."""

from __future__ import annotations

import atexit
import itertools
import os
import threading
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable
from weakref import WeakKeyDictionary, WeakValueDictionary

import torch

if TYPE_CHECKING:
    from driver import Device
    from driver.precision import Precision

__all__ = [
    "DEFAULT_URI",
    "OpticalDevice",
    "OpticsLike",
    "OpticsReference",
    "device_number",
    "numbered_device",
    "resolve_optics",
]

DEFAULT_URI = "emulator:lab"


@runtime_checkable
class OpticalDevice(Protocol):
    """What the layers need of a device; `driver.Device` has it."""

    def convolve2d(
        self,
        x: torch.Tensor,
        w: torch.Tensor,
        *,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        padding_mode: str,
        precision: str | Precision,
    ) -> torch.Tensor:
        """Convolve (n, C, H, W) with (K, C/groups, kh, kw), float32, on the CPU."""
        ...


OpticsLike: TypeAlias = "OpticalDevice | str | None"

_shared: dict[tuple[int, str], Device] = {}
_shared_lock = threading.Lock()


def _shared_device(uri: str) -> Device:
    """The process's own device at `uri`, opened and calibrated at its first use.

    Kept by process id, since a device cannot be used after a fork.
    """
    key = (os.getpid(), uri)
    known = _shared.get(key)
    if known is not None:
        return known
    with _shared_lock:
        if key not in _shared:
            from driver import open_device

            device = open_device(uri)
            try:
                # A data sheet without tolerances leaves nothing to calibrate.
                if not device.info.nominal_is_true:
                    device.calibrate()
            except BaseException:
                device.close()
                raise
            _shared[key] = device
        return _shared[key]


def _after_fork() -> None:
    """A child must not wait for a lock that a thread of its parent held at the fork."""
    global _shared_lock, _numbering
    _shared_lock, _numbering = threading.Lock(), threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _close_shared_devices() -> None:
    for (process, _), device in _shared.items():
        if process == os.getpid() and not device.closed:
            device.close()


def resolve_optics(optics: OpticsLike) -> OpticalDevice:
    """The device meant by `optics`.

    Parameters
    ----------
    optics : Device, str or None
        A device is returned as it is.  A URI means this process's shared device of that URI,
        opened and calibrated at its first use and kept until the process ends; None means
        `DEFAULT_URI`.

    Raises
    ------
    TypeError
        If `optics` is none of these.
    driver.DriverError
        If the device cannot be opened or calibrated.
    """
    if optics is None:
        return _shared_device(DEFAULT_URI)
    if isinstance(optics, str):
        return _shared_device(optics)
    if not _is_numbered(optics) and not isinstance(optics, OpticalDevice):
        raise TypeError(
            f"optics must be a device, a URI or None, got {type(optics).__name__} {optics!r}"
        )
    return optics


_numbers: WeakKeyDictionary[OpticalDevice, int] = WeakKeyDictionary()
_numbered: WeakValueDictionary[int, OpticalDevice] = WeakValueDictionary()
_next_number = itertools.count()
_numbering = threading.Lock()


def _is_numbered(device: object) -> bool:
    """Whether it is known to be a device: asking the protocol takes 50 us."""
    try:
        return _numbers.get(device) is not None  # type: ignore[call-overload]
    except TypeError:  # no hash, or no weak references
        return False


def device_number(device: OpticalDevice) -> int:
    """A whole number that stands for the device where torch's operators take no objects."""
    known = _numbers.get(device)
    if known is not None:
        return known
    with _numbering:
        if device not in _numbers:
            number = next(_next_number)
            _numbered[number] = device
            _numbers[device] = number
        return _numbers[device]


def numbered_device(number: int) -> OpticalDevice:
    """The device that `device_number` gave `number` for.

    Raises
    ------
    RuntimeError
        If there is none, or nothing holds it any more.
    """
    device = _numbered.get(number)
    if device is None:
        raise RuntimeError(f"there is no optical device number {number} any more in this process")
    return device


class OpticsReference:
    """A layer's hold on its device, safe to copy and to pickle.

    A copy of a layer shares its device.  A pickled layer remembers a URI (or the default), and
    opens it again where it is used; a device that was handed over as an object cannot travel, and
    the unpickled layer says so when used, until ``layer.optics = …`` gives it one.

    Parameters
    ----------
    optics : Device, str or None
        A URI is opened at once, so that a wrong one is reported here; None waits for first use.
    """

    def __init__(self, optics: OpticsLike) -> None:
        self._optics = optics
        self._lost: str | None = None
        if optics is not None:
            # Numbered here, since a compiler could not follow that.
            device_number(resolve_optics(optics))

    def device(self) -> OpticalDevice:
        """The device itself.

        Raises
        ------
        RuntimeError
            If the layer was unpickled and its device was given as an object.
        driver.DriverError
            If the device cannot be opened or calibrated.
        """
        if self._lost is not None:
            raise RuntimeError(
                f"this layer was saved with the open device {self._lost}, which does not travel; "
                "set its optics to a device or a URI"
            )
        return resolve_optics(self._optics)

    def __deepcopy__(self, memo: dict[int, object]) -> OpticsReference:
        return self

    def __copy__(self) -> OpticsReference:
        return self

    def __getstate__(self) -> dict[str, str | None]:
        if self._optics is None or isinstance(self._optics, str):
            return {"uri": self._optics, "lost": self._lost}
        return {"uri": None, "lost": repr(self._optics)}

    def __setstate__(self, state: dict[str, str | None]) -> None:
        self._optics = state["uri"]
        self._lost = state["lost"]

    def __repr__(self) -> str:
        return repr(self._optics) if self._lost is None else f"lost {self._lost}"
