"""Three exposures, four exposures and the complex truth, at the boundary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boundary import FORMS, Complexes, Floats, codes_of, four_steps, opened
from numpy.typing import NDArray

N = 16
LAUNCH = 12
DN_PER_PHOTON_RATE = 100.0 * 0.72 / 25.0
"""Of `ideal`: exposure, quantum efficiency, gain."""
BEAM = np.sqrt(200.0)
"""Reference of `ideal` [sqrt(photons/us)]."""


def truth(field: NDArray[Any]) -> Complexes:
    """Spectrum about the axis [sqrt(photons/us)]: signal rate 1e5 at 1.5 dB a launch step."""
    rate = 1e5 * 10 ** (-0.15 * LAUNCH)
    shifted = np.fft.ifftshift(field, axes=(-2, -1))
    return np.asarray(np.sqrt(rate) * np.fft.fftshift(np.fft.fft2(shifted, norm="ortho"), (-2, -1)))


def fields() -> Complexes:
    rng = np.random.default_rng(6)
    return 0.9 * rng.random((3, N, N)) * np.exp(2j * np.pi * rng.random((3, N, N)))


def photons(counts: NDArray[Any]) -> Floats:
    return np.asarray(counts, dtype=np.float64) / DN_PER_PHOTON_RATE


def by_three(counts: NDArray[Any], beam_alone: NDArray[Any]) -> Complexes:
    """S r* of |S|^2, |S + r|^2, |S + i r|^2 and |r|^2."""
    blocked, straight, quarter = (photons(counts[..., k, :, :]) for k in range(3))
    rest = photons(beam_alone)[..., 0, :, :]
    return np.asarray(((straight - blocked - rest) + 1j * (quarter - blocked - rest)) / 2.0)


@pytest.mark.parametrize("form", FORMS)
def test_three_and_four_steps_see_the_complex_truth(form: str) -> None:
    codes, expected = codes_of(fields()), truth(fields())
    with opened(form, "ideal", 7, device__n=N) as device:
        four = four_steps(device.expose(codes, launch_step=LAUNCH)) / (4 * DN_PER_PHOTON_RATE)
    with opened(form, "ideal", 7, device__n=N, device__detection="three_step") as device:
        counts = device.expose(codes, launch_step=LAUNCH)
        assert counts.shape == (3, 3, N, N)
        alone = device.expose(codes[:1], "only", launch_step=LAUNCH)
    three = by_three(counts, alone)
    # float32: counts to 1e-7 of the largest intensity, some (|S| + r)^2.
    rounding = 1e-6 * float((np.abs(expected).max() + BEAM) ** 2)
    assert np.abs(four / BEAM - expected).max() < rounding / BEAM
    assert np.abs(three / BEAM - expected).max() < 3 * rounding / BEAM
    # The blocked step is the intensity itself.
    np.testing.assert_allclose(
        photons(counts[:, 0]), np.abs(expected) ** 2, rtol=1e-4, atol=rounding
    )


@pytest.mark.parametrize("form", FORMS)
def test_both_see_the_same_imperfect_optics(form: str) -> None:
    # Aberration, static phases, splitting tree, extinction: one specimen, two ways to look at it.
    seen = {}
    options = {
        "device__n": N,
        "lens__aberration_waves_rms": 0.05,
        "lens__element_width_fraction": 0.5,
        "modulator__static_phase_range_rad": 6.28,
        "modulator__extinction_min_db": 25.0,
        "modulator__extinction_max_db": 30.0,
        "source__tree_amplitude_spread": 0.05,
    }
    codes = codes_of(fields())
    for kind in ("four_step", "three_step"):
        with opened(form, "ideal", 3, device__detection=kind, **options) as device:
            counts = device.expose(codes, launch_step=LAUNCH)
            alone = device.expose(codes[:1], "only", launch_step=LAUNCH)
        if kind == "three_step":
            seen[kind] = by_three(counts, alone)
        else:
            seen[kind] = four_steps(counts) / (4 * DN_PER_PHOTON_RATE)
    reference = seen["four_step"]
    scale = np.abs(reference).max()
    assert np.abs(seen["three_step"] - reference).max() < 3e-5 * scale
    # And it is not the perfect optics' spectrum.
    assert np.abs(reference / BEAM - truth(fields())).max() > 0.05 * scale / BEAM


@pytest.mark.parametrize("form", FORMS)
def test_intensity_detection_sees_the_power_alone(form: str) -> None:
    codes, expected = codes_of(fields()), truth(fields())
    with opened(form, "ideal", 7, device__n=N, device__detection="intensity") as device:
        counts = device.expose(codes, "off", launch_step=LAUNCH)
    assert counts.shape == (3, 1, N, N)
    rounding = 1e-6 * float(np.abs(expected).max() ** 2)
    np.testing.assert_allclose(photons(counts[:, 0]), np.abs(expected) ** 2, atol=10 * rounding)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("detection", "alone_at"), [("four_step", 0), ("three_step", 1)])
def test_the_reference_alone_is_the_first_open_step(
    form: str, detection: str, alone_at: int
) -> None:
    # With the signal dimmed to nothing, the step's own exposure shows the reference alone.
    codes = np.zeros((1, 2, 2, N, N), np.float32)
    codes[:, :, 0] = np.sqrt(1 / 2.8)  # shut, twice
    with opened(form, "ideal", 7, device__n=N, device__detection=detection) as device:
        steps = photons(device.expose(codes, launch_step=31))[0]
        alone = photons(device.expose(codes, "only", launch_step=31))[0, 0]
    np.testing.assert_allclose(alone, BEAM**2, rtol=1e-5)
    np.testing.assert_allclose(steps[alone_at], alone, rtol=1e-4)
    if detection == "three_step":
        assert steps[0].max() < 1e-6 * BEAM**2
