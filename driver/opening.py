"""Opening devices by their URI."""

from __future__ import annotations

from typing import Any

from driver.backends import open_object, open_uri
from driver.device import Device
from driver.errors import DTypeError, ValueRangeError
from driver.numbers import whole

__all__ = ["open_device"]


def open_device(
    uri: str | None = None,
    *,
    backend: Any = None,
    seed: int | None = None,
    threads: int | None = None,
    **overrides: Any,
) -> Device:
    """Open a device.

    Parameters
    ----------
    uri : str
        ``emulator:lab``, ``emulator:ideal``, ``emulator:PROFILE.toml``; also with the keywords
        below as a query, ``emulator:lab?seed=7``.  docs/backends.md has all schemes: ``golden:``,
        ``null:``, ``library:``, ``python:``, ``fault:``, ``record:``, ``replay:``.
    backend : driver.backends.Backend, optional
        In place of a URI: an object that stands for the device, with a data sheet and a method
        that exposes frames.
    seed : int, optional
        Which specimen of the profile is fabricated; 0 by default.
    threads : int, optional
        Threads that jobs use; by default torch's number, or the processors there are.
    **overrides
        Values that replace the profile's, as ``section__field=value``; options of a library or
        a Python class.  A wrapper hands them, and the seed, to the device that it is around.

    Raises
    ------
    DTypeError
        Neither a URI nor a backend, or both, or an object that is no backend.
    UnknownDeviceError
        The URI names no backend or profile.
    ValueRangeError
        A seed, thread count or override that is not allowed.

    Examples
    --------
    >>> with open_device("emulator:lab", seed=7) as dev:  # doctest: +SKIP
    ...     dev.calibrate()
    ...     X = dev.transform(x)
    """
    if threads is not None:
        threads = whole(threads, "threads", 1, 1024)
    if backend is None:
        if uri is None:
            raise DTypeError("open_device needs a device URI, such as 'emulator:lab', or a backend")
        opened, name = open_uri(uri, seed, overrides), uri
    else:
        if uri is not None:
            raise DTypeError("open_device takes a device URI or a backend, not both")
        if seed is not None or overrides:
            raise ValueRangeError("a backend that is an object takes no seed and no overrides")
        opened, name = open_object(backend), f"backend={type(backend).__name__}"
    return Device(opened.handle, opened.info, uri=name, threads=threads)
