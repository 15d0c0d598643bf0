"""The chip's own warmth, at the boundary, against a finite-difference chip with insulated edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boundary import FORMS, Floats, behind_chip, four_steps, opened
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from sheet import chip_rise

N = 16
LENGTH = 0.5
K_PER_W, RAD_PER_K, FULL_MW = 40.0, 0.075, 1.4

WARM = {
    "device__n": N,
    "thermal__substrate_k_px_per_w": K_PER_W * N**2,
    "thermal__substrate_length_grids": LENGTH,
    "thermal__ambient_rad_per_k": RAD_PER_K,
}


def codes_for(drive: Floats) -> NDArray[np.float32]:
    """Two frames: all cold; stage a's phi heaters at these voltages."""
    codes = np.zeros((2, 2, 2, N, N), np.float32)
    codes[1, 0, 1] = drive
    return codes


def warmth_seen(form: str, codes: NDArray[np.float32], **options: Any) -> Floats:
    """Temperature rise at each pixel [K], from the phase that no heater's own heat explains.

    Both stages of a pixel have one unbalanced arm: t_a t_b turns by (theta + theta) / 2.
    """
    own = 2.8 * np.pi * codes[1, 0, 1].astype(np.float64) ** 2
    with opened(form, "ideal", 7, **WARM | options) as device:
        fields = behind_chip(four_steps(device.expose(codes, launch_step=12)))
    rise = np.angle(fields[1] / fields[0] * np.exp(-1j * own)) / RAD_PER_K
    # The amplitude says it too: cos^2 of half of each theta.
    dimmed = np.abs(fields[1] / fields[0])
    np.testing.assert_allclose(dimmed, np.cos(RAD_PER_K * rise / 2) ** 2, atol=1e-5)
    return rise


def power_w(codes: NDArray[np.float32]) -> Floats:
    return 1e-3 * FULL_MW * codes[1, 0, 1].astype(np.float64) ** 2


def shapes() -> dict[str, tuple[Floats, float, float]]:
    """Voltages, and what the modes left out cost: largest and RMS, of the mean rise."""
    rng = np.random.default_rng(4)
    quarter, edge = np.zeros((N, N)), np.zeros((N, N))
    quarter[: N // 2, : N // 2] = 1.0
    edge[:2] = 1.0
    return {
        "random": (np.sqrt(rng.random((N, N))), 0.02, 0.006),
        "uniform": (np.full((N, N), 0.8), 1e-5, 1e-5),
        "quarter": (quarter, 0.08, 0.03),
        "edge": (edge, 0.2, 0.06),
    }


def left_out(power: Floats) -> Floats:
    """Mean-normalised temperature of all cosine modes but the first three by three."""
    terms = dctn(power / power.sum() * N**2, norm="ortho")
    order = np.arange(N)
    terms /= 1.0 + (np.pi * LENGTH) ** 2 * (order[:, None] ** 2 + order[None, :] ** 2)
    terms[:3, :3] = 0.0
    return np.asarray(idctn(terms, norm="ortho"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", shapes())
def test_nine_modes_are_the_chip_but_for_what_they_leave_out(form: str, shape: str) -> None:
    drive, largest, rms = shapes()[shape]
    codes = codes_for(drive)
    power = power_w(codes)
    seen = warmth_seen(form, codes)
    chip = K_PER_W * chip_rise(power, LENGTH)
    mean = K_PER_W * power.sum()
    # Mean rise: R times the total power, however it lies.  float32 phases: 1e-6 of pi / 0.075.
    assert seen.mean() == pytest.approx(mean, rel=1e-4)
    error = (seen - chip) / mean
    # Stated: modes with p or m >= 3 are left out; each has at most 1 / (1 + 9 pi^2 / 4) = 4.3 % of
    # the weight of the mean.  A photograph's power is as good as random; a quarter of the chip, or
    # one edge alone, is the worst that is sensible.
    assert np.abs(error).max() < largest
    assert np.sqrt(np.mean(error**2)) < rms
    # And that is all that is left out.  The scheme spreads a pixel's power over the pixel: short
    # waves are dimmer by sinc^2, a hundredth of the mean where half of a mode's weight is.
    assert np.abs(error + left_out(power)).max() < 0.01
    if shape != "uniform":
        # And what is left in is worth having: the rise is not the same everywhere.
        assert np.std(seen) > np.std(error * mean)


@pytest.mark.parametrize("form", FORMS)
def test_one_hot_pixel_is_where_nine_modes_are_too_few(form: str) -> None:
    # A point's peak is a logarithm that no nine waves follow: near kernel and ring are for that.
    # Two sigmas of it lie within three pixels; at half a chip's distance they agree to 5 % of it.
    drive = np.zeros((N, N))
    drive[N // 4, N // 4] = 1.0
    codes = codes_for(drive)
    mean = K_PER_W * power_w(codes).sum()
    options = {"thermal__substrate_k_px_per_w": 100 * K_PER_W * N**2}
    seen = warmth_seen(form, codes, **options) / (100 * mean)
    chip = chip_rise(power_w(codes), LENGTH) / power_w(codes).sum()
    assert (chip - seen)[N // 4, N // 4] > 0.5
    far = np.hypot(*(np.indices((N, N)) - N // 4)) > N / 2
    assert np.abs(chip - seen)[far].max() < 0.2


@pytest.mark.parametrize("form", FORMS)
def test_two_chips_do_not_warm_each_other(form: str) -> None:
    # In layout 4f each stage is a chip of its own.  With chip b cold and open, the two lenses make
    # z(-r) of what chip a sends out.
    codes = codes_for(shapes()["random"][0])
    own = 2.8 * np.pi * codes[1, 0, 1].astype(np.float64) ** 2
    turned = []
    for heated in (0, 1):
        frames = np.zeros_like(codes)
        frames[1, heated, 0] = 0.0
        frames[1, heated, 1] = codes[1, 0, 1] if heated == 0 else 0.6
        with opened(form, "ideal", 7, device__layout="4f", **WARM) as device:
            turned.append(four_steps(device.expose(frames, launch_step=12)))
    # Chip a heated: the field is t_a at the mirrored place, with theta_a's own half turn.
    ratio = turned[0][1] / turned[0][0]
    mirrored = np.roll(ratio[::-1, ::-1], 1 if N % 2 == 0 else 0, axis=(0, 1))
    rise = 2.0 * np.angle(mirrored * np.exp(-1j * own)) / RAD_PER_K
    chip = K_PER_W * chip_rise(power_w(codes), LENGTH)
    assert np.abs(rise - chip).max() < 0.02 * chip.mean()
    # Chip b heated evenly: the same warmth everywhere, so the field is turned as a whole, by phi
    # and half of its own theta.
    power = 1e-3 * FULL_MW * float(np.float32(0.6)) ** 2 * N**2
    whole = 2.8 * np.pi * float(np.float32(0.6)) ** 2 + RAD_PER_K * K_PER_W * power / 2
    seen = np.angle(turned[1][1] / turned[1][0] * np.exp(-1j * whole))
    assert np.abs(seen).max() < 1e-4
