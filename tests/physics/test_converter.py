"""The heater converters, measured at the boundary as a laboratory would: code by code, by phase.

One row shares a converter by sample-and-hold, so a row's phi heaters all show one transfer curve.
With a perfect chip psi = 2.8 pi u'^2: the phase of each code gives the voltage u', and that less
the straight line between its end points is the integral non-linearity (Kester, ch. 2).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from boundary import FORMS, FULL_TURNS, Floats, behind_chip, four_steps, opened
from scipy import stats

from optical_device.fabrication import fabricate
from optical_device.profile import load_profile

BITS = 14
LAST = 2**BITS - 1
BOW_LSB, WEIGHT_LSB = 1.0, 0.3
ERRORS = {
    "device__dac_bits": BITS,
    "modulator__dac_bow_lsb": BOW_LSB,
    "modulator__dac_bit_weight_lsb": WEIGHT_LSB,
}

MAJOR = np.arange(1, 16) * 2 ** (BITS - 4)
"""Codes at which one of the four leading bits comes on."""
AROUND = np.sort(np.concatenate([MAJOR - 1, MAJOR]))


@cache
def transfer(form: str, seed: int, n: int, stage: int, codes: tuple[int, ...]) -> Floats:
    """Integral non-linearity (codes, N) of a stage's phi converters [LSB], by row."""
    frames = np.zeros((len(codes) + 1, 2, 2, n, n), np.uint16)
    frames[1:, stage, 1] = np.array(codes, np.uint16)[:, None, None]
    with opened(form, "ideal", seed, device__n=n, **ERRORS) as device:
        # Dim: the axis gets all light at once, and float32 counts of it must not drown the rest.
        counts = device.expose(frames, launch_step=20)
    fields = behind_chip(four_steps(counts))
    turned = (fields[1:] / fields[0]).mean(-1)  # of a row's pixels, which are alike
    u = np.array(codes)[:, None] / LAST
    expected = np.pi * FULL_TURNS * u**2
    # A few LSB of 2.8 pi 2 / 16383: no doubt about whole turns.
    phase = expected + np.angle(turned * np.exp(-1j * expected))
    return np.asarray((np.sqrt(phase / (np.pi * FULL_TURNS)) - u) * LAST)


def noise_lsb(codes: tuple[int, ...]) -> Floats:
    """How well a code's voltage is known: float32 counts of phases to 3e-6 rad, over the slope."""
    return 3e-6 * LAST / (2 * np.pi * FULL_TURNS * np.array(codes) / LAST)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stage", [0, 1])
def test_transfer_curves_are_the_fabricated_ones(form: str, stage: int) -> None:
    # Golden and C alike, to what float32 counts tell, at and between the major transitions.
    n, seed = 8, 5
    codes = tuple(int(c) for c in np.concatenate([AROUND, [700, 3000, 8000, 12345, LAST]]))
    seen = transfer(form, seed, n, stage, codes)
    truth = fabricate(load_profile("ideal", device__n=n, **ERRORS), seed)
    bow, error = truth.dac_bow[stage, 1] * LAST, truth.dac_bit_error[stage, 1] * LAST
    u = np.array(codes)[:, None] / LAST
    bits = (np.array(codes)[:, None] >> (BITS - 1 - np.arange(4))) & 1
    expected = 4 * bow * u * (1 - u) + bits @ error.T - u * error.sum(-1)
    assert np.all(np.abs(seen - expected) < 2 * noise_lsb(codes)[:, None])
    # End points fitted: full code is full scale.
    assert np.abs(seen[-1]).max() < 2 * noise_lsb(codes)[-1]


@pytest.mark.parametrize("form", ["emulator"])
def test_steps_are_even_but_where_a_leading_bit_turns(form: str) -> None:
    # A ramp over all codes, as for a histogram (15,360 frames: too many for golden).  The
    # differential non-linearity is the bow's slope, 4 B (1 - 2 u) / 16383 under 0.002 LSB,
    # everywhere but at the fifteen major transitions.
    n = 4
    codes = tuple(range(1024, LAST + 1))
    inl = transfer(form, 5, n, 0, codes)
    dnl = np.diff(inl, axis=0)
    at_major = np.isin(np.array(codes[1:]), MAJOR)
    # Neighbouring codes' noise: largest of 60,000 differences.
    assert np.all(np.abs(dnl[~at_major]) < 2 * noise_lsb(codes)[1:][~at_major, None] + 0.005)
    # Fourteen of the fifteen lie above code 1024, and all four rows show them.
    assert np.all(np.abs(dnl[at_major]).max(0) > 0.1)


@cache
def lot(form: str) -> tuple[Floats, Floats]:
    """Bows (converters,) and steps (15, converters) of many rows [LSB]."""
    codes = tuple(int(c) for c in AROUND)
    n, seeds = (64, range(3)) if form == "emulator" else (32, range(2))
    parts = [transfer(form, seed, n, stage, codes) for seed in seeds for stage in range(2)]
    inl = np.concatenate(parts, axis=1)
    # Complementary codes add up to the last: what single bits do cancels, the bow stays.
    half = inl[np.isin(AROUND, [2 ** (BITS - 1) - 1, 2 ** (BITS - 1)])]
    return half.mean(0), inl[1::2] - inl[0::2]


@pytest.mark.parametrize("form", FORMS)
def test_bows_of_a_lot_are_the_profiles(form: str, kolmogorov: float) -> None:
    bow, _ = lot(form)
    # A sum of squares of normals over their variance: chi-square, two-sided at 1e-9.
    total = np.sum(bow**2) / BOW_LSB**2
    low, high = stats.chi2.ppf([5e-10, 1 - 5e-10], bow.size)
    assert low < total < high
    assert stats.kstest(bow / BOW_LSB, stats.norm.cdf).statistic * np.sqrt(bow.size) < kolmogorov


@pytest.mark.parametrize("form", FORMS)
def test_steps_of_a_lot_are_those_of_four_bits(form: str) -> None:
    _, dnl = lot(form)
    converters = dnl.shape[1]
    # The bit that comes on at k 2^10 is the lowest set one of k; those below it go off.
    lowest = np.array([(k & -k).bit_length() - 1 for k in range(1, 16)])
    for bits_off in range(4):
        steps = dnl[lowest == bits_off]
        # The same bits at every one of these codes: the same step, but for the bow's slope.
        assert np.ptp(steps, axis=0).max() < 0.01 + 4 * noise_lsb((1024,))[0]
        # One weight less those of the bits below: variances add up.
        variance = (1 + bits_off) * WEIGHT_LSB**2
        total = np.sum(steps.mean(0) ** 2) / variance
        low, high = stats.chi2.ppf([5e-10, 1 - 5e-10], converters)
        assert low < total < high, bits_off


@pytest.mark.parametrize("form", FORMS)
def test_rows_share_a_converter_and_nothing_else_does(form: str) -> None:
    n = 8
    frames = np.zeros((2, 2, 2, n, n), np.uint16)
    frames[1, 0, 1] = 2 ** (BITS - 1)
    with opened(form, "ideal", 5, device__n=n, **ERRORS) as device:
        fields = behind_chip(four_steps(device.expose(frames, launch_step=12)))
    phases = np.angle(fields[1] / fields[0])
    # 1e-6 rad of float32 within a row; an LSB from row to row is 5e-4 rad.
    assert np.ptp(phases, axis=1).max() < 1e-5
    assert np.ptp(phases, axis=0).min() > 1e-4
