"""One device, many threads, and forks."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
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
{before}
from driver import open_device
from driver.errors import ForkedDeviceError

def counts_of(device):
    return device.expose(np.full((40, 2, 2, 32, 32), 9000, np.uint16))

parent = open_device("emulator:lab", seed=7, device__n=32, threads=2)
{use}
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
assert status == 0, f"the child ended with {{status}}"
parent.close()
"""


@pytest.mark.parametrize(
    ("before", "use"),
    [
        ("", ""),
        ("", "counts_of(parent)"),  # OpenMP's threads exist when the fork comes
        (
            "",
            "busy = threading.Thread(target=lambda: [counts_of(parent) for _ in range(20)])\n"
            "busy.start(); time.sleep(0.02)",
        ),
        (  # torch's OpenMP is ours where both find the same library
            "import torch; torch.set_num_threads(2)",
            "torch.nn.functional.conv2d(torch.ones(8, 8, 64, 64), torch.ones(8, 8, 3, 3))",
        ),
    ],
    ids=["unused", "OpenMP used", "in use", "torch used"],
)
def test_after_a_fork(before: str, use: str) -> None:
    """The parent's device refuses in the child, a new one works there, and nothing hangs."""
    if "torch" in before:
        pytest.importorskip("torch")
    script = FORK.format(before=before, use=use)
    run_python(script)


def test_a_fork_before_the_first_device() -> None:
    """Where torch used OpenMP first, the child must not use its dead pool."""
    pytest.importorskip("torch")
    run_python(
        "import os, signal, numpy as np, torch, driver\n"
        "torch.set_num_threads(2)\n"
        "torch.relu(torch.ones(2000, 2000)).sum()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(30)\n"
        "    with driver.open_device('emulator:lab', device__n=32, threads=2) as device:\n"
        "        device.expose(np.zeros((40, 2, 2, 32, 32), np.uint16))\n"
        "    os._exit(0)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )


def run_python(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
