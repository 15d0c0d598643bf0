"""Checks of the raw boundary: codes in, counts out, and time passes exactly as the timing says."""

from __future__ import annotations

from typing import Any

import numpy as np

from driver.conformance.registry import check
from driver.conformance.subject import (
    Subject,
    codes_for,
    counts_of,
    expect,
    last,
    references,
    refused,
)
from driver.device import Device
from driver.errors import DTypeError, ShapeError, ValueRangeError


@check
def counts(subject: Subject) -> None:
    """Counts have their shape and type for every reference, and the converter can make them."""
    with subject.open() as device:
        n, info = device.n, device.info
        for reference, steps in references(info).items():
            for exposures in (None, 1, 3):
                launch = None if exposures is None else np.full((2, exposures), 1, np.uint8)
                seen = counts_of(device, 2, reference=reference, launch_step=launch)
                wanted = (2, steps, n, n) if exposures is None else (2, exposures, steps, n, n)
                expect(seen.shape == wanted, f"{reference}: shape {seen.shape}, not {wanted}")
                expect(seen.dtype == info.count_dtype, f"{reference}: dtype {seen.dtype}")
                expect(np.all(np.isfinite(seen)), f"{reference}: counts are not finite")
                expect(
                    seen.max() <= info.count_max,
                    f"{reference}: counts reach {seen.max()}; {info.adc_bits} bits hold less",
                )


@check
def refusals(subject: Subject) -> None:
    """Codes and settings of a wrong type, shape or range are refused before any frame."""
    with subject.open() as device:
        good, info = codes_for(device, 2), device.info
        mode: dict[str, Any] = {"reference": next(iter(references(info)))}
        wrong: list[tuple[str, Any, dict[str, Any], Any]] = [
            ("codes of float64", good.astype(np.float64), {}, DTypeError),
            ("codes of int8", good.astype(np.int8), {}, DTypeError),
            ("one frame without its axis", good[0], {}, ShapeError),
            ("codes of one stage", good[:, :1], {}, ShapeError),
            ("codes of a smaller grid", good[..., :-1], {}, ShapeError),
            ("a launch step too many", good, {"launch_step": 255}, ValueRangeError),
            ("launch steps of other frames", good, {"launch_step": [1, 1, 1]}, ShapeError),
            ("an exposure of 0", good, {"exposure_us": 0.0}, ValueRangeError),
            ("an exposure too long", good, {"exposure_us": 1e12}, ValueRangeError),
            ("an unknown reference", good, {"reference": "both"}, ValueRangeError),
            ("an unknown laser", good, {"laser": "dim"}, ValueRangeError),
        ]
        if info.dac_bits < 16:
            high = good.copy()
            high[1, 1, 0, -1, -1] = info.code_max + 1
            wrong.append(("a code beyond the converter", high, {}, ValueRangeError))
        for what, codes, options, error in wrong:
            with refused(device, what, error):
                device.expose(codes, **{**mode, **options})
        expect(len(device.expose(good, **mode)) == 2, "it does not work after refusals")


@check
def codes_are_left_alone(subject: Subject) -> None:
    """Exposing changes no code and keeps no hold on the caller's arrays."""
    with subject.open() as device:
        codes = codes_for(device, 2)
        kept = codes.copy()
        mode = next(iter(references(device.info)))
        first = device.expose(codes, reference=mode)
        before = first.copy()
        expect(np.array_equal(codes, kept), "codes were changed")
        codes[...] = 0
        device.expose(codes, reference=mode)
        expect(np.array_equal(first, before), "the counts of a job changed after it")


def _spent(device: Device, frames: int, exposures: int, **options: Any) -> tuple[int, int]:
    """Device time that a job took, and what the timing says of it and its lost frames [ns]."""
    before = device.params["device_time_s"]
    launch = np.full((frames, exposures), 1, np.uint8)
    counts_of(device, frames, launch_step=launch, **options)
    spent = float(device.params["device_time_s"]) - float(before)
    t, exposure = device.info.timing, options.get("exposure_us", device.info.timing.exposure_us)
    steps = references(device.info)[options["reference"]]
    ns = {
        "frame": round(1e3 * t.write_us) + round(1e3 * t.settle_us),
        "step": round(1e3 * float(exposure)) + round(1e3 * t.readout_us),
    }
    all_frames = frames + last(device).lost_frames
    return round(1e9 * spent), all_frames * (ns["frame"] + exposures * steps * ns["step"])


@check
def time(subject: Subject) -> None:
    """Device time passes exactly as the timing says, to the nanosecond."""
    with subject.open() as device:
        t = device.info.timing
        for reference in references(device.info):
            for frames, exposures in ((1, 1), (3, 2)):
                for exposure in (t.exposure_us, t.exposure_range_us[0]):
                    spent, wanted = _spent(
                        device, frames, exposures, reference=reference, exposure_us=exposure
                    )
                    expect(
                        spent == wanted,
                        f"{frames} frames of {exposures} exposures, reference {reference}, "
                        f"{exposure:g} us: {spent} ns, by the timing {wanted} ns",
                    )


@check
def frames_are_counted(subject: Subject) -> None:
    """Telemetry and results count frames and exposures, and jobs follow one another in time."""
    with subject.open() as device:
        mode, steps = next(iter(references(device.info).items()))
        frames = exposures = 0
        end = 0.0
        for count in (1, 3, 0, 2):
            counts_of(device, count, reference=mode, salt=count)
            if count == 0:
                continue  # no job
            result = last(device)
            expect(result.frames == count, f"a job of {count} frames counted {result.frames}")
            expect(result.finished == count, f"only {result.finished} of {count} frames are whole")
            expect(result.start_s == end, f"a job began at {result.start_s} s, not {end} s")
            end = result.end_s
            frames += count + result.lost_frames
            exposures += (count + result.lost_frames) * steps
        told = device.telemetry()
        expect(told.frames == frames, f"telemetry counts {told.frames} frames, not {frames}")
        expect(told.exposures == exposures, f"{told.exposures} exposures, not {exposures}")
        expect(told.device_time_s == end, f"the clock stands at {told.device_time_s} s, not {end}")


@check
def idle(subject: Subject) -> None:
    """Idle time passes exactly; negative and endless times are refused."""
    with subject.open() as device:
        for seconds in (0.0, 1.5, 1e-9, 3600.0):
            before = device.telemetry()
            device.idle(seconds)
            after = device.telemetry()
            passed = round(1e9 * after.device_time_s) - round(1e9 * before.device_time_s)
            expect(passed == round(1e9 * seconds), f"{seconds} s of idling took {passed} ns")
            expect(after.frames == before.frames, "idling exposed a frame")
        for seconds in (-1.0, float("nan"), float("inf")):
            with refused(device, f"idle({seconds})", ValueRangeError):
                device.idle(seconds)
        counts_of(device, 1)


@check
def nothing_takes_no_time(subject: Subject) -> None:
    """A job of no frames gives no counts and takes no time."""
    with subject.open() as device:
        before = device.telemetry()
        seen = counts_of(device, 0)
        after = device.telemetry()
        expect(len(seen) == 0, f"counts of {len(seen)} frames came back")
        expect(after.device_time_s == before.device_time_s, "time passed")
