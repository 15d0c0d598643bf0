"""Encode and decode in plain NumPy: the golden of the C host path, and a yardstick without it.

Straight from the calibrated model's equations (`driver.calibration.Calibration`), in float64.  Not
fast, and free to look at what a device may not: `transform` finds its exposures by trial.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration import Calibration
from driver.calibration.model import DIRECTIONS, chip_of, cold_power_mw, neighbour
from driver.info import DeviceInfo

WINDOW_START = 0.35 * np.pi
PARKED_PHASE = 1.35 * np.pi
JACOBI_ROUNDS = 8
TWO_GAIN_STEPS = 12
"""Launch steps between the two exposures: 18 dB, eight in amplitude."""


@dataclass
class Encoded:
    """Codes (n, 2, 2, N, N) and scale (n,): the chip realises ``scale * x``."""

    codes: NDArray[Any]
    scale: NDArray[np.float64]


def window(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.mod(phase - WINDOW_START, 2 * np.pi) + WINDOW_START


def crosstalk(power: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """What each heater of (..., 2, 2, N, N) feels of the others [mW]."""
    links = calibration.links
    heat = calibration.partner[:, None] * power[..., ::-1, :, :]
    for k in range(4):
        down, right = DIRECTIONS[k]
        heat += links[:, :, k] * neighbour(power, (down, right))
        heat += neighbour(links[:, :, k] * power, (-down, -right))
    for down in range(-2, 3):
        for right in range(-2, 3):
            far = down**2 + right**2
            if far >= 4:
                ring = calibration.ring[(4, 5, 8).index(far)]
                heat += ring * neighbour(power, (down, right))
    return heat


def warmth(power: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Phase that powers (..., 2, 2, N, N) give both theta heaters by the substrate, (..., N, N)."""
    place = (np.arange(power.shape[-1]) + 0.5) * np.pi / power.shape[-1]
    phase = np.zeros((*power.shape[:-4], *power.shape[-2:]))
    for p in range(3):
        for m in range(3):
            wave = np.outer(np.cos(p * place), np.cos(m * place))
            moment = np.sum(power * wave, (-4, -3, -2, -1))
            phase += calibration.substrate_rad_per_mw[p, m] * wave * moment[..., None, None]
    return phase


def usual_warmth(calibration: Calibration) -> NDArray[np.float64]:
    """Warmth while all heaters stand in the middle of their window, (N, N) [rad]."""
    middle = PARKED_PHASE / calibration.kappa_rad_per_mw
    return warmth(middle / (1 + crosstalk(np.ones_like(middle), calibration)), calibration)


def held_phi_b(
    calibration: Calibration, info: DeviceInfo
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Stage b's phi, the same in all frames: its codes and its power [mW], (N, N)."""
    middle = PARKED_PHASE / calibration.kappa_rad_per_mw
    power = (middle / (1 + crosstalk(np.ones_like(middle), calibration)))[1, 1]
    beta, full = calibration.beta_per_mw[1, 1], calibration.power_full_mw[1, 1]
    code = np.minimum(np.sqrt(power * (1 + beta * power) / full), 1.0) * info.code_max
    code = np.rint(code) if info.dac_bits else code
    cold = full * (code / info.code_max) ** 2
    return code, 2 * cold / (1 + np.sqrt(1 + 4 * beta * cold))


def first_guess(
    heat: NDArray[np.float64], calibration: Calibration, held: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Powers as if all heaters were like their neighbours; phi b's is held."""
    power = heat / (1 + crosstalk(np.ones_like(heat), calibration))
    power[:, 1, 1] = held
    return power


def mixed(calibration: Calibration) -> NDArray[np.float64]:
    """Power of phi a that makes up for what a mW of theta b does to the held phi b, (N, N)."""
    kappa = calibration.kappa_rad_per_mw
    return kappa[1, 1] * calibration.partner[1] / kappa[0, 1]


def solve(
    heat: NDArray[np.float64], calibration: Calibration, held: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Powers whose heat, with what they feel of each other, is `heat` [mW].

    Theta's heat is what it takes beyond the usual warmth; phi a's is for theta b's first guess.
    """
    usual = usual_warmth(calibration)
    guess = power = first_guess(heat, calibration, held)
    for _ in range(JACOBI_ROUNDS):
        foreign = crosstalk(power, calibration)
        warm = (warmth(power, calibration) - usual)[..., None, :, :]
        foreign[..., 0, :, :] += warm / calibration.kappa_rad_per_mw[:, 0]
        power = heat - foreign
        power[:, 1, 1] = held
        power[:, 0, 1] -= mixed(calibration) * (power[:, 1, 0] - guess[:, 1, 0])
    return power


def solve_in_two_rounds(
    heat: NDArray[np.float64], calibration: Calibration, held: NDArray[np.float64]
) -> NDArray[np.float64]:
    """As the kernels do it: the first round knows the couplings' means alone.

    Of a chip without second ring and substrate.
    """
    links = calibration.links
    means = links.copy()
    for pair in ((0, 1), (2, 3)):  # sides, corners; links over the grid's rim are zero
        rooms = [links[:, :, d][..., : -DIRECTIONS[d][0] or None, :] for d in pair]
        rooms = [
            room[..., :-1] if DIRECTIONS[d][1] > 0 else room[..., 1:] if DIRECTIONS[d][1] else room
            for room, d in zip(rooms, pair, strict=True)
        ]
        mean = np.mean([room.mean((-2, -1)) for room in rooms], axis=0)
        for d in pair:
            means[:, :, d] = np.where(links[:, :, d] != 0, mean[..., None, None], 0.0)
    partner = np.broadcast_to(
        calibration.partner.mean((-2, -1), keepdims=True), calibration.partner.shape
    )
    smooth = replace(calibration, links=means, partner=partner)
    ones = np.ones_like(heat)
    guess = first_guess(heat, calibration, held)
    power = guess * (1 + crosstalk(ones, smooth)) - crosstalk(guess, smooth)
    power[:, 1, 1] = held
    power = heat - crosstalk(power, calibration)
    power[:, 0, 1] -= mixed(calibration) * (power[:, 1, 0] - guess[:, 1, 0])
    return power


def codes_of_phases(
    psi: NDArray[np.float64], calibration: Calibration, info: DeviceInfo
) -> NDArray[Any]:
    """Codes for phases psi (n, 2, 2, N, N), of theta beyond the usual warmth; phi b's are held."""
    code, held = held_phi_b(calibration, info)
    power = np.maximum(solve(psi / calibration.kappa_rad_per_mw, calibration, held), 0.0)
    cold = power * (1 + calibration.beta_per_mw * power)
    drive = np.minimum(np.sqrt(cold / calibration.power_full_mw), 1.0) * info.code_max
    drive[:, 1, 1] = code
    return (np.rint(drive) if info.dac_bits else drive).astype(info.code_dtype)


def largest_scale(x: NDArray[Any], calibration: Calibration) -> NDArray[np.float64]:
    """Scale at which the most demanding pixel stands at full transmission, (n,)."""
    reach = np.abs(calibration.input_map) * np.prod(1 + calibration.rho, axis=0)
    demand = np.max(np.abs(x) / reach, axis=(-2, -1))
    return np.where(demand > 0, 1 / np.where(demand > 0, demand, 1.0), 1.0)


def encode(x: NDArray[Any], calibration: Calibration, info: DeviceInfo) -> Encoded:
    """Codes for targets x (n, N, N): |m_a| = |m_b| where both can, the phase in phi_a."""
    scale = largest_scale(x, calibration)
    target = x * scale[:, None, None] / calibration.input_map
    rho = calibration.rho
    least, most = np.abs(1 - rho), 1 + rho
    amplitude = np.abs(target)
    m_a = np.clip(np.sqrt(amplitude), least[0], most[0])
    m_b = np.clip(amplitude / np.maximum(m_a, 1e-30), least[1], most[1])
    m_a = np.clip(amplitude / np.maximum(m_b, 1e-30), least[0], most[0])
    psi = np.empty((len(x), 2, 2, *info.grid))
    usual = usual_warmth(calibration)
    phase = np.angle(target)
    for stage, modulus in enumerate((m_a, m_b)):
        r = rho[stage]
        theta = np.arccos(np.clip((modulus**2 - 1 - r**2) / (2 * r), -1.0, 1.0))
        psi[:, stage, 0] = window(theta - calibration.theta0_rad[stage] - usual)
        phase = phase - np.angle(1 + r * np.exp(1j * theta))
    # What phi b shows: of its like, and of theta b's first guess.
    kappa, (_, held) = calibration.kappa_rad_per_mw, held_phi_b(calibration, info)
    psi[:, 0, 1] = psi[:, 1, 1] = 0.0
    power = first_guess(psi / kappa, calibration, held)
    power[:, 0] = 0.0
    shown = kappa[1, 1] * (held + crosstalk(power, calibration)[:, 1, 1])
    psi[:, 0, 1] = window(phase - shown)
    return Encoded(codes_of_phases(psi, calibration, info), scale)


def realised(codes: NDArray[Any], calibration: Calibration, info: DeviceInfo) -> NDArray[Any]:
    """Field that codes give by the calibrated model, (n, N, N)."""
    field = chip_of(calibration, info).heated(cold_power_mw(codes, info).astype(np.float64)).field()
    return np.moveaxis(field, -1, 0)


def decode(
    counts: NDArray[Any],
    launch_step: NDArray[Any],
    scale: NDArray[np.float64],
    calibration: Calibration,
    gain: NDArray[Any] | complex = 1.0,
) -> NDArray[Any]:
    """F(x) of counts (n, E, 4, N, N) exposed at launch steps (n, E); `gain`: G, (n,).

    Exposures are merged with weights |g|^2 / variance; a saturated bin counts only in the dimmest.
    """
    counts = counts.astype(np.float64)
    y = ((counts[:, :, 0] - counts[:, :, 2]) + 1j * (counts[:, :, 1] - counts[:, :, 3])) / 4
    leak = calibration.conjugate_leak
    y = (y - leak * np.conj(y)) / (1 - abs(leak) ** 2)
    g = calibration.launch_gain[launch_step][:, :, None, None]
    read_dn = calibration.read_noise_e / calibration.gain_e_per_dn
    light = np.maximum(np.sum(counts, 2) - 4 * calibration.black_dn, 0.0)
    variance = np.maximum(light / calibration.gain_e_per_dn + 4 * read_dn**2, 1e-6)
    weight = np.abs(g) ** 2 / variance
    saturated = np.any(counts >= calibration.saturation_dn, axis=2)
    dimmest = np.argmax(launch_step, axis=1)[:, None] == np.arange(launch_step.shape[1])
    fallback = np.where(dimmest[:, :, None, None], 1e-12, 0.0)
    weight = np.where(saturated, weight * fallback, weight)
    merged = np.sum(weight * y / g, 1) / np.sum(weight, 1)
    factor = scale * np.broadcast_to(gain, scale.shape)
    return merged / (calibration.output_map * factor[:, None, None])


class Codec:
    """Transforms on a device, with exposure by trial and a pilot before and after each batch."""

    def __init__(self, device: Any, calibration: Calibration, *, pilots: bool = True) -> None:
        self.pilots = pilots
        self.device = device
        self.calibration = calibration
        self.info: DeviceInfo = device.info

    def transform(
        self,
        x: NDArray[Any],
        *,
        inverse: bool = False,
        two_gain: bool = True,
        residual: bool = False,
        repeats: int = 1,
    ) -> NDArray[Any]:
        """Orthonormal F(x) or its inverse of x (n, N, N)."""
        if inverse:
            flags = {"two_gain": two_gain, "residual": residual, "repeats": repeats}
            return np.conj(self.transform(np.conj(x), **flags))
        encoded = encode(x, self.calibration, self.info)
        out = self._measure(encoded, two_gain, repeats)
        if residual:
            made = realised(encoded.codes, self.calibration, self.info)
            rest = x - made / encoded.scale[:, None, None]
            out = out + self._measure(encode(rest, self.calibration, self.info), two_gain, repeats)
        return out

    def _measure(self, encoded: Encoded, two_gain: bool, repeats: int) -> NDArray[Any]:
        steps = self._dim_steps(encoded.codes)
        launch = np.stack([steps, np.maximum(steps - TWO_GAIN_STEPS, 0)], 1)
        launch = np.repeat(launch if two_gain else launch[:, :1], repeats, axis=1)
        before = self._pilot_gain()
        counts = self.device.expose(encoded.codes, launch_step=launch.astype(np.uint8))
        after = self._pilot_gain()
        along = (np.arange(len(steps)) + 0.5) / len(steps)
        gain = before + (after - before) * along
        return decode(counts, launch, encoded.scale, self.calibration, gain)

    def _dim_steps(self, codes: NDArray[Any]) -> NDArray[Any]:
        """For each frame the brightest launch step at which no bin saturates."""
        last = self.info.nominal.launch_steps - 1
        low, high = np.zeros(len(codes), int), np.full(len(codes), last)
        while np.any(low < high):
            middle = (low + high) // 2
            counts = self.device.expose(codes, launch_step=middle.astype(np.uint8)[:, None])
            peak = counts.reshape(len(codes), -1).max(1)
            bright = peak >= self.calibration.saturation_dn
            low, high = np.where(bright, middle + 1, low), np.where(bright, high, middle)
            low = np.minimum(low, high)
        return low

    def _pilot_gain(self) -> complex:
        if not self.pilots:
            return 1.0
        calibration = self.calibration
        step = np.array([[calibration.pilot_launch_step]])
        counts = self.device.expose(
            calibration.pilot_codes[None], launch_step=step.astype(np.uint8)
        )
        seen = decode(counts, step, np.ones(1), calibration)[0] * calibration.output_map
        expected = calibration.pilot_spectrum
        return complex(np.vdot(expected, seen) / np.vdot(expected, expected))
