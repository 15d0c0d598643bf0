"""The grid search on synthetic pixels, and the random settings."""

from __future__ import annotations

import numpy as np

from driver.calibration.first_look import GRID, grid_search, random_codes

FRAMES = 64
KAPPA = np.pi / 0.5


def synthetic(rng, size=8, noise=0.0):
    """Pixels with slopes off the grid, their field and heats."""
    shape = (size, size)
    theta = (1.4 * rng.random((*shape, FRAMES))).astype(np.float32)
    phi = (1.4 * rng.random((*shape, FRAMES))).astype(np.float32)
    slope_theta, slope_phi = KAPPA * rng.uniform(0.85, 1.15, (2, *shape))
    b0 = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    ratio = rng.uniform(0.9, 1.1, shape) * np.exp(1j * rng.uniform(-np.pi, np.pi, shape))
    arm = ratio[..., None] * np.exp(1j * slope_theta[..., None] * theta)
    z = b0[..., None] * (1 + arm) * np.exp(1j * slope_phi[..., None] * phi)
    error = rng.standard_normal((2, *z.shape))
    z = z + noise * np.abs(b0[..., None]) * (error[0] + 1j * error[1])
    return z.astype(np.complex64), theta, phi, slope_theta, slope_phi, ratio


def test_finds_slopes_to_a_grid_step_and_the_arms():
    """The grid's step is 2.5 %: half of it off at most where noise is small, and a slope off by
    1.25 % turns theta0 by 1.25 % of the mean phase, 0.7 * 2 pi: 0.055 rad."""
    z, theta, phi, slope_theta, slope_phi, ratio = synthetic(np.random.default_rng(0), noise=0.02)
    fit = grid_search(z, theta, phi, KAPPA * GRID)
    step = KAPPA * (GRID[1] - GRID[0])
    # A neighbouring node can win where both are nearly half a step off.
    assert np.max(np.abs(fit.kappa_theta - slope_theta)) < step
    assert np.max(np.abs(fit.kappa_phi - slope_phi)) < step
    error = np.angle(fit.b1 / fit.b0 / ratio)
    assert np.sqrt(np.mean(error**2)) < 0.055


def test_a_slope_on_the_grid_is_found_exactly():
    rng = np.random.default_rng(1)
    theta, phi = (1.4 * rng.random((2, 4, 4, FRAMES))).astype(np.float32)
    slope = (KAPPA * GRID[5]).astype(np.float32)
    z = (0.5 + 0.4 * np.exp(1j * (slope * theta + 1.0))) * np.exp(1j * slope * phi)
    fit = grid_search(z.astype(np.complex64), theta, phi, KAPPA * GRID)
    np.testing.assert_allclose(fit.kappa_theta, slope)
    np.testing.assert_allclose(fit.kappa_phi, slope)
    # float32 phases of up to 9 rad carry 5e-7 each, summed over 64 frames at random signs.
    np.testing.assert_allclose(fit.b0, 0.5, atol=1e-5)
    np.testing.assert_allclose(fit.b1, 0.4 * np.exp(1j), atol=1e-5)
    np.testing.assert_allclose(fit.field(theta, phi), z, atol=2e-5)


def test_random_settings_are_uniform_in_power(specimen):
    """Mean and variance of a uniform variable on [0, 1]: 1/2 and 1/12.  6 sigma (false alarm 2e-9)
    of the mean of n draws is 6 sqrt(1/12/n), of the mean square 6 sqrt(4/45/n)."""
    info = specimen.device.info
    codes = random_codes(np.random.default_rng(2), 20, info)
    assert codes.shape == (20, 2, 2, *info.grid)
    assert codes.dtype == info.code_dtype
    power = (codes / info.code_max) ** 2
    assert abs(power.mean() - 1 / 2) < 6 * np.sqrt(1 / 12 / power.size)
    assert abs(np.mean(power**2) - 1 / 3) < 6 * np.sqrt(4 / 45 / power.size)
