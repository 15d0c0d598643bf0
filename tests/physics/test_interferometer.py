"""A modulator stage against two couplers and a delay, worked out as matrices."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import open_device
from optical_device.modulator import coupler_amplitudes, stage_transmission


def coupler(cross_power: float) -> NDArray[np.complex128]:
    """Lossless 2 x 2 coupler: sqrt(1 - k) straight on, i sqrt(k) across."""
    straight, across = np.sqrt(1.0 - cross_power), 1j * np.sqrt(cross_power)
    return np.array([[straight, across], [across, straight]])


@pytest.mark.parametrize(("d1", "d2"), [(0.0, 0.0), (0.03, -0.02), (-0.1, -0.25), (0.2, 0.2)])
def test_a_stage_is_two_couplers_around_a_heated_arm(d1: float, d2: float) -> None:
    eta, phi = 0.79, 0.4
    b0, b1 = coupler_amplitudes(np.array(d1), np.array(d2), eta)
    theta = np.linspace(0.0, 2 * np.pi, 25)
    seen = stage_transmission(theta, np.full_like(theta, phi), b0, b1)
    first, second = coupler(0.5 + d1), coupler(0.5 + d2)
    power = []
    for angle, t in zip(theta, seen, strict=True):
        # In at port 0, out at port 1; the arm of port 1 is heated, phi comes after it.
        arms = np.sqrt(eta) * np.diag([1.0, np.exp(1j * angle)])
        out = (np.exp(1j * phi) * second @ arms @ first)[:, 0]
        # The stage's phase counts from i: a constant, part of the static phase.
        assert t == pytest.approx(out[1] / 1j, abs=1e-14)
        assert np.sum(np.abs(out) ** 2) == pytest.approx(eta, rel=1e-14)
        power.append(abs(out[1]) ** 2)
    # 25 points hold theta = 0 and pi, the brightest and the darkest.
    if d1 != d2:
        ratio = ((b0 + b1) / (b0 - b1)) ** 2
        assert max(power) / min(power) == pytest.approx(ratio, rel=1e-11)
    else:  # equal couplers shut completely
        assert min(power) < 1e-30


@pytest.mark.parametrize("common", [0.0, 0.02])
@pytest.mark.parametrize("extinction_db", [15.0, 25.0, 30.0])
def test_the_camera_sees_the_extinction_of_the_couplers(
    extinction_db: float, common: float
) -> None:
    # Whatever both couplers have in common: that costs light, 4 m^2 of it, not extinction.
    # Total power on the camera is the sum of all modulators' (Parseval), and each follows
    # b0^2 + b1^2 + 2 b0 b1 cos(theta), with ((b0 + b1) / (b0 - b1))^2 = the profile's extinction.
    theta = np.linspace(0.0, 2 * np.pi, 9)
    codes = np.zeros((9, 2, 2, 16, 16), np.float32)
    codes[:, 0, 0] = np.sqrt(theta / (2.8 * np.pi))[:, None, None]
    options = {
        "device__n": 16,
        "modulator__extinction_min_db": extinction_db,
        "modulator__extinction_max_db": extinction_db,
        "modulator__coupler_common_spread": common,
    }
    with open_device("emulator:ideal", seed=3, threads=1, **options) as device:
        power = device.expose(codes, "off", launch_step=0).sum((1, 2, 3), dtype=np.float64)
    # float32: theta = pi within 1e-6 rad, which adds its square; the difference b0 - b1 of at
    # least 0.03 is known to 6e-8 / 0.03, twice that in power.
    assert power.max() / power.min() == pytest.approx(10 ** (extinction_db / 10), rel=2e-5)
    ratio = 10 ** (extinction_db / 20)
    b0, b1 = (1 + 1 / ratio) / 2, (1 - 1 / ratio) / 2
    expected = b0**2 + b1**2 + 2 * b0 * b1 * np.cos(theta)
    np.testing.assert_allclose(power / power[0], expected, atol=2e-6)
