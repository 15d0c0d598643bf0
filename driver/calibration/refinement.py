"""Gauss-Newton refinement of all heaters of all pixels, and of the two maps, at once.

The residual of a pixel is ``r = F^-1[(Y - y) / (output_map G)]`` over all frames.  Its parameters
are a complex scale, both stages' rho and theta0, and for each of the four heaters kappa, beta and
the links to the eight neighbours, and for each stage the partner link: 48 real numbers.  They are
fitted to the posterior maximum under a normal prior about the population's mean; that mean is not
a data sheet's: it's estimated along with them (from what the data alone say, see `_learn`).

Derivatives: with ``z = carrier (1 + arm_a) (1 + arm_b)``, dz/dpsi_phi = i z,
dz/dpsi_theta_a = i carrier arm_a (1 + arm_b), and psi = kappa Q.  A neighbour's power is taken as
known within one iteration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.frames import Record
from driver.calibration.heat import ring_row
from driver.calibration.model import (
    DIRECTIONS,
    HEATERS,
    ChipModel,
    HeatedChip,
    each_row,
    neighbour,
    overlap,
)
from driver.calibration.paths import Path, Straight
from driver.calibration.planes import Maps, clustered
from driver.info import NominalValues

__all__ = ["Population", "Refinement"]

KAPPA_SIGMA, BETA_SIGMA, LINK_SIGMA = 0.06, 0.1, 0.1
"""Scatter of a population, relative to its nominal value (priors)."""

FIRST = 2
"""Column of the first parameter; before it are the complex scale's modulus and phase."""


@dataclass(slots=True)
class Column:
    """One parameter of every pixel: where it lives, its unit, largest step and prior."""

    values: RealArray
    """(N, N), a view into the chip model."""
    unit: float
    """Fitted are ``values / unit``."""
    limit: float
    """Largest step of one iteration, in units."""
    sigma: float = np.inf
    """Scatter of the population, in units; inf: no prior."""
    group: tuple[str, int, int, int] | None = None
    """Columns of one group share a population: (name, stage, heater, direction)."""
    inside: RealArray | None = None
    """(N, N) 1 where the parameter exists; None: everywhere."""


@dataclass(slots=True)
class Population:
    """Means of the heaters' parameters in units of their nominal values, learned by the fit.

    `mean` and `information` (the data's share in the posterior, 0..1) by group.
    """

    mean: dict[tuple[str, int, int, int], float] = field(default_factory=dict)
    information: dict[tuple[str, int, int, int], float] = field(default_factory=dict)


class Refinement:
    """Alternates the maps (given the chip) and the chip (given the maps) on one record.

    Parameters
    ----------
    chip
        Model to improve, single precision; changed in place.
    record
        Frames and what they gave.
    nominal
        Data sheet: units and means that the priors start from.
    path
        What lies between the stages that are fitted and the camera.
    """

    def __init__(
        self,
        chip: ChipModel,
        record: Record,
        nominal: NominalValues,
        path: Path | None = None,
    ) -> None:
        self.path: Path = Straight() if path is None else path
        self.heaters = tuple(at for at in HEATERS if at[0] in self.path.stages)
        self.chip = chip
        self.record = record
        self.nominal = nominal
        self.population = Population()
        self.maps = Maps(record)
        self.residual = np.inf
        """Residual spectrum over measured spectrum, RMS, of the last iteration."""
        self.ring_strength, self.ring_sigma = 1.0, 0.0
        """Second ring relative to the data sheet's, and its standard uncertainty."""
        self.ring_share = 1.0
        """Of the second ring's effect, what no pixel's own parameters can mimic."""
        self.sigma = _blank(chip)
        """Standard uncertainty of each parameter, from the last thermal iteration."""
        self.scale_sigma = np.zeros((2, *chip.rho.shape[1:]))
        """That of the input map's modulus (relative) and phase [rad]."""
        self.noise = np.zeros(chip.rho.shape[1:])
        """Residual of each pixel's field over its RMS field, RMS."""
        self.field_residual = np.zeros(chip.rho.shape[1:])
        """Mean square of the residual of each pixel's field, per real part."""

    def iterate(self, *, thermal: bool) -> None:
        """One iteration: maps, then one damped Gauss-Newton step of every pixel.

        With `thermal` also beta, partner and links, else scale, rho, theta0 and kappa only.
        """
        heated = self.path.heated(self.chip, self.record.cold)
        z = heated.field()
        spectrum = self.path.spectrum(z)
        residual = self.path.residual(self.maps.update(self.chip, spectrum), z)
        del spectrum
        self.residual = self.maps.residual
        by_pixel = np.mean(np.abs(residual) ** 2, -1) / 2
        noise = float(np.median(by_pixel))
        self.field_residual = by_pixel
        self.noise = np.sqrt(2 * by_pixel / np.maximum(np.mean(np.abs(z) ** 2, -1), 1e-30))
        columns = list(self._columns(thermal, self.chip))
        reach = np.array(self.nominal.link_ring)
        has_ring = bool(np.any(reach))
        precision, deviation = self._prior(columns, z.shape[:2])
        precision *= noise

        def solve_row(row: int) -> tuple[RealArray, RealArray, RealArray, RealArray, float]:
            jacobian = self._jacobian(row, heated, z[row], thermal)
            ring = np.zeros((2, z.shape[-1]))
            real = jacobian.view(np.float32)
            right = np.ascontiguousarray(residual[row]).view(np.float32)
            normal = (real @ real.transpose(0, 2, 1)).astype(np.float64)
            gradient = (real @ right[..., None])[..., 0] - precision[row] * deviation[row]
            diagonal = np.arange(normal.shape[-1])
            normal[:, diagonal, diagonal] *= 1 + 1e-6
            normal[:, diagonal, diagonal] += precision[row] + 1e-9 * noise + 1e-30
            covariance = np.linalg.inv(normal)
            step = (covariance @ gradient[..., None])[..., 0]
            variance = covariance[:, diagonal, diagonal]
            hidden = 0.0
            if has_ring:
                change, ring = self._ring_row(row, heated, jacobian, residual[row], reach)
                along = (real @ change.view(np.float32)[..., None])[..., 0]
                hidden = float(np.einsum("pi,pij,pj->", along, covariance, along))
            return step, 1 - precision[row] * variance, variance, ring, hidden

        rows = each_row(solve_row, z.shape[0])
        step, share, variance, ring, hidden = (np.array(part) for part in zip(*rows, strict=True))
        if thermal:
            freedom = 1 - step.shape[-1] / (2 * z.shape[-1])
            self._note_sigma(np.sqrt(variance * by_pixel[..., None] / freedom))
        if has_ring:
            self.ring_share = 1 - float(np.sum(hidden)) / max(float(np.sum(ring[:, 1])), 1e-30)
            self._move_ring(ring, reach)
        self._learn(columns, deviation + step, share)
        self._move(columns, step)

    def _note_sigma(self, sigma: RealArray) -> None:
        """Keep the uncertainties of all columns (N, N, columns)."""
        self.scale_sigma = np.moveaxis(sigma[..., :FIRST], -1, 0)
        for index, column in enumerate(self._columns(True, self.sigma), start=FIRST):
            column.values[...] = column.unit * sigma[..., index]

    def _ring_row(
        self,
        row: int,
        heated: HeatedChip,
        jacobian: ComplexArray,
        residual: ComplexArray,
        reach: RealArray,
    ) -> tuple[ComplexArray, RealArray]:
        """One row's derivative by the second ring's strength, and its (pull, weight) by frame.

        A mean over frames is theta0's and the input map's: it is taken out.
        """
        change = np.zeros_like(residual)
        index = self._theta_column
        for s, h in self.heaters:
            warm = ring_row(heated.power[s, h], row, reach)
            warm -= warm.mean(-1, keepdims=True)
            warm *= self.chip.kappa[s, h, row, :, None]
            change += warm * jacobian[:, 1 if h else index(s)]
        pull = np.sum(change.real * residual.real + change.imag * residual.imag, 0)
        weight = np.sum(change.real**2 + change.imag**2, 0)
        return change, np.array([pull, weight], np.float64)

    def finish(self) -> None:
        """Update maps and second ring once more, for the chip as it is now."""
        heated = self.path.heated(self.chip, self.record.cold)
        z = heated.field()
        residual = self.path.residual(self.maps.update(self.chip, self.path.spectrum(z)), z)
        self.residual = self.maps.residual
        reach = np.array(self.nominal.link_ring)
        if np.any(reach):

            def pull(row: int) -> RealArray:
                jacobian = self._jacobian(row, heated, z[row], thermal=False)
                return self._ring_row(row, heated, jacobian, residual[row], reach)[1]

            self._move_ring(np.array(each_row(pull, z.shape[0])), reach)

    def _move_ring(self, parts: RealArray, reach: RealArray) -> None:
        """Step of the second ring's strength, by pulls and weights (N rows, 2, frames).

        What a row has in common counts, and what a frame has: the variances by rows and by frames,
        less that of the single parts, which is in both (Cameron, Gelbach and Miller 2011).
        """
        pull, weight = parts[:, 0], parts[:, 1]
        step, by_row = clustered(pull.sum(1), weight.sum(1))
        _, by_frame = clustered(pull.sum(0), weight.sum(0))
        _, single = clustered(pull.ravel(), weight.ravel())
        both = max(by_row**2 + by_frame**2 - single**2, by_row**2, by_frame**2)
        # What the pixels' own parameters could take up is not the ring's.
        self.ring_sigma = float(np.sqrt(both)) / self.ring_share
        self.ring_strength += step / self.ring_share
        self.chip.ring = reach * self.ring_strength

    def field(self) -> ComplexArray:
        """Field of the stages in the record's frames, (N, N, frames)."""
        return self.path.heated(self.chip, self.record.cold).field()

    def link_prior(self) -> tuple[RealArray, RealArray, RealArray]:
        """Mean, scatter and information of the links' populations, each (2, 2, 4)."""
        mean, sigma, information = (np.zeros((2, 2, 4)) for _ in range(3))
        for group, value in self.population.mean.items():
            if group[0] == "link":
                unit = self._link_unit(group[3])
                mean[group[1:]] = value * unit
                sigma[group[1:]] = LINK_SIGMA * unit
                information[group[1:]] = self.population.information[group]
        return mean, sigma, information

    def _link_unit(self, direction: int) -> float:
        nearest = 0 in DIRECTIONS[direction]
        return self.nominal.link_nearest if nearest else self.nominal.link_diagonal

    def _columns(self, thermal: bool, chip: ChipModel) -> Iterator[Column]:
        """Parameters in the order of the Jacobian's columns, after the complex scale."""
        for s in self.path.stages:
            yield Column(chip.rho[s], 1.0, 0.2)
            yield Column(chip.theta0[s], 1.0, 0.3)
        unit = np.pi / self.nominal.p_pi_mw
        for s, h in self.heaters:
            yield Column(chip.kappa[s, h], unit, 0.04, KAPPA_SIGMA, ("kappa", s, h, 0))
        if not thermal:
            return
        unit = self.nominal.resistance_slope_per_mw
        for s, h in self.heaters if unit else ():
            yield Column(chip.beta[s, h], unit, 0.3, BETA_SIGMA, ("beta", s, h, 0))
        unit = self.nominal.link_partner
        for s in self.path.stages if unit else ():
            yield Column(chip.partner[s], unit, 0.5, LINK_SIGMA, ("partner", s, 0, 0))
        for s, h in self.heaters:
            for k in range(8):
                unit = self._link_unit(k)
                if unit:
                    inside = neighbour(np.ones(chip.rho.shape[1:]), DIRECTIONS[k])
                    group = ("link", s, h, k % 4)
                    yield Column(chip.links[s, h, k], unit, 0.5, LINK_SIGMA, group, inside)

    def _jacobian(
        self, row: int, heated: HeatedChip, z: ComplexArray, thermal: bool
    ) -> ComplexArray:
        """Derivatives of one row of pixels, (N, parameters, frames) complex64."""
        chip, kappa = self.chip, self.chip.kappa[..., row, :, None]
        unit = np.float32(np.pi / self.nominal.p_pi_mw)
        swing = (
            heated.carrier[row] * (1 + heated.arm_b[row]) * heated.arm_a[row],
            heated.carrier[row] * (1 + heated.arm_a[row]) * heated.arm_b[row],
        )
        jacobian = np.empty((z.shape[0], self._width(thermal), z.shape[1]), np.complex64)
        jacobian[:, 0] = z
        np.multiply(z, 1j, out=jacobian[:, 1])
        for s in self.path.stages:
            at = self._theta_column(s)
            np.multiply(swing[s], 1 / chip.rho[s, row, :, None], out=jacobian[:, at - 1])
            np.multiply(swing[s], 1j, out=jacobian[:, at])
        by_psi = [jacobian[:, 1 if h else self._theta_column(s)] for s, h in self.heaters]
        at = FIRST + 2 * len(self.path.stages)
        for index, (s, h) in enumerate(self.heaters):
            np.multiply(by_psi[index], unit * heated.heat[s, h, row], out=jacobian[:, at + index])
        if thermal:
            by_heat = [by_psi[i] * kappa[s, h] for i, (s, h) in enumerate(self.heaters)]
            self._thermal_columns(row, heated, by_heat, jacobian[:, at + len(self.heaters) :])
        return jacobian

    def _theta_column(self, stage: int) -> int:
        """Column of a stage's theta0; before it is that of its rho."""
        return FIRST + 2 * self.path.stages.index(stage) + 1

    def _width(self, thermal: bool) -> int:
        """Number of columns: the complex scale's two, and one for each parameter."""
        return 2 + len(list(self._columns(thermal, self.chip)))

    def _thermal_columns(
        self, row: int, heated: HeatedChip, by_heat: list[ComplexArray], out: ComplexArray
    ) -> None:
        """Derivatives by beta, partner and links of one row of pixels, into `out`."""
        chip, nominal, power = self.chip, self.nominal, heated.power
        at = iter(range(out.shape[1]))
        if nominal.resistance_slope_per_mw:
            unit = np.float32(nominal.resistance_slope_per_mw)
            for (s, h), slope in zip(self.heaters, by_heat, strict=True):
                own = power[s, h, row]
                # beta P^2 + P = P0  ->  dP/dbeta = -P^2 / (1 + 2 beta P)
                bend = own * own / (1 + 2 * chip.beta[s, h, row, :, None] * own)
                np.multiply(slope, -unit * bend, out=out[:, next(at)])
        if nominal.link_partner:
            unit = np.float32(nominal.link_partner)
            strength = chip.strength[:, :, row, :, None]
            for index, s in enumerate(self.path.stages):
                column = out[:, next(at)]
                ratio = unit * strength[s, 1] / strength[s, 0]
                np.multiply(by_heat[2 * index], ratio * power[s, 1, row], out=column)
                column += by_heat[2 * index + 1] * (unit**2 / ratio * power[s, 0, row])
        for (s, h), slope in zip(self.heaters, by_heat, strict=True):
            for k, (down, right) in enumerate(DIRECTIONS):
                unit = np.float32(self._link_unit(k))
                if not unit:
                    continue
                column = out[:, next(at)]
                if not 0 <= row + down < power.shape[2]:
                    column[:] = 0
                    continue
                own, other = overlap(right)
                column[0], column[-1] = 0, 0
                np.multiply(slope[own], unit * power[s, h, row + down, other], out=column[own])

    def _prior(self, columns: list[Column], grid: tuple[int, ...]) -> tuple[RealArray, RealArray]:
        """Precision of each parameter's prior and its distance from the mean, in units."""
        precision, deviation = (np.zeros((*grid, FIRST + len(columns))) for _ in range(2))
        for index, column in enumerate(columns, start=FIRST):
            if column.group is not None:
                mean = self.population.mean.setdefault(column.group, 1.0)
                off = column.values / column.unit - mean
                deviation[..., index] = off if column.inside is None else off * column.inside
                precision[..., index] = 1 / column.sigma**2
        return precision, deviation

    def _move(self, columns: list[Column], step: RealArray) -> None:
        """Take the step, no parameter further than its limit."""
        growth = np.exp(np.clip(step[..., 0], -1, 1) + 1j * step[..., 1])
        self.chip.input_map *= growth.astype(np.complex64)
        for index, column in enumerate(columns, start=FIRST):
            move = np.clip(step[..., index], -column.limit, column.limit)
            column.values += (column.unit * move).astype(np.float32)
        for s in self.path.stages:
            np.maximum(self.chip.rho[s], 0.1, out=self.chip.rho[s])

    def _learn(self, columns: list[Column], off: RealArray, share: RealArray) -> None:
        """Move each population's mean to where the data put it.

        A posterior ``p = m + f (data - m)``, with data ~ N(mean, sigma^2 + v) and the share
        ``f = sigma^2 / (sigma^2 + v)``, has the maximum-likelihood mean
        ``m + sum(p - m) / sum(f)``.
        """
        above: dict[tuple[str, int, int, int], list[float]] = {}
        for index, column in enumerate(columns, start=FIRST):
            if column.group is None:
                continue
            inside = 1.0 if column.inside is None else column.inside
            total = above.setdefault(column.group, [0.0, 0.0, 0.0])
            total[0] += float(np.sum(off[..., index] * inside))
            total[1] += float(np.sum(share[..., index] * inside))
            total[2] += float(np.sum(np.ones_like(off[..., index]) * inside))
        for group, (moved, known, count) in above.items():
            if known > 0.02 * count:
                self.population.mean[group] += moved / known
            self.population.information[group] = min(max(known / max(count, 1.0), 0.0), 1.0)


def _blank(chip: ChipModel) -> ChipModel:
    """A chip model of zeros in double precision."""
    return ChipModel(
        rho=np.zeros(chip.rho.shape),
        theta0=np.zeros(chip.theta0.shape),
        kappa=np.zeros(chip.kappa.shape),
        beta=np.zeros(chip.beta.shape),
        links=np.zeros(chip.links.shape),
        partner=np.zeros(chip.partner.shape),
        strength=np.zeros(chip.strength.shape),
        input_map=np.zeros(chip.input_map.shape, np.complex128),
        output_map=np.zeros(chip.output_map.shape, np.complex128),
    )
