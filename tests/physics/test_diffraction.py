"""Textbook optics through the device boundary: codes in, counts out, and what a book says of them.

The devices are `ideal` ones, which take unquantised drive and give unquantised counts, with one
effect switched on where a test is about it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import j1

from driver import Device, open_device
from optical_device.fabrication import fabricate
from optical_device.lens import axis_maps
from optical_device.profile import load_profile

Floats = NDArray[np.float64]

FULL_TURNS = 2.8
"""Power of a heater at full drive over that for a phase of pi: `ideal` has 1.4 and 0.5 mW."""

RATE_DN = 1e5 * 100.0 * 0.72 / 25.0
"""Counts of `ideal` where the transform is 1, at launch step 0: rate, exposure, QE, gain."""


def opened(n: int, **overrides: Any) -> Device:
    return open_device("emulator:ideal", seed=7, threads=1, device__n=n, **overrides)


def drive(phase_rad: Floats) -> NDArray[np.float32]:
    """Relative voltage for a phase in [0, 2 pi): psi = pi P / P_pi and P = P_full u^2."""
    return np.sqrt(np.mod(phase_rad, 2 * np.pi) / (np.pi * FULL_TURNS)).astype(np.float32)


def codes_of(field: NDArray[Any]) -> NDArray[np.float32]:
    """Codes (n, 2, 2, N, N) that make fields of at most 1: t = cos(theta/2) e^{i (theta/2 + phi)}.

    Stage b stays at 0, where it passes everything.
    """
    codes = np.zeros((len(field), 2, 2, *field.shape[1:]), np.float32)
    theta = 2.0 * np.arccos(np.abs(field))
    codes[:, 0, 0] = drive(theta)
    codes[:, 0, 1] = drive(np.angle(field) - theta / 2.0)
    return codes


def intensity(device: Device, field: NDArray[Any], launch_step: int = 0) -> Floats:
    """Counts of the signal alone."""
    counts = device.expose(codes_of(field), "off", launch_step=launch_step)
    return np.asarray(counts[:, 0], dtype=np.float64)


def disc(n: int, radius: float, finer: int = 32) -> Floats:
    """Share of each pixel that lies in a disc about pixel (n//2, n//2)."""
    x = np.arange(n * finer).reshape(n, finer) / finer + 0.5 / finer - 0.5 - n // 2
    x = x.ravel()
    inside = x[:, None] ** 2 + x[None, :] ** 2 <= radius**2
    return inside.reshape(n, finer, n, finer).mean((1, 3))


def test_a_round_aperture_makes_the_airy_pattern() -> None:
    n, ring = 128, 4
    radius = 3.8317059702 * n / (2 * np.pi * ring)  # first dark ring at 4 px: 1.22 lambda f / D
    with opened(n) as device:
        seen = intensity(device, disc(n, radius)[None])[0]
    amplitude = np.sqrt(seen / seen[n // 2, n // 2])
    u = np.arange(n) - n // 2
    x = 2 * np.pi * radius / n * np.hypot(u[:, None], u[None, :])
    x[n // 2, n // 2] = 1e-9
    pixel = np.sinc(u / n)  # of emitters that fill their pitch
    airy = np.abs(2 * j1(x) / x * np.outer(pixel, pixel))
    near = np.abs(u) <= 20
    # Sampling the aperture repeats the pattern every n: the four neighbours' tails, below
    # 2 sqrt(2 / pi x) / x sinc(0.84) at x = 2 pi R 108 / 128, are 2.8e-4 each.  1024 points per
    # pixel on some 160 pixels of the rim add 5e-5; float32, rounding of 1e-6 of the peak.
    error = np.abs(amplitude - airy)[np.ix_(near, near)]
    assert error.max() < 4 * 2.8e-4 + 2e-4
    on_ring = [amplitude[n // 2 + r, n // 2 + c] for r, c in ((0, 4), (4, 0), (0, -4), (-4, 0))]
    assert max(on_ring) < 4 * 2.8e-4 + 2e-4
    # Brightest place of the first bright ring, 1.75 % of the peak at x = 5.136.
    assert airy[n // 2, n // 2 + 5] == pytest.approx(np.sqrt(0.0175), abs=0.01)


def test_the_camera_sees_the_power_that_the_chip_sends_out() -> None:
    # Parseval: with an orthonormal transform, the sum of counts is that of cos^2 cos^2 of the
    # heaters' phases, whatever phi does.
    rng = np.random.default_rng(1)
    with opened(32) as device:
        codes = rng.random((3, 2, 2, 32, 32), dtype=np.float32)
        counts = device.expose(codes, "off", launch_step=0)
    theta = np.pi * FULL_TURNS * codes[:, :, 0].astype(np.float64) ** 2
    sent = np.prod(np.cos(theta / 2) ** 2, axis=1).sum((-2, -1))
    # Phases to 9 rad, in float32 within 1e-6 of them; 1024 of them are summed, at random.
    np.testing.assert_allclose(counts.sum((1, 2, 3), dtype=np.float64), RATE_DN * sent, rtol=1e-5)


@pytest.mark.parametrize("shift", [(3, -2), (16, 5)])
def test_a_ramp_on_the_chip_moves_the_picture_on_the_camera(shift: tuple[int, int]) -> None:
    # Shift theorem, forwards: the ramp of +k turns across the grid adds k to u.
    n = 32
    rng = np.random.default_rng(2)
    field = 0.9 * rng.random((n, n)) * np.exp(2j * np.pi * rng.random((n, n)))
    r = np.arange(n)
    ramp = np.exp(2j * np.pi * (shift[0] * r[:, None] + shift[1] * r[None, :]) / n)
    with opened(n) as device:
        straight, moved = intensity(device, np.stack([field, field * ramp]))
    error = np.abs(moved - np.roll(straight, shift, axis=(0, 1))).max()
    # Each of 1024 emitters is off by some 1e-6 rad of its own: 3e-8 n of the field's sum.
    assert error < 1e-4 * straight.max()


def test_a_figure_moved_on_the_chip_stays_where_it_is_on_the_camera() -> None:
    # Shift theorem, backwards: only the spectrum's phase changes.
    rng = np.random.default_rng(3)
    field = np.zeros((32, 32), complex)
    field[10:16, 8:17] = rng.random((6, 9)) * np.exp(2j * np.pi * rng.random((6, 9)))
    with opened(32) as device:
        here, there = intensity(device, np.stack([field, np.roll(field, (5, -3), (0, 1))]))
    assert np.abs(there - here).max() < 1e-4 * here.max()


@pytest.mark.parametrize("waves_rms", [0.02, 0.05, 1 / 14])
def test_the_strehl_ratio_on_the_camera_is_marechals(waves_rms: float) -> None:
    flat, n = np.ones((1, 32, 32)), 32
    for seed in range(6):
        options = {"device__n": n, "lens__aberration_waves_rms": waves_rms}
        with open_device("emulator:ideal", seed=seed, threads=1, **options) as device:
            peak = intensity(device, flat)[0, n // 2, n // 2]
        strehl = peak / (RATE_DN * n**2)
        sigma2 = (2 * np.pi * waves_rms) ** 2
        # ln S = -k2 + k4 / 12 - ... in the wavefront's cumulants; the sixth and on are under
        # sigma^6 for a wavefront within 4 sigma.  The truth supplies its fourth.
        truth = fabricate(load_profile("ideal", **options), seed).input_map / axis_maps(n)[0]
        phase = np.angle(truth)
        fourth = np.mean(phase**4) - 3.0 * np.mean(phase**2) ** 2
        assert np.log(strehl) == pytest.approx(-sigma2, abs=abs(fourth) / 12 + sigma2**3)
        if waves_rms == 1 / 14:
            # Marechal's limit: a good picture has S >= 0.8.  exp(-sigma^2) is 0.818.
            assert 0.80 < strehl < 0.84


@pytest.mark.parametrize("fraction", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("stray", [0.0, 150.0])
def test_two_beams_interfere_with_the_visibility_of_their_intensities(
    fraction: float, stray: float
) -> None:
    # V = 2 sqrt(I1 I2) / (I1 + I2 + background): signal and reference, each measured alone.
    n, steps = 8, 24
    turn = np.exp(2j * np.pi * np.arange(steps) / steps)
    field = np.ones((n, n)) * turn[:, None, None]
    options = {"reference__fraction": fraction, "lens__stray_rate_photons_per_us": stray}
    with opened(n, **options) as device:
        codes = codes_of(field)
        one, two, both = (
            device.expose(codes, reference, launch_step=31)[:, 0, n // 2, n // 2].astype(float)
            for reference in ("off", "only", "steps")
        )
    background = stray * 100.0 * 0.72 / 25.0
    i1, i2 = one.mean() - background, two.mean() - background
    # A cosine over whole periods: its amplitude and mean are two coefficients of a DFT.
    spectrum = np.fft.fft(both) / steps
    seen = 2 * abs(spectrum[1]) / spectrum[0].real
    expected = 2 * np.sqrt(i1 * i2) / (i1 + i2 + background)
    # A sum of 64 emitters with float32 phases.
    assert seen == pytest.approx(expected, rel=1e-5)
    assert np.abs(spectrum[2:-1]).max() < 1e-5 * spectrum[0].real
    assert 0.05 < expected < 0.99
    # The signal turns forwards against the reference: the first sideband's phase is that of
    # S conj(R), by the axis maps 0 at the axis.
    assert abs(np.angle(spectrum[1])) < 1e-4


@pytest.mark.parametrize("amplitude", [1.0, 0.3])
def test_two_emitters_make_youngs_fringes(amplitude: float) -> None:
    n, apart = 64, 5
    field = np.zeros((1, n, n))
    field[0, 20, 30], field[0, 20, 30 + apart] = 1.0, amplitude
    with opened(n) as device:
        seen = intensity(device, field)[0]
    u = np.arange(n) - n // 2
    fringes = 1.0 + amplitude**2 + 2.0 * amplitude * np.cos(2 * np.pi * apart * u / n)
    expected = np.tile(RATE_DN / n**2 * fringes, (n, 1))
    # A shut emitter leaks up to 2e-7 of its field (theta = pi in float32), all of them alike: 4094
    # of them meet on the axis with 8e-4 of an emitter's field, twice that in intensity.  Elsewhere
    # there is float32's rounding of the two.
    error = np.abs(seen - expected) / expected.max()
    assert error[n // 2, n // 2] < 2e-3
    error[n // 2, n // 2] = 0.0
    assert error.max() < 5e-6
