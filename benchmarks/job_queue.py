"""The queue: what submitting and waiting cost beside a job that is next to nothing.

    python benchmarks/job_queue.py [--jobs 20000]

C's side is an exposure of one pixel on a device with nothing behind it, called through cffi;
Python's is an exposure of one 11×11 frame on an ideal device.  Jobs are timed in turn, one by one:

blocking     on the caller's thread: the device is idle
submitted    and waited for without a time limit: who waits runs it, unless the device's thread was
             the quicker one
limited      and waited for with a time limit: through the device's thread and back
in flight    many submitted, then all waited for: a job's share

Two wake-ups of a thread that sleeps, there and back with nothing in between, are measured in the
same run: they are the floor of what goes through another thread, and differ between machines by
more than all the rest.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from driver import open_device
from driver.library import check, ffi, lib, struct

IN_FLIGHT = 32
LIMIT_S = 10
HANDOVERS = 1000
"""In a row, between the measurements."""


def _us(work: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    work()
    return 1e-3 * (time.perf_counter_ns() - start)


def _handovers() -> list[float]:
    """There and back between two threads [us], round by round."""
    seconds = ffi.new("double[]", HANDOVERS)
    check(lib.odev_handover_time(HANDOVERS, seconds))
    return [1e6 * s for s in seconds]


def _measure(
    name: str,
    jobs: int,
    blocking: Callable[[], object],
    submitted: Callable[[], object],
    limited: Callable[[], object],
    many: Callable[[], object],
) -> None:
    floor = _handovers()
    for work in (blocking, submitted, limited):
        work()
    times = np.array([[_us(blocking), _us(submitted), _us(limited)] for _ in range(jobs)])
    share = statistics.median(_us(many) / IN_FLIGHT for _ in range(max(jobs // IN_FLIGHT, 1)))
    hop = statistics.median(floor + _handovers())
    print(f"{name}: blocking {np.median(times[:, 0]):.1f} us, wake-ups there and back {hop:.1f} us")
    for way, column in (("submitted", 1), ("limited", 2)):
        added = times[:, column] - times[:, 0]
        print(
            f"  {way:10} {np.median(times[:, column]):7.1f} us: added {np.median(added):6.1f} us "
            f"({np.median(added) / hop:4.2f} of the wake-ups), 99 % {np.quantile(added, 0.99):.1f}"
        )
    print(f"  {IN_FLIGHT} in flight {share:5.1f} us each")


def _measure_c(jobs: int) -> None:
    cell = ffi.new("odev_device **")
    check(lib.odev_open(b"null:1", cell))
    device, ticket = cell[0], ffi.new("odev_ticket **")
    codes, counts, steps = ffi.new("uint16_t[4]"), ffi.new("uint16_t[1]"), ffi.new("uint8_t[1]")
    job = struct(
        "odev_expose_job", frames=1, exposures=1, laser_on=1, exposure_ns=1000,
        codes=codes, counts=counts, launch_step=steps,
    )  # fmt: skip
    result = struct("odev_result")

    def blocking() -> None:
        lib.odev_run_expose(device, job, result)

    def submitted() -> None:
        lib.odev_submit_expose(device, job, ticket)
        lib.odev_wait(ticket[0], -1, result)

    def limited() -> None:
        lib.odev_submit_expose(device, job, ticket)
        lib.odev_wait(ticket[0], 10**9 * LIMIT_S, result)

    def many() -> None:
        cells = [ffi.new("odev_ticket **") for _ in range(IN_FLIGHT)]
        for one in cells:
            lib.odev_submit_expose(device, job, one)
        for one in cells:
            lib.odev_wait(one[0], -1, result)

    _measure("C", jobs, blocking, submitted, limited, many)
    check(lib.odev_close(device))


def _measure_python(jobs: int) -> None:
    with open_device("emulator:ideal", device__n=11, threads=1) as device:
        codes = np.zeros((1, 2, 2, 11, 11), np.float32)

        def blocking() -> None:
            device.expose(codes, "off")

        def submitted() -> None:
            device.submit_expose(codes, "off").result()

        def limited() -> None:
            device.submit_expose(codes, "off").result(LIMIT_S)

        def many() -> None:
            for ticket in [device.submit_expose(codes, "off") for _ in range(IN_FLIGHT)]:
                ticket.result()

        _measure("Python", jobs, blocking, submitted, limited, many)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=20000)
    jobs = parser.parse_args().jobs
    _measure_c(jobs)
    _measure_python(jobs)
    print("added: median of the difference to blocking (aim: at most 50 us)")


if __name__ == "__main__":
    main()
