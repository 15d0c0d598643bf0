"""Devices that nobody closes: warned about and closed once, also as the interpreter ends."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

import driver
from driver import open_device
from driver.errors import ClosedDeviceError

LEFT_OPEN = """
import atexit

def tell():
    print([handle.closed for handle in handles])

atexit.register(tell)  # before the driver's own: run after it

import builtins
import numpy as np
from driver import open_device

devices = [open_device(f"null:{n}") for n in (4, 8, 16)]
handles = [device._handle for device in devices]
codes = np.zeros((2000, 2, 2, 16, 16), np.uint16)
tickets = [devices[2].submit_expose(codes) for _ in range(50)]
builtins.kept = devices  # to the very end
"""


@pytest.mark.parametrize("action", ["always", "error"])
def test_the_interpreter_ends_with_devices_left_open(action: str) -> None:
    """Each is named once and closed, also where the warning of another is an error."""
    done = subprocess.run(
        [sys.executable, "-W", f"{action}::ResourceWarning", "-c", LEFT_OPEN],
        cwd=Path(driver.__file__).parents[1], capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.split("\n")[0] == "[True, True, True]"
    for n in (4, 8, 16):
        assert done.stderr.count(f"ResourceWarning: device null-{n} was left open") == 1, (
            done.stderr
        )


def test_a_device_left_open_is_closed_once_whoever_else_closes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The warning takes a while; meanwhile other threads come to the same end."""
    device = open_device("null:4")
    handle, told, refused = device._handle, [], []

    def close() -> None:
        try:
            handle.close()
        except ClosedDeviceError as error:
            refused.append(error)

    def show(message: Warning | str, *_: Any) -> None:
        told.append(str(message))
        other = threading.Thread(target=close)
        other.start()
        other.join(60)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        del device
        gc.collect()
    assert told == ["device null-4 was left open"]
    assert len(refused) == 1
    assert handle.closed


def test_a_device_that_was_closed_is_not_warned_about() -> None:
    device = open_device("null:4")
    device.close()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del device
        gc.collect()
    assert not told
