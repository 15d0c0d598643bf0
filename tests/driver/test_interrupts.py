"""Ctrl-C in the middle: control comes back at once, the device stays usable, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

PREAMBLE = """
import os, signal, threading, time
import numpy as np
from driver import open_device
from driver.errors import RequestCancelledError

def interrupt_after(seconds):
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    return timer

def interrupted(call, seconds=0.3):
    timer, start = interrupt_after(seconds), time.perf_counter()
    try:
        call()
    except KeyboardInterrupt:
        # Some blocks of frames, and a loaded machine: far less than the minutes of the whole.
        assert time.perf_counter() - start < seconds + 5
    else:
        raise AssertionError("not interrupted")
    timer.join()

device = open_device("emulator:lab", seed=7, device__n=32, threads=2)
codes = np.broadcast_to(np.uint16(9000), (40_000, 2, 2, 32, 32)).copy()
x = np.broadcast_to(np.complex64(1 + 2j), (40_000, 32, 32)).copy()
"""

BLOCKING = """
# Jobs of some tenths of a second, and short to check: a sanitized build takes its time for that.
interrupted(lambda: [device.expose(codes[:4000]) for _ in range(1000)])
frames = device.telemetry().frames
assert 0 < frames
interrupted(lambda: [device.transform(x[:4000], exposure="averaged") for _ in range(1000)])
assert device.telemetry().frames > frames
assert device.telemetry().queued == 0
assert device.expose(codes[:3]).any()
device.close()
"""

BEHIND_OTHERS = """
other = threading.Thread(target=lambda: device.expose(codes))
other.start()
while not device.telemetry().queued:
    time.sleep(1e-3)
interrupted(lambda: [device.expose(codes[:1]) for _ in range(100_000)])
other.join()
assert device.expose(codes[:3]).any()
device.close()
"""

WAITING = """
tickets = [device.submit_expose(codes) for _ in range(30)]
interrupted(tickets[-1].result)
assert not tickets[-1].done(), "who waits is interrupted, not the job"
tickets[0].result(60)
try:
    with device:
        interrupt_after(0.3)
        tickets[-1].result()
except KeyboardInterrupt:
    pass
assert device.closed and all(t.done() for t in tickets) and tickets[-1].cancelled()
"""

CLOSING = """
tickets = [device.submit_expose(codes) for _ in range(30)]
interrupted(device.close)
assert device.closed and tickets[-1].cancelled()
"""

IN_TURN = """
# Calls that are short themselves, but whose turn comes after a minute of other jobs.
from driver.calibration.nominal import nominal_calibration

encoded = device.encode(x[:2])
counts = device.expose(encoded.codes)
before = device.params["laser_mw"]
state = device.session_state()
def set_power():
    device.params["laser_mw"] = 2.0
for call in (lambda: device.idle(5.0), set_power, device.session_state,
             lambda: device.restore(state), lambda: device.encode(x[:2]),
             lambda: device.decode(counts, encoded),
             lambda: device.load_calibration(nominal_calibration(device.info))):
    tickets = [device.submit_expose(codes) for _ in range(30)]
    interrupted(call)
    assert not tickets[-1].done(), "who waits is interrupted, not the jobs before"
    for ticket in tickets:
        ticket.abort()
    for ticket in tickets:
        ticket.exception()
assert device.params["laser_mw"] == before, "a call that was interrupted was not made"
# And one that isn't interrupted comes in its turn.
ticket = device.submit_expose(codes[:2000])
set_power()
assert ticket.done()
assert device.params["laser_mw"] == 2.0
device.close()
"""

HANDLER_OF_ONE_S_OWN = """
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(device.telemetry().frames))
interrupt_after(0.2)
counts = device.expose(codes)
assert counts[-1].any(), "a handler that returns lets the job go on"
assert len(seen) == 1
device.close()
"""

STORM = """
import random
random.seed(1)
storm, armed = threading.Event(), False

def handler(*_):
    # Once for each time that the work below is taken up: never on the way back to it.
    global armed
    if armed:
        armed = False
        raise KeyboardInterrupt

def send():
    while not storm.wait(random.uniform(0, 0.004)):
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, handler)
sender = threading.Thread(target=send)
sender.start()
hits, end = 0, time.monotonic() + 8
while time.monotonic() < end or hits < 100:
    try:
        armed = True
        while True:
            device.expose(codes[:40])
            device.submit_expose(codes[:10])
            device.submit_transform(x[:3]).result()
            device.telemetry()
    except KeyboardInterrupt:
        hits += 1
storm.set()
sender.join()
before = device.telemetry().frames
assert device.expose(codes[:3]).any()
assert device.telemetry().frames >= before + 3
device.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [BLOCKING, BEHIND_OTHERS, WAITING, CLOSING, IN_TURN, HANDLER_OF_ONE_S_OWN, STORM],
    ids=["blocking", "behind others", "waiting", "closing", "in turn", "own handler", "storm"],
)
def test_ctrl_c(run_python: Callable[[str], None], script: str) -> None:
    run_python(PREAMBLE + script)
