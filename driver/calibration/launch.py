"""The launch attenuator: choosing how bright to expose, and the complex gain of each step.

The gains are a ladder.  One frame is exposed at several steps, so that its field is common to
them; its brightness is chosen so that one of the middle steps exposes the camera as the random
frames do.  Regressing each exposure on the spectrum that the chip model predicts gives
``gamma = g_l G_frame`` without the bias that noise in a regressor makes; overlapping groups of
steps then fix all g_l and all G by least squares on the logarithms.

Bright steps see a uniformly dimmed field of random phases.  For dim steps there is no more light
to be had, so the same light is gathered in fewer bins, by a chirp that spreads it over a square.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.frames import CalibrationDevice, four_step_spectrum, take
from driver.calibration.model import ChipModel, cold_power_mw, fourier
from driver.calibration.nominal import nominal_launch_gain
from driver.calibration.reference import remove_leak
from driver.calibration.settings import PARKED_PHASE, codes_for_phases, to_window
from driver.errors import CalibrationError
from driver.info import DeviceInfo

__all__ = ["choose_step", "field_codes", "measure_launch_gain"]

EXPOSURES = 6
"""Steps that one ladder frame is exposed at."""
STRIDE = 2
"""Steps between groups; neighbouring groups share EXPOSURES - STRIDE steps."""
FRAMES = 3
"""Ladder frames of each group."""


def choose_step(
    device: CalibrationDevice, codes: NDArray[Any], saturation_dn: float, limit: float
) -> int:
    """Brightest launch step at which at most `limit` of the bins of `codes` saturate.

    Nor does the signal get brighter than the reference, on average.
    """
    steps = device.info.nominal.launch_steps

    def too_bright(step: int) -> bool:
        record = take(device, codes, step, saturation_dn)
        if 1 - np.mean(record.trusted) > limit:
            return True
        if np.isfinite(saturation_dn):
            return False
        beam = device.expose(codes[:1], reference="only").astype(np.float64)
        return bool(np.sqrt(np.mean(np.abs(record.spectrum) ** 2)) > np.mean(beam))

    low, high = 0, steps  # too_bright(low - 1), not too_bright(high)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if too_bright(middle) else (low, middle)
    if low == steps:
        raise CalibrationError(
            "the camera saturates at every launch step; is the laser power too high?"
        )
    return low


def field_codes(chip: ChipModel, target: ComplexArray, info: DeviceInfo) -> NDArray[Any]:
    """Codes for transmissions ``m_a m_b input_map`` of targets (N, N, n), clipped to the chip's."""
    amplitude = np.abs(target / chip.input_map[..., None])
    psi = np.full((2, 2, *target.shape), PARKED_PHASE)
    phase = np.angle(target / chip.input_map[..., None]) - PARKED_PHASE
    share = np.sqrt(amplitude)
    for stage in (0, 1):
        rho = chip.rho[stage, ..., None].astype(np.float64)
        modulus = np.clip(share, np.abs(1 - rho), 1 + rho)
        cosine = np.clip((modulus**2 - 1 - rho**2) / (2 * rho), -1.0, 1.0)
        theta = np.arccos(cosine)
        psi[stage, 0] = to_window(theta - chip.theta0[stage, ..., None])
        phase = phase - np.angle(1 + rho * np.exp(1j * theta))
    psi[0, 1] = to_window(phase)
    return codes_for_phases(chip, psi, info)


def measure_launch_gain(
    device: CalibrationDevice,
    chip: ChipModel,
    rng: np.random.Generator,
    reference_step: int,
    saturation_dn: float,
) -> ComplexArray:
    """Gain of every launch step relative to `reference_step`, (L,) complex128."""
    info = device.info
    count = info.nominal.launch_steps
    exposures = min(EXPOSURES, count)
    starts = sorted({*range(0, count - exposures, STRIDE), count - exposures})
    equations: list[tuple[int, int, complex, float]] = []  # step, frame, gamma, weight
    for group, start in enumerate(starts):
        steps = np.arange(start, start + exposures)
        middle = start + exposures // 2 - 1
        codes = field_codes(chip, _targets(chip, rng, info, middle - reference_step), info)
        ladder = np.broadcast_to(steps.astype(np.uint8), (FRAMES, exposures))
        counts = device.expose(codes, reference="steps", launch_step=np.ascontiguousarray(ladder))
        spectrum, trusted = four_step_spectrum(counts, saturation_dn)
        clean = remove_leak(spectrum, chip.leak)
        field = chip.heated(cold_power_mw(codes, info)).field()
        model = np.moveaxis(chip.output_map[..., None] * fourier(field), -1, 0)[:, None] * trusted
        power = np.sum(np.abs(model) ** 2, (-2, -1))
        gamma = np.sum(clean * np.conj(model), (-2, -1)) / np.maximum(power, 1e-30)
        for frame in range(FRAMES):
            for index, step in enumerate(steps):
                weight = float(np.sqrt(power[frame, index])) * abs(gamma[frame, index])
                equations.append((int(step), group * FRAMES + frame, gamma[frame, index], weight))
    return _solve_ladder(equations, info, reference_step)


def _targets(
    chip: ChipModel, rng: np.random.Generator, info: DeviceInfo, dimmer: int
) -> ComplexArray:
    """Fields (N, N, FRAMES) that expose well `dimmer` steps below the random frames' step."""
    size = info.grid[0]
    nominal = info.nominal
    # Random frames have on average half the power of the maximum in each stage.
    most = np.abs(chip.input_map) * (1 + chip.rho[0]) * (1 + chip.rho[1])
    change = 10 ** (nominal.launch_step_db * dimmer / 20)
    amplitude = np.full((size, size), 0.5 * float(np.median(most)))
    if change <= 1:
        phase = 2 * np.pi * rng.random((size, size, FRAMES))
        return (amplitude * change)[..., None] * np.exp(1j * phase)
    side = max(size / change, 3.0)  # bins of the square that the chirp fills
    offset = np.arange(size)[:, None] - size / 2
    centre = rng.uniform(-0.5, 0.5, (2, FRAMES)) * (size - side)
    chirp = [
        np.exp(1j * np.pi * side / size**2 * offset**2 + 2j * np.pi * shift * offset / size)
        for shift in centre
    ]
    return amplitude[..., None] * chirp[0][:, None, :] * chirp[1][None, :, :]


def _solve_ladder(
    equations: list[tuple[int, int, complex, float]], info: DeviceInfo, reference_step: int
) -> ComplexArray:
    """Least squares of ``ln gamma = ln g_l + ln G_frame`` with ``g = 1`` at the reference step."""
    nominal = nominal_launch_gain(info, reference_step)
    count = len(nominal)
    frames = 1 + max(frame for _, frame, _, _ in equations)
    matrix: RealArray = np.zeros((len(equations) + 1, count + frames))
    right = np.zeros(len(equations) + 1, np.complex128)
    for row, (step, frame, gamma, weight) in enumerate(equations):
        matrix[row, step] = matrix[row, count + frame] = weight
        ratio = gamma / nominal[step]
        right[row] = weight * np.log(ratio if ratio != 0 else 1.0)
    matrix[-1, reference_step] = max(weight for _, _, _, weight in equations)
    solution = np.linalg.lstsq(matrix, right, rcond=None)[0]
    return nominal * np.exp(solution[:count])
