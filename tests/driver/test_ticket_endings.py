"""How a device ends while jobs are in flight: close, errors, finalisers, interpreter, fork."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driver import Ticket, open_device
from driver.errors import (
    ClosedDeviceError,
)

SEED = 7

LONG = 6000
CODES = np.full((LONG, 2, 2, 32, 32), 9000, np.uint16)
"""About a tenth of a second's work, in some hundred blocks."""
N = 16


def test_close_waits_for_what_was_submitted() -> None:
    device = open_device("emulator:lab", seed=SEED, device__n=32, threads=1)
    tickets = [device.submit_expose(CODES[:k]) for k in (500, 3)]
    device.close()
    assert [len(ticket.result()) for ticket in tickets] == [500, 3]
    assert tickets[0].done()
    assert not tickets[0].cancel()
    assert tickets[1].job_result().frames == 3
    with pytest.raises(ClosedDeviceError):
        device.submit_expose(CODES)
    del tickets
    gc.collect()


def test_close_while_others_wait() -> None:
    device = open_device("emulator:lab", seed=SEED, device__n=32, threads=1)
    ticket = device.submit_expose(CODES)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(ticket.result())) for _ in range(3)]
    for thread in threads:
        thread.start()
    device.close()
    for thread in threads:
        thread.join(60)
    assert [len(result) for result in results] == [LONG] * 3


def test_an_error_in_the_block_aborts_what_is_left() -> None:
    tickets = []

    def failing() -> None:
        with open_device("emulator:lab", seed=SEED, device__n=32, threads=1) as device:
            tickets.extend(device.submit_expose(CODES) for _ in range(30))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert all(ticket.done() for ticket in tickets)
    assert tickets[-1].cancelled()


def test_a_ticket_keeps_its_device_open_while_it_runs() -> None:
    def only_the_ticket() -> Ticket:
        device = open_device("emulator:lab", seed=SEED, device__n=32, threads=1)
        return device.submit_expose(CODES)

    ticket = only_the_ticket()
    with pytest.warns(ResourceWarning):
        assert ticket.result(60).any()  # with which the last reference to the device goes


LEFT = """
import threading, time
import numpy as np
from driver import open_device
device = open_device("emulator:lab", seed=7, device__n=32, threads=2)
codes = np.full((3000, 2, 2, 32, 32), 9000, np.uint16)
tickets = [device.submit_expose(codes) for _ in range(50)]
tickets[-1].add_done_callback(lambda t: None)
threading.Thread(target=lambda: [device.expose(codes) for _ in range(50)], daemon=True).start()
threading.Thread(target=tickets[-2].exception, daemon=True).start()
time.sleep(0.05)
ENDING
"""


@pytest.mark.parametrize(
    "ending", ["", "raise SystemExit(0)", "import gc; del device; gc.collect()", "del tickets"]
)
def test_the_interpreter_ends_with_jobs_in_flight(
    run_python: Callable[[str], None], ending: str
) -> None:
    """Neither waits for minutes of work nor crashes when C's thread outlives the arrays."""
    run_python(LEFT.replace("ENDING", ending))


FORKED = """
import os, signal
import numpy as np
from driver import open_device
from driver.errors import ForkedDeviceError
device = open_device("emulator:lab", seed=7, device__n=32, threads=2)
codes = np.full((2000, 2, 2, 32, 32), 9000, np.uint16)
ticket = device.submit_expose(codes)
child = os.fork()
if child == 0:
    signal.alarm(30)
    refused = 0
    calls = (ticket.result, ticket.done, ticket.cancel, ticket.abort,
             lambda: device.submit_expose(codes))
    for call in calls:
        try:
            call()
        except ForkedDeviceError:
            refused += 1
    del ticket, device
    with open_device("emulator:lab", seed=7, device__n=32) as own:
        assert own.submit_expose(codes[:3]).result(20).any()
    os._exit(0 if refused == 5 else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert ticket.result(60).any()
device.close()
"""


def test_tickets_are_the_parent_s(run_python: Callable[[str], None]) -> None:
    run_python(FORKED)
