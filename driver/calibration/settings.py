"""Heater codes that set wanted phases: crosstalk solved, resistance curvature inverted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import RealArray
from driver.calibration.model import ChipModel
from driver.info import DeviceInfo

__all__ = ["PARKED_PHASE", "codes_for_phases", "to_window", "uniform_codes"]

WINDOW_START = 0.35 * np.pi
"""Heating phases lie in [0.35 pi, 2.35 pi): clear of 0, where crosstalk alone heats."""

PARKED_PHASE = WINDOW_START + np.pi
"""Middle of the window: what an unused phase heater is set to [rad]."""

ROUNDS = 8
"""Fixed-point rounds for crosstalk; each shrinks the error at least eightfold."""


def to_window(phase: RealArray) -> RealArray:
    """The same phase modulo 2 pi, in the window of heating phases."""
    wrapped: RealArray = np.mod(phase - WINDOW_START, 2 * np.pi) + WINDOW_START
    return wrapped


def codes_for_phases(chip: ChipModel, psi: RealArray, info: DeviceInfo) -> NDArray[Any]:
    """Codes (n, 2, 2, N, N) for heating phases psi (2, 2, N, N, n) [rad].

    Solves ``kappa Q(P) + warmth(P) = psi`` by Jacobi rounds, then
    ``u = sqrt(P (1 + beta P) / power_full)``.
    """
    wanted = psi / chip.kappa[..., None]
    total = 1 + chip.links.sum(2) + chip.partner_links()
    power = wanted / total[..., None]
    for _ in range(ROUNDS):
        foreign = chip.heat(power) - power
        foreign[:, 0] += chip.warmth(power) / chip.kappa[:, 0, ..., None]
        power = np.maximum(wanted - foreign, 0.0)
    cold = power * (1 + chip.beta[..., None] * power)
    drive = np.sqrt(cold / info.nominal.power_full_mw)
    return _quantised(np.moveaxis(np.minimum(drive, 1.0), -1, 0), info)


def uniform_codes(power: RealArray, info: DeviceInfo) -> NDArray[Any]:
    """Codes for cold powers given as a fraction of full power, of any shape."""
    return _quantised(np.sqrt(np.clip(power, 0.0, 1.0)), info)


def _quantised(drive: RealArray, info: DeviceInfo) -> NDArray[Any]:
    scaled = drive * info.code_max
    return (np.rint(scaled) if info.dac_bits else scaled).astype(info.code_dtype)
