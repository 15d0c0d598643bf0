"""Checks of the light: dark is dark, more light is more, and what is claimed to repeat repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.conformance.registry import check
from driver.conformance.subject import (
    Skipped,
    Subject,
    codes_for,
    counts_of,
    expect,
    last,
    references,
)
from driver.device import Device
from driver.errors import CapabilityError


def _mean(device: Device, **options: Any) -> float:
    return float(np.mean(counts_of(device, 4, **options), dtype=np.float64))


def _lit(device: Device) -> dict[str, Any]:
    """How to get light onto the camera; skips where nothing brings any."""
    mode = "only" if "only" in references(device.info) else "off"
    options: dict[str, Any] = {"reference": mode, "launch_step": 0}
    lit, dark = _mean(device, **options), _mean(device, **options, laser="off")
    if lit == dark:
        low, high = device.info.timing.exposure_range_us
        others = (
            _mean(device, **options, exposure_us=low),
            _mean(device, **options, exposure_us=high),
            _mean(device, reference="off", launch_step=0),
        )
        expect(set(others) == {lit}, f"the laser, on or off, changes nothing: {lit:.1f} DN")
        raise Skipped("no light reaches the camera, whatever is done")
    return options


@check
def laser_off_is_dark(subject: Subject) -> None:
    """With the laser off, by job or by parameter, counts are those of darkness."""
    with subject.open() as device:
        options = _lit(device)
        lit, dark = _mean(device, **options), _mean(device, **options, laser="off")
        others = {
            "other codes": _mean(device, **options, laser="off", salt=1),
            "the reference off": _mean(device, laser="off", reference="off"),
            "the brightest launch step": _mean(device, laser="off", reference="off", launch_step=0),
        }
        device.params["laser_enabled"] = False
        others["laser_enabled False"] = _mean(device, **options)
        device.params["laser_enabled"] = True
    expect(dark < lit, f"{dark:.1f} DN in the dark, {lit:.1f} DN in the light")
    for what, mean in others.items():
        # A twentieth of the light is far above the noise of a mean over 4 frames of pixels.
        expect(
            abs(mean - dark) < 0.05 * (lit - dark),
            f"dark counts change from {dark:.1f} to {mean:.1f} DN with {what}",
        )


@check
def more_light_is_more(subject: Subject) -> None:
    """A longer exposure, more laser power and a lower launch step give no fewer counts."""
    with subject.open() as device:
        options = _lit(device)
        low, high = device.info.timing.exposure_range_us
        short = max(low, device.info.timing.exposure_us / 4)
        pairs = {
            "a longer exposure": (
                _mean(device, **options, exposure_us=short),
                _mean(device, **options, exposure_us=min(high, 2 * short)),
            ),
            "a lower launch step": (
                _mean(device, reference="off", launch_step=device.info.nominal.launch_steps - 1),
                _mean(device, reference="off", launch_step=0),
            ),
        }
        power = float(device.params["laser_mw"])
        bright = _mean(device, **options)
        device.params["laser_mw"] = power / 2
        pairs["more laser power"] = (_mean(device, **options), bright)
    for what, (less, more) in pairs.items():
        expect(more > less, f"{what} takes the mean from {less:.1f} to {more:.1f} DN")


@check
def codes_matter(subject: Subject) -> None:
    """Other codes give other counts."""
    with subject.open() as device:
        _lit(device)
        mean = [
            np.mean(counts_of(device, 8, reference="off", launch_step=0, salt=salt), axis=(0, 1))
            for salt in (0, 0, 1)
        ]
    same = float(np.linalg.norm(mean[0] - mean[1]))
    other = float(np.linalg.norm(mean[0] - mean[2]))
    expect(
        other > same, f"other codes change the mean image by {other:.2g}, the same by {same:.2g}"
    )


def _life(device: Device, jobs: tuple[int, ...]) -> NDArray[Any]:
    """Counts of the same eight frames, in these jobs."""
    mode = next(iter(references(device.info)))
    codes, launch = codes_for(device, 8), np.arange(8) % device.info.nominal.launch_steps
    seen, first = [], 0
    for count in jobs:
        part = slice(first, first + count)
        seen.append(device.expose(codes[part], reference=mode, launch_step=launch[part]))
        first += count
    return np.concatenate(seen)


@check
def repeatability(subject: Subject) -> None:
    """Opened alike and asked alike, a device that claims it counts exactly alike."""
    seen = []
    for _ in range(2):
        with subject.open() as device:
            if not device.info.reproducible:
                raise Skipped("this device does not claim to be reproducible")
            seen.append(_life(device, (8,)))
    expect(np.array_equal(seen[0], seen[1]), f"{int(np.sum(seen[0] != seen[1]))} counts differ")


@check
def splits(subject: Subject) -> None:
    """A device that claims to be reproducible counts alike however frames are split into jobs."""
    seen = []
    for jobs in ((8,), (3, 5), (1,) * 8):
        with subject.open() as device:
            if not device.info.reproducible:
                raise Skipped("this device does not claim to be reproducible")
            seen.append(_life(device, jobs))
    for jobs_counts in seen[1:]:
        expect(np.array_equal(seen[0], jobs_counts), "counts depend on how frames make jobs")


@check
def transform(subject: Subject) -> None:
    """encode, expose and decode work from the data sheet, and give finite numbers."""
    with subject.open() as device:
        n = device.n
        x = np.exp(2j * np.pi * np.random.default_rng(1).random((3, n, n))).astype(np.complex64)
        try:
            encoded = device.encode(x)
            device.transform(x[:1])
        except CapabilityError as why:
            raise Skipped(str(why)) from None
        expect(encoded.codes.shape == (3, 2, 2, n, n), f"codes of shape {encoded.codes.shape}")
        expect(encoded.codes.max() <= device.info.code_max, "a code is beyond the converter")
        y = device.decode(device.expose(encoded.codes), encoded)
        expect(y.shape == x.shape, f"decode gives the shape {y.shape}")
        expect(np.all(np.isfinite(y)), "decode gives numbers that are not finite")
        z = device.transform(x)
        expect(z.shape == x.shape, f"transform gives the shape {z.shape}")
        expect(np.all(np.isfinite(z)), "transform gives numbers that are not finite")
        expect(last(device).finished == 3, f"{last(device).finished} of 3 items are whole")
