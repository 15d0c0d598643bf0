"""The calibrated forward model in NumPy: codes -> heat -> modulators -> field -> spectrum.

The equations are those of :class:`driver.calibration.Calibration`, in the form that the fits use.
Powers are counted as if every heater were the nominal one at full code (``P' = P / strength``),
so that codes alone give them.  A link then differs with direction: what heater i feels of j is
``c_ij strength_j / strength_i``.  :mod:`driver.calibration.reciprocity` takes the two apart.

Arrays put the grid first and frames last, ``(stage, heater, N, N, frames)``: all that a pixel has
seen lies together, as per-pixel fits want it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from driver.calibration.calibration import Calibration, ComplexArray, RealArray
from driver.calibration.heat import MODES, mode_moments, ring_row, warmth_row
from driver.info import DeviceInfo

__all__ = [
    "DIRECTIONS",
    "HEATERS",
    "ChipModel",
    "HeatedChip",
    "chip_of",
    "cold_power_mw",
    "each_row",
    "fourier",
    "fourier_inverse",
    "heater_power_mw",
    "neighbour",
    "overlap",
    "predict_spectrum",
    "unit_phasor",
]

DIRECTIONS: tuple[tuple[int, int], ...] = (
    (0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1),
)  # fmt: skip
"""(row, column) offsets of the neighbours; 4..7 are opposite to 0..3 (E, S, SE, SW)."""

HEATERS: tuple[tuple[int, int], ...] = ((0, 0), (0, 1), (1, 0), (1, 1))
"""(stage, heater) of the four heaters of a pixel."""

WORKERS = 2
"""Threads of the transforms and of the per-pixel fits."""


@dataclass(slots=True)
class ChipModel:
    """The fitted parameters of the chip and its two maps, of one real and one complex dtype.

    Shapes: `rho`, `theta0` [rad] and `partner` (2, N, N); `kappa` [rad/mW], `beta` [1/mW] and
    `strength` (2, 2, N, N); `links` (2, 2, 8, N, N), what a pixel feels of the neighbour in each
    direction, 0 outside the grid, strengths included; `input_map` and `output_map` (N, N) complex;
    `leak` complex; `middle_map` (N, N) complex in layout 4f, whose stages are chips of their own
    with a lens between them.
    """

    rho: RealArray
    theta0: RealArray
    kappa: RealArray
    beta: RealArray
    links: RealArray
    partner: RealArray
    strength: RealArray
    input_map: ComplexArray
    output_map: ComplexArray
    leak: complex = 0j
    ring: RealArray = field(default_factory=lambda: np.zeros(3))
    substrate: RealArray = field(default_factory=lambda: np.zeros((MODES, MODES)))
    middle_map: ComplexArray | None = None

    def single(self) -> ChipModel:
        """A copy in single precision."""
        values: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                kind = np.complex64 if np.iscomplexobj(value) else np.float32
                value = value.astype(kind)
            values[item.name] = value
        return ChipModel(**values)

    def heat(self, power: RealArray) -> RealArray:
        """``Q_i = P_i + links + second ring + partner P_other``, (2, 2, N, N, frames) [mW]."""
        heat = np.empty_like(power)
        each_row(lambda row: self._heat_row(power, row, heat), power.shape[2])
        return heat

    def partner_links(self, row: int | slice = slice(None)) -> RealArray:
        """What each heater feels of its partner, (2, 2, N, N), or of one row (2, 2, N)."""
        strength = self.strength[:, :, row]
        felt: RealArray = self.partner[:, None, row] * strength[:, ::-1] / strength
        return felt

    def _heat_row(self, power: RealArray, row: int, heat: RealArray) -> None:
        """Heat of one row of pixels: what it takes fits into a cache."""
        rows, has_ring = power.shape[2], bool(np.any(self.ring))
        partner = self.partner_links(row)[..., None]
        for s, h in HEATERS:
            own = heat[s, h, row]
            np.multiply(partner[s, h], power[s, 1 - h, row], out=own)
            own += power[s, h, row]
            for k, (down, right) in enumerate(DIRECTIONS):
                if 0 <= row + down < rows:
                    here, there = overlap(right)
                    link = self.links[s, h, k, row, here, None]
                    own[here] += link * power[s, h, row + down, there]
            if has_ring:
                own += ring_row(power[s, h], row, self.ring)

    def moments(self, power: RealArray) -> RealArray:
        """Moments of the power on the chip of either stage, (2, 3, 3, frames) float64 [mW]."""
        if self.middle_map is None:
            return np.broadcast_to(both := mode_moments(power), (2, *both.shape))
        return np.array([mode_moments(power[s : s + 1]) for s in (0, 1)])

    def warmth(self, power: RealArray) -> RealArray:
        """Phase of theta by the substrate's warmth, by stage, (2, N, N, frames) [rad]."""
        moments, size = self.moments(power), power.shape[2]

        def row(at: int) -> list[RealArray]:
            return [warmth_row(at, self.substrate, moments[s], size) for s in (0, 1)]

        return np.moveaxis(np.array(each_row(row, size)), 0, 1)

    def heated(self, cold: RealArray) -> HeatedChip:
        """The chip under cold powers (2, 2, N, N, frames) [mW]."""
        power = np.empty_like(cold)
        heat = np.empty_like(cold)
        kind = np.result_type(self.input_map, np.complex64)
        arms = np.empty((2, *cold.shape[2:]), kind)
        carrier = np.empty(cold.shape[2:], kind)

        warm = bool(np.any(self.substrate))

        def power_row(row: int) -> None:
            beta = self.beta[:, :, row, :, None]
            power[:, :, row] = heater_power_mw(cold[:, :, row], beta)

        def optics_row(row: int) -> None:
            self._heat_row(power, row, heat)
            psi = self.kappa[:, :, row, :, None] * heat[:, :, row]
            for s in (0, 1):
                if warm:
                    psi[s, 0] += warmth_row(row, self.substrate, moments[s], cold.shape[2])
                phase = self.theta0[s, row, :, None] + psi[s, 0]
                arms[s, row] = self.rho[s, row, :, None] * unit_phasor(phase)
            carrier[row] = self.input_map[row, :, None] * unit_phasor(psi[0, 1] + psi[1, 1])

        each_row(power_row, cold.shape[2])
        moments = self.moments(power) if warm else np.zeros(0)
        each_row(optics_row, cold.shape[2])
        return HeatedChip(power, heat, arms[0], arms[1], carrier)

    def field(self, cold: RealArray) -> ComplexArray:
        """Field in front of the last lens under cold powers, (N, N, frames).

        ``input_map m_a m_b``; with a lens between the stages ``middle_map m_b F[input_map m_a]``.
        """
        if self.middle_map is None:
            return self.heated(cold).field()
        first = self.input_map[..., None] * self.stage(0, cold)
        return self.middle_map[..., None] * self.stage(1, cold) * fourier(first)

    def stage(self, index: int, cold: RealArray) -> ComplexArray:
        """Transmission ``(1 + rho exp(i theta)) exp(i psi_phi)`` of one stage, (N, N, frames)."""
        power = heater_power_mw(cold, self.beta[..., None])
        psi = self.kappa[index, ..., None] * self.heat(power)[index]
        psi[0] += self.warmth(power)[index]
        arm = self.rho[index, ..., None] * unit_phasor(self.theta0[index, ..., None] + psi[0])
        return (1 + arm) * unit_phasor(psi[1])


@dataclass(slots=True)
class HeatedChip:
    """Intermediate results of the forward model, which derivatives are made of.

    `power` and `heat` are (2, 2, N, N, frames); ``arm_a = rho_a exp(i theta_a)``, `arm_b` and
    ``carrier = input_map exp(i (psi_phi_a + psi_phi_b))`` are (N, N, frames).
    """

    power: RealArray
    heat: RealArray
    arm_a: ComplexArray
    arm_b: ComplexArray
    carrier: ComplexArray

    def field(self) -> ComplexArray:
        """Field in the input plane, ``carrier (1 + arm_a) (1 + arm_b)``."""
        return self.carrier * (1 + self.arm_a) * (1 + self.arm_b)


def chip_of(calibration: Calibration, info: DeviceInfo) -> ChipModel:
    """The chip model that a calibration stands for, in double precision."""
    strength = calibration.power_full_mw / info.nominal.power_full_mw
    links = np.empty((2, 2, 8, *calibration.grid))
    for index in range(4):
        down, right = DIRECTIONS[index]
        link = calibration.links[:, :, index]
        links[:, :, index] = link * neighbour(strength, (down, right)) / strength
        back = (-down, -right)
        links[:, :, index + 4] = neighbour(link * strength, back) / strength
    return ChipModel(
        rho=calibration.rho,
        theta0=calibration.theta0_rad,
        kappa=calibration.kappa_rad_per_mw * strength,
        beta=calibration.beta_per_mw * strength,
        links=links,
        partner=calibration.partner,
        strength=strength,
        input_map=calibration.input_map,
        output_map=calibration.output_map,
        leak=calibration.conjugate_leak,
        ring=calibration.ring,
        substrate=calibration.substrate_rad_per_mw * np.mean(strength),
        middle_map=calibration.middle_map if info.layout == "4f" else None,
    )


def cold_power_mw(codes: NDArray[Any], info: DeviceInfo) -> RealArray:
    """Power at the nominal cold resistance, ``power_full_mw u**2`` [mW], frames last.

    `codes` is (n, 2, 2, N, N) as the device takes them; the result (2, 2, N, N, n) float32.
    """
    drive = np.array(np.moveaxis(codes, 0, -1), dtype=np.float32, order="C", copy=True)
    drive *= np.float32(1.0 / info.code_max)
    drive *= drive
    drive *= np.float32(info.nominal.power_full_mw)
    return drive


def heater_power_mw(cold: RealArray, beta: RealArray | float) -> RealArray:
    """Power of a heater whose resistance rises with it, R = R0 (1 + beta P) [mW].

    ``P = V**2 / R`` with ``P0 = V**2 / R0`` gives ``P = 2 P0 / (1 + sqrt(1 + 4 beta P0))``.
    """
    power: RealArray = 2 * cold / (1 + np.sqrt(1 + 4 * beta * cold))
    return power


def neighbour(values: RealArray, offset: tuple[int, int]) -> RealArray:
    """What the neighbour at `offset` has of `values` (..., N, N); 0 outside the grid."""
    (row, other_row), (column, other_column) = overlap(offset[0]), overlap(offset[1])
    shifted = np.zeros_like(values)
    shifted[..., row, column] = values[..., other_row, other_column]
    return shifted


def overlap(step: int) -> tuple[slice, slice]:
    """Positions along an axis that have a neighbour `step` further on, and those neighbours'."""
    own = slice(max(-step, 0), min(-step, 0) or None)
    return own, slice(max(step, 0), min(step, 0) or None)


def unit_phasor(phase: RealArray) -> ComplexArray:
    """``exp(i phase)``, of the phase's precision."""
    phasor = np.empty(phase.shape, np.result_type(phase, np.complex64))
    np.cos(phase, out=phasor.real)
    np.sin(phase, out=phasor.imag)
    return phasor


def each_row(work: Callable[[int], Any], rows: int) -> list[Any]:
    """Results of work(0) ... work(rows - 1), on as many threads as there are WORKERS."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, range(rows)))


def fourier(field: ComplexArray) -> ComplexArray:
    """Orthonormal 2-D DFT over the first two axes."""
    spectrum: ComplexArray = scipy.fft.fft2(field, axes=(0, 1), norm="ortho", workers=WORKERS)
    return spectrum


def fourier_inverse(spectrum: ComplexArray) -> ComplexArray:
    """Inverse of :func:`fourier`."""
    field: ComplexArray = scipy.fft.ifft2(spectrum, axes=(0, 1), norm="ortho", workers=WORKERS)
    return field


def predict_spectrum(
    codes: NDArray[Any], calibration: Calibration, info: DeviceInfo
) -> ComplexArray:
    """Spectrum y of frames of `codes` (n, 2, 2, N, N) at G = 1 and launch gain 1, (n, N, N) [DN].

    The conjugate leak is left out: this is what decode recovers, before it divides by the maps.
    """
    chip = chip_of(calibration, info)
    field = chip.field(cold_power_mw(codes, info))
    return np.moveaxis(chip.output_map[..., None] * fourier(field), -1, 0)
