"""Checks of a device's life: the queue, threads, closing, forks."""

from __future__ import annotations

import os
import threading
import time as clock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.conformance.registry import check
from driver.conformance.subject import (
    Failed,
    Skipped,
    Subject,
    codes_for,
    counts_of,
    expect,
    refused,
)
from driver.device import Device
from driver.errors import ClosedDeviceError, ErrorCode, ForkedDeviceError, ValueRangeError
from driver.library import check as check_status
from driver.library import ffi, lib, pointer, struct

PATIENCE_S = 60.0
"""What hasn't ended after so long hangs."""


class _Job:
    """A job of one frame, reference off, submitted through C; its counts begin as 77."""

    def __init__(self, device: Device, handle: Any) -> None:
        info = device.info
        self.codes = codes_for(device, 1)
        self.steps: NDArray[np.uint8] = np.zeros(1, np.uint8)
        self.counts: NDArray[Any] = np.full((1, device.n, device.n), 77, info.count_dtype)
        job = struct(
            "odev_expose_job",
            frames=1,
            exposures=1,
            reference=lib.ODEV_REFERENCE_OFF,
            laser_on=1,
            exposure_ns=round(1000 * info.timing.exposure_us),
            codes=pointer(self.codes, info.code_dtype, "const void *"),
            launch_step=pointer(self.steps, np.uint8, "const uint8_t *"),
            counts=pointer(self.counts, info.count_dtype, "void *"),
        )
        ticket = ffi.new("odev_ticket **")
        check_status(lib.odev_submit_expose(handle, job, ticket))
        self.ticket = ticket[0]

    @property
    def untouched(self) -> bool:
        """Whether nothing was written to its counts."""
        return bool(np.all(self.counts == 77))

    def wait(self, seconds: float) -> int:
        """Wait for it; its status."""
        return int(lib.odev_wait(self.ticket, round(1e9 * seconds), ffi.NULL))


@check
def tickets(subject: Subject) -> None:
    """Submitted jobs all end, in order, and a wait that is too short leaves its ticket good."""
    with subject.open() as device, device._handle.use() as handle:
        jobs = [_Job(device, handle) for _ in range(8)]
        early = jobs[-1].wait(0.0)
        late = {ErrorCode.ODEV_OK, ErrorCode.ODEV_ERR_TIMEOUT}
        expect(early in late, f"a wait of no time gives status {early}")
        again = jobs if early else jobs[:-1]
        seen = [job.wait(PATIENCE_S) for job in again]
        expect(not any(seen), f"jobs end with the statuses {seen}")
        told = device.telemetry()
        frames = told.frames - told.lost_frames
        expect(frames == 8, f"{frames} frames are counted for 8 jobs")


@check
def cancelling(subject: Subject) -> None:
    """A cancelled job either ran to its end or touched nothing, and no frame is counted for it."""
    with subject.open() as device, device._handle.use() as handle:
        jobs = [_Job(device, handle) for _ in range(12)]
        for job in jobs[1::2]:
            check_status(lib.odev_cancel(job.ticket))
        statuses = [job.wait(PATIENCE_S) for job in jobs]
        cancelled = ErrorCode.ODEV_ERR_CANCELLED
        expect(not any(statuses[::2]), f"jobs not cancelled end with {statuses[::2]}")
        expect(set(statuses[1::2]) <= {0, cancelled}, f"cancelled jobs end with {statuses[1::2]}")
        touched = [not job.untouched for job, s in zip(jobs, statuses, strict=True) if s]
        expect(not any(touched), "a cancelled job wrote counts")
        told = device.telemetry()
        ran = statuses.count(0)
        frames = told.frames - told.lost_frames
        expect(frames == ran, f"{frames} frames are counted for {ran} jobs that ran")
        expect(told.faults == 0, "a cancelled job counts as failed")
        counts_of(device, 1)


@check
def threads(subject: Subject) -> None:
    """Many threads share a device: every job gets counts of its own, and all are counted."""
    failures: list[BaseException] = []

    def work(device: Device, lane: int) -> None:
        try:
            for _ in range(3):
                seen = counts_of(device, 2, reference="off", salt=lane)
                expect(len(seen) == 2, f"a job of 2 frames gave {len(seen)}")
                device.idle(1e-6)
                device.telemetry()
        except BaseException as error:
            failures.append(error)

    with subject.open() as device:
        lanes = [threading.Thread(target=work, args=(device, i), daemon=True) for i in range(4)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join(PATIENCE_S)
            expect(not lane.is_alive(), "a thread hangs")
        if failures:
            raise failures[0]
        told = device.telemetry()
        frames = told.frames - told.lost_frames
        expect(frames == 24, f"{frames} frames are counted, not 24")


@check
def telemetry_answers(subject: Subject) -> None:
    """Telemetry answers while jobs run, and its clock and counters never go back."""
    with subject.open() as device:
        worker = threading.Thread(
            target=lambda: counts_of(device, 20, reference="off"), daemon=True
        )
        worker.start()
        before = device.telemetry()
        while worker.is_alive():
            told = device.telemetry()
            expect(told.frames >= before.frames, "the frame counter went back")
            expect(told.device_time_s >= before.device_time_s, "the clock went back")
            before = told
            clock.sleep(1e-3)
        told = device.telemetry()
        frames = told.frames - told.lost_frames
        expect(frames == 20, f"{frames} frames are counted at the end, not 20")


@check
def closing(subject: Subject) -> None:
    """Closing waits for jobs in flight; afterwards everything is refused, a second close too."""
    device = subject.open()
    seen: list[NDArray[Any]] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while True:
                seen.append(counts_of(device, 3, reference="off"))
        except ClosedDeviceError:
            pass
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    deadline = clock.monotonic() + PATIENCE_S
    while not seen and worker.is_alive() and clock.monotonic() < deadline:
        clock.sleep(1e-3)
    closer = threading.Thread(target=device.close, daemon=True)
    closer.start()
    for thread in (closer, worker):
        thread.join(PATIENCE_S)
        expect(not thread.is_alive(), "closing a device that works hangs")
    if failures:
        raise failures[0]
    for what, call in {
        "expose": lambda: counts_of(device, 1),
        "telemetry": device.telemetry,
        "idle": lambda: device.idle(0.0),
        "close": device.close,
    }.items():
        try:
            call()
        except ClosedDeviceError:
            continue
        raise Failed(f"a closed device does not refuse to {what}")


@check
def a_fork(subject: Subject) -> None:
    """In a forked child the device refuses to work, and the parent's goes on."""
    if not hasattr(os, "fork"):
        raise Skipped("this system has no fork")
    with subject.open() as device:
        counts_of(device, 1)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                device.telemetry()
            except ForkedDeviceError:
                status = 0
            finally:
                os._exit(status)
        deadline = clock.monotonic() + PATIENCE_S
        ended, status = os.waitpid(child, os.WNOHANG)
        while not ended and clock.monotonic() < deadline:
            clock.sleep(1e-2)
            ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            os.kill(child, 9)
            os.waitpid(child, 0)
        expect(ended, "the child hangs")
        expect(status == 0, "the child could use the parent's device")
        counts_of(device, 1)


@check
def errors_pass(subject: Subject) -> None:
    """A refused job neither counts as failed nor disturbs the next."""
    with subject.open() as device:
        for _ in range(3):
            with refused(device, "a launch step too many", ValueRangeError):
                counts_of(device, 1, launch_step=255)
            expect(len(counts_of(device, 1)) == 1, "no counts after a refused job")
        expect(device.telemetry().faults == 0, "a refused job counts as failed")
