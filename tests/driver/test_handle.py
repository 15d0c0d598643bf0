"""One device, many threads, and forks."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.errors import (
    ClosedDeviceError,
)

SEED = 7
N = 16

Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]
CodesFor = Callable[..., NDArray[Any]]
ErrorOf = Callable[[NDArray[Any], NDArray[Any]], float]
Unexposed = Callable[[Device], contextlib.AbstractContextManager[None]]


def test_many_threads_share_a_device(ideal: Device, targets: Targets, error_of: ErrorOf) -> None:
    x = targets(6, 5, 4, N, N)
    wanted = np.fft.fft2(x, norm="ortho")
    failures: list[BaseException] = []

    def work(lane: int) -> None:
        try:
            for item in range(5):
                seen = ideal.transform(x[lane, item])
                assert error_of(seen, wanted[lane, item]) < 1e-5
                ideal.idle(1e-3)
                ideal.params["reference_fraction"] = 1.0
                assert ideal.telemetry().frames > 0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert ideal.telemetry().frames == 6 * 5 * 4


def test_close_waits_for_the_work_of_others(codes_for: CodesFor) -> None:
    device = open_device("emulator:lab", seed=SEED, device__n=32, threads=1)
    codes = np.repeat(codes_for(device, 1), 50, axis=0)
    counts: list[Any] = []

    def work() -> None:
        with contextlib.suppress(ClosedDeviceError):
            while True:
                counts.append(device.expose(codes))

    thread = threading.Thread(target=work)
    thread.start()
    while device.telemetry().frames < 200:
        time.sleep(0.001)
    device.close()
    thread.join(60)
    assert not thread.is_alive()
    assert len(counts) >= 4
    assert all(one[-1].any() for one in counts)


FORK = """
import os, signal, threading, time
import numpy as np
from driver import open_device
from driver.errors import ForkedDeviceError

def counts_of(device):
    return device.expose(np.full((40, 2, 2, 32, 32), 9000, np.uint16))

parent = open_device("emulator:lab", seed=7, device__n=32, threads=2)
USE
child = os.fork()
if child == 0:
    signal.alarm(30)
    for call in (parent.telemetry, parent.close, lambda: counts_of(parent)):
        try:
            call()
        except ForkedDeviceError:
            continue
        os._exit(3)
    with open_device("emulator:lab", seed=7, device__n=32, threads=2) as own:
        counts = counts_of(own)
    os._exit(0 if counts.any() else 4)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert status == 0, f"the child ended with {status}"
parent.close()
"""


LEFT_BY_AN_ERROR = """
import os
from driver import open_device
from driver.errors import ForkedDeviceError

try:
    with open_device("emulator:lab", seed=7, device__n=32) as parent:
        child = os.fork()
        if child == 0:
            raise ZeroDivisionError
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not parent.closed
except ZeroDivisionError:
    seen = 0 if parent.closed and "closed" in repr(parent) else 4
    try:
        parent.__enter__()
        seen = 5
    except ForkedDeviceError:
        os._exit(seen)
    finally:
        os._exit(5)
assert parent.closed
"""


def test_a_child_s_error_leaves_the_with_block_as_it_is(run_python: Callable[[str], None]) -> None:
    """Not masked by a ForkedDeviceError; the device is the parent's to close."""
    run_python(LEFT_BY_AN_ERROR)


@pytest.mark.parametrize(
    "use",
    [
        "",
        "counts_of(parent)",  # OpenMP's threads exist when the fork comes
        "busy = threading.Thread(target=lambda: [counts_of(parent) for _ in range(20)])\n"
        "busy.start(); time.sleep(0.02)",
    ],
    ids=["unused", "OpenMP used", "in use"],
)
def test_after_a_fork(run_python: Callable[[str], None], use: str) -> None:
    """The parent's device refuses in the child, a new one works there, and nothing hangs."""
    run_python(FORK.replace("USE", use))
