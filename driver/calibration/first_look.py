"""The first look at the heaters: random-power rounds and a grid search per pixel.

All heaters of one stage move at random, uniformly in power, while the other stage stands still.
One inverse transform of the measured spectrum then shows every pixel's field at once, and

    z exp(-i kappa_phi Q_phi) = B0 + B1 exp(i kappa_theta Q_theta)

is linear in B0, B1 for given slopes: a grid over both slopes (the fit's basin is wider than the
grid's step by far) and one 2 x 2 solve give kappa_theta, kappa_phi, rho = |B1 / B0| and
theta0 = arg(B1 / B0).  Crosstalk enters Q with its nominal strength.

In the first round the other stage is unknown and may stand near its null.  So it's shown in two
settings half a period apart, and each pixel is fitted where it's brighter.  Which setting comes
first is drawn per pixel, and all settings have the same mean power over the pixels: otherwise a
common phase per round would pull at all links at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.bench import Bench
from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.model import (
    each_row,
    fourier,
    fourier_inverse,
    heater_power_mw,
    unit_phasor,
)
from driver.calibration.settings import PARKED_PHASE, codes_for_phases, to_window, uniform_codes
from driver.info import DeviceInfo

__all__ = ["StageFit", "first_round", "grid_search", "random_codes", "second_round"]

FIRST_FRAMES = 48
"""Frames in each of the two settings of the first round."""
SECOND_FRAMES = 64
GRID = np.linspace(0.725, 1.325, 25)
"""Slopes tried, relative to nominal: four standard deviations of the spread and the lot's own off
either way.  A slope beyond the grid takes the refinement an iteration for every 4 %."""
STILL_BONUS = 1.1
"""By how much the energy that a resting heater explains counts more, having a constant less."""


@dataclass(slots=True)
class StageFit:
    """One stage as the grid search finds it: all (N, N)."""

    kappa_theta: RealArray
    kappa_phi: RealArray
    b0: ComplexArray
    b1: ComplexArray

    def field(self, theta_heat: RealArray, phi_heat: RealArray) -> ComplexArray:
        """``(B0 + B1 exp(i kappa_theta Q_theta)) exp(i kappa_phi Q_phi)``, (N, N, frames)."""
        arm = self.b1[..., None] * unit_phasor(self.kappa_theta[..., None] * theta_heat)
        carrier = unit_phasor(self.kappa_phi[..., None] * phi_heat)
        field: ComplexArray = (self.b0[..., None] + arm) * carrier
        return field


def random_codes(rng: np.random.Generator, frames: int, info: DeviceInfo) -> NDArray[Any]:
    """Codes of heaters at random, uniform in cold power up to full, (frames, 2, 2, N, N)."""
    return uniform_codes(rng.random((frames, 2, 2, *info.grid)), info)


def grid_search(
    z: ComplexArray, theta_heat: RealArray, phi_heat: RealArray, slopes: RealArray
) -> StageFit:
    """Fit one stage per pixel; a slope of 0 is a heater that does not follow its code.

    Parameters
    ----------
    z
        Field, (N, N, F) complex64.
    theta_heat, phi_heat
        Effective heat Q of the two heaters, (N, N, F) [mW].
    slopes
        kappa values to try for both heaters, (K,) [rad/mW].

    Notes
    -----
    With a = sum w, b = sum w conj(e), s = sum e, w = z exp(-i kappa_phi Q_phi) and
    e = exp(i kappa_theta Q_theta), the explained energy is
    ``(F |a|^2 + F |b|^2 - 2 Re(conj(a) s b)) / (F^2 - |s|^2)``.
    """
    slopes = slopes.astype(np.float32)
    frames = z.shape[-1]

    def row(index: int) -> tuple[RealArray, RealArray, ComplexArray, ComplexArray]:
        back = unit_phasor(-slopes[:, None] * phi_heat[index, :, None, :])
        arm = unit_phasor(slopes[:, None] * theta_heat[index, :, None, :])
        turned = z[index, :, None, :] * back
        a = turned.sum(-1)[:, :, None]
        b = turned @ np.conj(arm).transpose(0, 2, 1)
        s = arm.sum(-1)[:, None, :]
        determinant = np.maximum(frames**2 - np.abs(s) ** 2, 1e-3 * frames**2)
        power = frames * (np.abs(a) ** 2 + np.abs(b) ** 2) - 2 * np.real(np.conj(a) * s * b)
        power = power / determinant
        # Without motion of theta both arms are one constant and B1 is 0.  A second constant can
        # only explain more, if noise alone: a theta that moves explains twice as much.
        still = slopes == 0
        power[..., still] = STILL_BONUS * np.abs(a) ** 2 / frames
        best = np.argmax(power.reshape(len(z[index]), -1), axis=1)
        by_phi, by_theta = np.divmod(best, len(slopes))
        pixel = np.arange(len(best))
        a0, b0 = a[pixel, by_phi, 0], b[pixel, by_phi, by_theta]
        s0, d0 = s[pixel, 0, by_theta], determinant[pixel, 0, by_theta]
        first = (frames * a0 - s0 * b0) / d0
        second = (frames * b0 - np.conj(s0) * a0) / d0
        first = np.where(still[by_theta], a0 / frames, first)
        second = np.where(still[by_theta], 0, second)
        return slopes[by_theta], slopes[by_phi], first, second

    rows = each_row(row, len(z))
    kappa_theta, kappa_phi, first, second = (np.array(part) for part in zip(*rows, strict=True))
    return StageFit(kappa_theta, kappa_phi, first, second)


def slopes(info: DeviceInfo) -> RealArray:
    return np.append(0.0, np.pi / info.nominal.p_pi_mw * GRID)


def install(bench: Bench, stage: int, fit: StageFit, heating: RealArray) -> None:
    """Put a stage's fit into the chip model; the substrate's mean warmth is not theta0's."""
    chip = bench.chip
    for heater, slope in enumerate((fit.kappa_theta, fit.kappa_phi)):
        bench.still[stage, heater] = slope == 0
        usual = np.pi / bench.info.nominal.p_pi_mw
        chip.kappa[stage, heater] = np.where(slope == 0, usual, slope)
    ratio = fit.b1 / np.where(np.abs(fit.b0) > 0, fit.b0, 1.0)
    chip.rho[stage] = np.clip(np.abs(ratio), 0.1, 10.0)
    chip.theta0[stage] = np.angle(ratio)
    if np.any(chip.substrate):
        chip.theta0[stage] -= chip.warmth(heating)[stage].mean(-1)


def first_round(bench: Bench, launch_step: int) -> None:
    """Stage a at random, stage b in two settings; fits stage a and the output map."""
    info, chip, rng = bench.info, bench.chip, bench.rng
    codes = random_codes(rng, 2 * FIRST_FRAMES, info)
    middle = 0.5
    swing = 0.5 * info.nominal.p_pi_mw / info.nominal.power_full_mw
    sign = np.where(rng.random(info.grid) < 0.5, -1.0, 1.0)
    codes[:FIRST_FRAMES, 1, 0] = uniform_codes(middle + swing * sign, info)
    codes[FIRST_FRAMES:, 1, 0] = uniform_codes(middle - swing * sign, info)
    codes[:, 1, 1] = uniform_codes(np.array(middle), info)
    record = bench.take(codes, launch_step)
    halves = (slice(None, FIRST_FRAMES), slice(FIRST_FRAMES, None))
    heating = heater_power_mw(record.cold, chip.beta[..., None])
    theta, phi = chip.heat(heating)[0]
    for _ in range(2):  # the second time with the output map that the first time gave
        z = fourier_inverse(record.spectrum / chip.output_map[..., None])
        energy = [np.sum(np.abs(z[..., half]) ** 2, -1) for half in halves]
        bright = (energy[1] > energy[0])[..., None]
        z_shown, theta_shown, phi_shown = (
            np.where(bright, value[..., halves[1]], value[..., halves[0]])
            for value in (z, theta, phi)
        )
        fit = grid_search(z_shown, theta_shown, phi_shown, slopes(info))
        model = fit.field(theta, phi)
        for half in halves:  # the other stage's setting scales each half by a factor of its own
            part = model[..., half]
            power = np.maximum(np.sum(np.abs(part) ** 2, -1), 1e-30)
            part *= (np.sum(z[..., half] * np.conj(part), -1) / power)[..., None]
        spectrum = fourier(model)
        power = np.maximum(np.sum(np.abs(spectrum) ** 2, -1), 1e-30)
        slope = np.sum(record.spectrum * np.conj(spectrum), -1) / power
        chip.output_map = np.where(bench.camera_dead, chip.output_map, slope).astype(np.complex64)
    install(bench, 0, fit, heating)


def second_round(bench: Bench, launch_step: int) -> None:
    """Stage b at random, stage a parked at its maximum; fits stage b and the input map."""
    info, chip, rng = bench.info, bench.chip, bench.rng
    codes = random_codes(rng, SECOND_FRAMES, info)
    psi = np.full((2, 2, *info.grid, 1), PARKED_PHASE)
    psi[0, 0, ..., 0] = to_window(-chip.theta0[0])
    codes[:, 0] = codes_for_phases(chip, psi, info)[:, 0]
    record = bench.take(codes, launch_step)
    heating = heater_power_mw(record.cold, chip.beta[..., None])
    theta, phi = chip.heat(heating)[1]
    z = fourier_inverse(record.spectrum / chip.output_map[..., None])
    fit = grid_search(z, theta, phi, slopes(info))
    install(bench, 1, fit, heating)
    parked = chip.stage(0, record.cold[..., :1])[..., 0]
    chip.input_map = (fit.b0 / parked).astype(np.complex64)
