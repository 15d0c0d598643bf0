"""What jobs report: one result for a whole convolution, and old calibrations flagged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device
from driver.plan import ConvolutionPlan
from driver.result import CALIBRATION_MAX_AGE_S, JobResult, one_result

N = 16
X = np.random.default_rng(1).random((2, 3, 24, 20), dtype=np.float32)
W = np.random.default_rng(2).standard_normal((4, 3, 3, 3)).astype(np.float32)

Targets = Callable[..., NDArray[np.complex64]]


def last(device: Device) -> JobResult:
    assert device.last_result is not None
    return device.last_result


def test_results_add_up() -> None:
    first = JobResult(1.0, 2.0, 10, 80, 1, 2, 0, False, False)
    second = JobResult(2.0, 5.0, 20, 160, 3, 4, 7, True, False)
    both = JobResult(1.0, 5.0, 30, 240, 4, 6, 7, True, False)
    assert one_result([first, second]) == both
    assert one_result([first]) == first
    assert one_result([replace(first, calibration_stale=True), second]).calibration_stale


def test_a_convolution_is_one_job(lab: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both passes, of all chunks."""
    monkeypatch.setattr("driver.kernel_parts.CHUNK_BYTES", 0)
    plan = ConvolutionPlan.for_shapes(X.shape, W.shape, grid=N)
    assert len(plan.chunks(plan.parts[0])) > 1
    lab.idle(1.0)
    lab.convolve2d(X, W)
    told, result = lab.telemetry(), last(lab)
    assert (result.start_s, result.end_s) == (1.0, told.device_time_s)
    assert (result.frames, result.exposures) == (told.frames, told.exposures)
    assert (result.pilots, result.retries) == (told.pilots, told.retries)
    assert result.frames - result.pilots - result.retries == plan.frames


def test_saturation_in_the_first_pass_is_seen(lab: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pass 1 alone saturates: it runs with a calibration that takes the light for 8 times less."""
    honest = lab.calibration
    assert honest is not None
    transform = lab.transform

    def pass_of(frames: object, *, inverse: bool, **how: Any) -> object:
        output = honest.output_map if inverse else honest.output_map / 8
        lab.load_calibration(replace(honest, output_map=output))
        return transform(frames, inverse=inverse, retries=0, **how)

    monkeypatch.setattr(lab, "transform", pass_of)
    lab.convolve2d(X, W)
    result = last(lab)
    assert result.saturated
    assert result.saturations == lab.telemetry().saturations > 0


def test_every_thread_has_its_own_last_result(lab: Device, targets: Targets) -> None:
    lab.convolve2d(X, W)
    mine = last(lab)
    seen: list[JobResult | None] = [lab.last_result]

    def work() -> None:
        seen.append(lab.last_result)
        lab.transform(targets(3, N, N), track=False)
        seen.append(lab.last_result)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert seen[1] is None
    assert seen[2] is not None
    assert seen[2].frames - seen[2].retries == 3
    assert last(lab) == mine
    lab.transform(targets(2, N, N), track=False, retries=0)
    assert last(lab).frames == 2  # a job of its own again


def test_an_old_calibration_is_used_and_flagged(lab: Device, targets: Targets) -> None:
    x = targets(2, N, N)
    lab.idle(CALIBRATION_MAX_AGE_S - 1)
    lab.transform(x)
    assert not last(lab).calibration_stale
    lab.idle(2)
    lab.transform(x)
    assert last(lab).calibration_stale
    lab.convolve2d(X, W)
    assert last(lab).calibration_stale
    lab.expose(lab.encode(x).codes)  # counts know no calibration
    assert not last(lab).calibration_stale
    lab.transform(x[:0])  # nor does nothing
    assert not last(lab).calibration_stale


def test_age_counts_from_the_calibration(lab: Device, targets: Targets) -> None:
    """One of a time that this clock has yet to reach has no known age."""
    ours = lab.calibration
    assert ours is not None
    lab.idle(CALIBRATION_MAX_AGE_S + 10)
    later = 1000 * round((CALIBRATION_MAX_AGE_S + 10) * 1e9)
    for time_ns, old in ((0, True), (20_000_000_000, False), (later, False)):
        lab.load_calibration(replace(ours, device_time_ns=time_ns))
        lab.transform(targets(1, N, N))
        assert last(lab).calibration_stale == old, time_ns
