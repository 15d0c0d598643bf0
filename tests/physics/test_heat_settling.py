"""Settling of heat against its ordinary differential equation; spreading is in `test_heat_*`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from driver import open_device
from optical_device.profile import load_profile
from optical_device.thermal import memory, remember

Floats = NDArray[np.float64]


@pytest.mark.parametrize("time_constants", [4.0, 5.5, 8.0])
def test_a_step_of_heat_arrives_as_one_minus_an_exponential(time_constants: float) -> None:
    # The whole field turned by one phase, seen through four-step detection at the axis: from cold,
    # psi(s) = psi (1 - e^{-s / tau}).
    n, phase = 8, 5.0
    options = {"device__n": n, "thermal__tau_us": 800.0 / time_constants}
    codes = np.zeros((3, 2, 2, n, n), np.float32)
    codes[1:, 0, 1] = math.sqrt(phase / (2.8 * np.pi))
    with open_device("emulator:ideal", seed=7, threads=1, **options) as device:
        counts = device.expose(codes, launch_step=20)[..., n // 2, n // 2].astype(float)
    y = (counts[:, 0] - counts[:, 2]) + 1j * (counts[:, 1] - counts[:, 3])
    turned = np.mod(np.angle(y / y[0]), 2 * np.pi)
    # float32: some 1e-6 rad.
    assert turned[1] == pytest.approx(phase * (1 - math.exp(-time_constants)), abs=1e-5)
    assert turned[2] == pytest.approx(phase, abs=1e-5)


@pytest.mark.parametrize("time_constants", [4.0, 8.0])
def test_one_frame_of_memory_is_the_differential_equation(time_constants: float) -> None:
    """tau dpsi/dt = psi_steady - psi, integrated over 30 frames that never settle for long."""
    rng = np.random.default_rng(5)
    steady = 2 * np.pi * rng.random(30)
    exact, psi = [], 0.0
    for wanted in steady:

        def slope(_: float, psi: Floats, wanted: float = wanted) -> Floats:
            return wanted - psi

        run = solve_ivp(slope, (0.0, time_constants), [psi], rtol=1e-10, atol=1e-12)
        psi = float(run.y[0, -1])
        exact.append(psi)
    eps = memory(time_constants, 1.0)
    before = np.concatenate([[0.0], steady[:-1]])
    seen = remember(steady, before, eps)
    # Left out is what the frame before the last one left, eps^2 of at most 2 pi: 2 mrad at the
    # 4 time constants below which profiles are refused, 0.7 urad at the laboratory's 8.
    assert np.abs(seen - exact).max() < eps**2 * 2 * np.pi
    assert np.abs(seen - exact).max() > 0.1 * eps**2 * 2 * np.pi


def test_later_exposures_would_be_closer_to_settled_than_the_model_says() -> None:
    """What the one phase per frame leaves out: settling goes on while the camera works."""
    timing = load_profile("lab").timing
    tau = load_profile("lab").thermal.tau_us
    eps = memory(timing.settle_us, tau)
    middles = timing.settle_us + timing.exposure_us / 2
    middles += np.arange(4) * (timing.exposure_us + timing.readout_us)
    left = np.exp(-middles / tau)
    # The model's memory is an upper bound: 2.1 mrad of 2 pi where the first exposure would see
    # 1.3 and the others, from 750 us on, under 1 urad.
    assert np.all(left < eps)
    assert 2 * np.pi * eps == pytest.approx(2.1e-3, rel=0.01)
    assert 2 * np.pi * left[0] == pytest.approx(1.28e-3, rel=0.01)
    assert 2 * np.pi * left[1] < 1e-6
