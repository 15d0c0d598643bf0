"""Encode, device and decode as one differentiable function: the calibrated twin in torch.

What a frame does, by the calibration alone: targets become heater phases by inverting the modulator
curves, powers by undoing crosstalk, codes by rounding; the model takes codes back to heat, phases
and field, and the lens to the camera's plane.  Decoding divides by the maps again, so that

    transform(x) = F(shown(x)) / scale,    shown = input_map m_a(codes) m_b(codes).

No noise: this is what a frame would show on average.  Derivatives are those of every step, with
three conventions.  Rounding to codes has the identity's (a straight-through estimator).  The scale
that a frame is brought to is a constant.  And far below its stage's floor a target has no phase to
speak of: its direction is x / sqrt(abs(x)^2 + (`PHASELESS` floor)^2), or a few bins of next to no
amplitude, whose phase any change turns, would drown all others.

The physics is the emulator's functions, given calibrated values: they know no specimen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from driver.calibration.calibration import Calibration
from driver.info import DeviceInfo

__all__ = ["TwinChain"]

WINDOW_START = 0.35 * np.pi
"""Heaters work in this window of phase [rad], one turn long, as the encoder's."""
PARKED = 1.35 * np.pi
ROUNDS = 4
"""Of Jacobi's method: neighbours' heat is a tenth, so that 1e-4 of it is left."""
PHASELESS = 0.3
"""Of the floor.  On photographs the cosine between the input's gradient and the exact one is 0.91
at 0.03, 0.94 at 0.1, 0.98 at 0.3; what the twin predicts of `lab` is as good as without, of packed
frames on `lab4f` worse by a fifth; at 1 it is three times as bad."""
MARGIN = 1e-6
"""How far below its reach a frame's strongest pixel stays: its slope is infinite there."""
FRAMES_AT_ONCE = 16
"""Of one checkpoint: what torch keeps of them fits into 0.2 GB at N = 64."""

Tensor = Any


class TwinChain:
    """The calibrated device as a function of targets, for torch's autograd.

    Parameters
    ----------
    calibration : Calibration
    info : DeviceInfo
    """

    def __init__(self, calibration: Calibration, info: DeviceInfo) -> None:
        import torch

        def plane(value: Any) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(value))

        self.n = info.grid[0]
        self._torch = torch
        self._one_chip = info.layout != "4f"
        self._dac_bits = info.dac_bits
        self._rho, self._theta0 = plane(calibration.rho), plane(calibration.theta0_rad)
        self._kappa = plane(calibration.kappa_rad_per_mw)
        self._full = plane(calibration.power_full_mw)
        self._beta = plane(calibration.beta_per_mw)
        self._links, self._partner = plane(calibration.links), plane(calibration.partner)
        self._ring = plane(calibration.ring)
        self._substrate = plane(calibration.substrate_rad_per_mw)
        self._input, self._middle = plane(calibration.input_map), plane(calibration.middle_map)
        # Dead pixels show nothing, whatever is asked of them.
        self._from_input, self._from_middle = (
            torch.where(m == 0, torch.zeros_like(m), 1 / m) for m in (self._input, self._middle)
        )
        middling = PARKED / self._kappa
        apart = middling / (self._heat(torch.ones_like(middling)))
        self._usual = self._warmth(apart[None])

    def transform(
        self, x: Tensor, *, operand: Tensor = None, inverse: bool = False, residual: bool = False
    ) -> Tensor:
        """Orthonormal F(x), F(x operand), or in layout 4f F(operand F(x)), as the twin shows it.

        Parameters
        ----------
        x, operand : (f, N, N) complex128
        inverse, residual
            As in `driver.Device.transform`.
        """
        from torch.utils.checkpoint import checkpoint

        parts = []
        for first in range(0, len(x), FRAMES_AT_ONCE):
            some = slice(first, first + FRAMES_AT_ONCE)
            beside = None if operand is None else operand[some]
            parts.append(
                checkpoint(self._frames, x[some], beside, inverse, residual, use_reentrant=False)
            )
        return self._torch.cat(parts)

    def _frames(self, x: Tensor, operand: Tensor, inverse: bool, residual: bool) -> Tensor:
        from optical_device import lens

        if inverse:
            beside = None if operand is None else operand.conj()
            return self._frames(x.conj(), beside, False, residual).conj()
        first, second = self._shown(x, operand)
        if residual:
            rest, _ = self._shown(x - first, operand)
            first = first + rest
        if second is None:
            return lens.transform(first)
        return lens.transform(first * second if self._one_chip else second * lens.transform(first))

    def _shown(self, x: Tensor, operand: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the stages show of x, of its scale; with an operand, each of them of its own."""
        want = x * self._from_input
        if operand is None:
            reach = (1 + self._rho[0]) * (1 + self._rho[1])
            scale = self._scale(want, reach)
            size, direction = self._polar(scale * want, (1 - self._rho).abs().prod(0))
            both = self._shares(size)
            turn = self._torch.ones_like(direction)
            m_a, m_b = self._stages(both, (direction, turn), together=True)
            return self._input * m_a * m_b / scale, None
        other = operand if self._one_chip else operand * self._from_middle
        scales = [
            self._scale(target, 1 + rho)
            for target, rho in zip((want, other), self._rho, strict=True)
        ]
        polar = [
            self._polar(scale * target, (1 - rho).abs())
            for scale, target, rho in zip(scales, (want, other), self._rho, strict=True)
        ]
        m_a, m_b = self._stages((polar[0][0], polar[1][0]), (polar[0][1], polar[1][1]))
        middle = 1 if self._one_chip else self._middle
        return self._input * m_a / scales[0], middle * m_b / scales[1]

    def _scale(self, target: Tensor, reach: Tensor) -> Tensor:
        most = (target.detach().abs() / reach).amax((-2, -1), keepdim=True)
        return self._torch.where(most > 0, (1 - MARGIN) / most, self._torch.ones_like(most))

    def _polar(self, target: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitude, and direction: of unit length but far below the floor."""
        power = target.real**2 + target.imag**2
        size = (power + 1e-30) ** 0.5
        return size, target / (power + (PHASELESS * floor) ** 2 + 1e-30) ** 0.5

    def _shares(self, size: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitudes of both stages: even, and what one cannot reach the other takes over."""
        least, most = (1 - self._rho).abs(), 1 + self._rho
        even = size**0.5
        second = even.clamp(least[1], most[1])
        first = (size / second.clamp_min(1e-30)).clamp(least[0], most[0])
        return first, (size / first.clamp_min(1e-30)).clamp(least[1], most[1])

    def _stages(
        self,
        sizes: tuple[Tensor, Tensor],
        directions: tuple[Tensor, Tensor],
        *,
        together: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Transmissions (f, N, N) of both stages, heated so that they are sizes times directions.

        `together`: only the product counts, and stage b's phi stays parked.
        """
        from optical_device import modulator

        torch = self._torch
        theta, arms = [], []
        for size, rho in zip(sizes, self._rho, strict=True):
            cosine = (size**2 - 1 - rho**2) / (2 * rho)
            angle = torch.arccos(cosine.clamp(-1 + 1e-12, 1 - 1e-12))
            theta.append(angle)
            arms.append(1 + rho * torch.exp(1j * angle))
        phi = [self._angle(d) - self._angle(a) for d, a in zip(directions, arms, strict=True)]
        if together:
            phi = [phi[0] + phi[1], torch.zeros_like(phi[1])]
        theta0 = self._theta0 + self._usual[0]
        wanted = torch.stack(
            [
                torch.stack([theta[0] - theta0[0], phi[0] - PARKED], 1),
                torch.stack([theta[1] - theta0[1], phi[1] + PARKED], 1),
            ],
            1,
        )
        psi = self._phases(self._codes(wanted))
        one, turn = torch.ones_like(self._rho[0]), np.exp(1j * PARKED)
        first, second = (
            modulator.stage_transmission(psi[:, s, 0] + self._theta0[s], psi[:, s, 1], one, rho)
            for s, rho in enumerate(self._rho)
        )
        return first * turn * directions[0].abs(), second / turn * directions[1].abs()

    def _angle(self, value: Tensor) -> Tensor:
        return self._torch.atan2(value.imag, value.real)

    def _codes(self, psi: Tensor) -> Tensor:
        """Drives of codes for phases (f, 2, 2, N, N), theta's beyond the usual warmth."""
        from optical_device import modulator

        turns = self._torch.floor((psi.detach() - WINDOW_START) / (2 * np.pi))
        heat = (psi - 2 * np.pi * turns) / self._kappa
        power = heat
        for _ in range(ROUNDS):
            warmer = (self._warmth(power) - self._usual) / self._kappa[:, 0]
            power = heat - (self._heat(power) - power) - self._of_theta(warmer)
        power = power.clamp_min(0)
        cold = power * (1 + self._beta * power)
        drive = (cold / self._full + 1e-30).clamp(0, 1) ** 0.5
        return modulator.quantise_drive(drive, self._dac_bits)

    def _phases(self, drive: Tensor) -> Tensor:
        """Phases (f, 2, 2, N, N) that drives give, by the calibrated model."""
        from optical_device import modulator

        power = modulator.heater_power(modulator.cold_power(drive, self._full), self._beta)
        return self._kappa * self._heat(power) + self._of_theta(self._warmth(power))

    def _of_theta(self, plane: Tensor) -> Tensor:
        """(f, 2, N, N) for theta heaters, zero for phi's."""
        return self._torch.stack([plane, self._torch.zeros_like(plane)], 2)

    def _heat(self, power: Tensor) -> Tensor:
        from optical_device import thermal

        return thermal.heat(power, self._links, self._partner, self._ring)

    def _warmth(self, power: Tensor) -> Tensor:
        """Phase of each theta by its chip's own warmth, (f, 2, N, N) [rad]."""
        from optical_device import thermal

        of_chips = thermal.chip_powers(power, 1 if self._one_chip else 2)
        warm = thermal.substrate_rise(of_chips, self._substrate)
        return warm.expand(-1, 2, -1, -1)
