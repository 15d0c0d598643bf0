"""Opening devices by their URI."""

from __future__ import annotations

from typing import Any

from driver.backends import open_uri
from driver.device import Device
from driver.numbers import whole

__all__ = ["open_device"]


def open_device(
    uri: str, *, seed: int | None = None, threads: int | None = None, **overrides: Any
) -> Device:
    """Open a device.

    Parameters
    ----------
    uri : str
        ``emulator:lab``, ``emulator:ideal``, ``emulator:PROFILE.toml``; also with the keywords
        below as a query, ``emulator:lab?seed=7``.
    seed : int, optional
        Which specimen of the profile is fabricated; 0 by default.
    threads : int, optional
        Threads that jobs use; by default torch's number, or the processors there are.
    **overrides
        Values that replace the profile's, as ``section__field=value``.

    Raises
    ------
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
    opened = open_uri(uri, seed, overrides)
    return Device(opened.handle, opened.info, uri=uri, threads=threads)
