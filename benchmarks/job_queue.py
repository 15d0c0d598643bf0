"""The queue: what submitting and waiting cost beside a job that is next to nothing.

    python benchmarks/job_queue.py [--jobs 20000]

C's side is an exposure of one pixel on a device with nothing behind it, called through cffi;
Python's is an exposure of one 11×11 frame on an ideal device.  Blocking and submitted jobs are
timed in turn, one by one.  A submitted job goes through the device's own thread, a blocking one on
an idle device does not.  With several in flight the hand-over to and fro is shared.
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


def _us(work: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    work()
    return 1e-3 * (time.perf_counter_ns() - start)


def _report(name: str, blocking: list[float], submitted: list[float], many: float) -> None:
    added = [s - b for b, s in zip(blocking, submitted, strict=True)]
    tail = statistics.quantiles(added, n=100)[98]
    print(
        f"{name:7}{statistics.median(blocking):10.1f}{statistics.median(submitted):11.1f}"
        f"{statistics.median(added):11.1f}{tail:8.1f}{many:14.1f}"
    )


def _time_c(jobs: int) -> None:
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

    def many() -> None:
        cells = [ffi.new("odev_ticket **") for _ in range(IN_FLIGHT)]
        for one in cells:
            lib.odev_submit_expose(device, job, one)
        for one in cells:
            lib.odev_wait(one[0], -1, result)

    times = [(_us(blocking), _us(submitted)) for _ in range(jobs)]
    shared = statistics.median(_us(many) / IN_FLIGHT for _ in range(jobs // IN_FLIGHT))
    _report("C", [b for b, _ in times], [s for _, s in times], shared)
    check(lib.odev_close(device))


def _time_python(jobs: int) -> None:
    with open_device("emulator:ideal", device__n=11, threads=1) as device:
        codes = np.zeros((1, 2, 2, 11, 11), np.float32)

        def blocking() -> None:
            device.expose(codes, "off")

        def submitted() -> None:
            device.submit_expose(codes, "off").result()

        def many() -> None:
            for ticket in [device.submit_expose(codes, "off") for _ in range(IN_FLIGHT)]:
                ticket.result()

        times = [(_us(blocking), _us(submitted)) for _ in range(jobs)]
        shared = statistics.median(_us(many) / IN_FLIGHT for _ in range(jobs // IN_FLIGHT))
        _report("Python", [b for b, _ in times], [s for _, s in times], shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=20000)
    jobs = parser.parse_args().jobs
    print(f"us          blocking  submitted      added     99 %  {IN_FLIGHT} in flight")
    _time_c(jobs)
    _time_python(jobs)
    print("added: median of submitted less blocking, one after the other (aim: at most 50 us)")


if __name__ == "__main__":
    main()
