"""A lot of 4f devices: what lies between their chips is distributed as the profile says."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from optical_device.fabrication import Fabrication, fabricate
from optical_device.lens import axis_maps
from optical_device.profile import load_profile

DEVICES, N = 150, 4
LAB4F = load_profile("lab4f", device__n=N)

BARE = {
    "lens__aberration_waves_rms": 0.0,
    "lens__element_width_fraction": 0.0,
    "lens__camera_shift_px": 0.0,
}


@cache
def lot(**overrides: Any) -> tuple[Fabrication, ...]:
    profile = load_profile("lab4f", device__n=N, **overrides)
    return tuple(fabricate(profile, seed) for seed in range(DEVICES))


def middle(f: Fabrication) -> NDArray[np.complex128]:
    """Complex gain of each emitter of the second chip between perfect lenses."""
    before, after = axis_maps(N)
    return np.asarray(f.middle_map / (before * after))


def distance(sample: Any, cdf: Any) -> float:
    sample = np.ravel(sample)
    return float(stats.kstest(sample, cdf).statistic * np.sqrt(sample.size))


def test_emitters_of_the_second_chip(kolmogorov: float) -> None:
    gains = np.stack([middle(f) for f in lot(**BARE)])
    amplitude = (np.abs(gains) - 1.0) / LAB4F.middle.amplitude_spread
    phase = np.angle(gains) / LAB4F.middle.phase_error_rad
    assert distance(amplitude, stats.norm.cdf) < kolmogorov
    assert distance(phase, stats.norm.cdf) < kolmogorov
    assert np.unique(gains).size == gains.size
    # Not the first chip's own scatter over again.
    first = np.stack([np.abs(f.input_map) for f in lot(**BARE)]) - 1.0
    product = np.mean(first * (np.abs(gains) - 1.0))
    bound = LAB4F.source.tree_amplitude_spread * LAB4F.middle.amplitude_spread
    assert abs(product) < 6.11 * bound / np.sqrt(gains.size)


def test_shifts_of_both_planes(kolmogorov: float) -> None:
    # The spectrum's shift on chip b is the slope of the input map, the camera's of the middle map.
    quiet = {
        "lens__aberration_waves_rms": 0.0,
        "source__tree_phase_error_rad": 0.0,
        "middle__phase_error_rad": 0.0,
    }
    seen: dict[str, list[float]] = {"middle": [], "camera": []}
    for f in lot(**quiet):
        planes = {"middle": f.input_map / axis_maps(N)[0], "camera": middle(f)}
        for name, plane in planes.items():
            for step in (plane[3, 2] / plane[2, 2], plane[2, 3] / plane[2, 2]):
                seen[name].append(-float(np.angle(step)) * N / (2 * np.pi))
    for name, spread in (
        ("middle", LAB4F.middle.shift_px),
        ("camera", LAB4F.lens.camera_shift_px),
    ):
        assert distance(np.array(seen[name]) / spread, stats.norm.cdf) < kolmogorov, name


def test_layout_mft_has_nothing_between_its_chips() -> None:
    f = fabricate(load_profile("lab", device__n=N), 3)
    assert np.all(f.middle_map == 1.0)
    # And a device of the other layout is the same chip otherwise.
    other = fabricate(load_profile("lab", device__n=N, device__layout="4f"), 3)
    np.testing.assert_array_equal(f.p_pi_mw, other.p_pi_mw)
    np.testing.assert_array_equal(f.output_map, other.output_map)
