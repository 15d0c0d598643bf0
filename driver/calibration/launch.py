"""The launch attenuator: choosing how bright to expose, and the complex gain of each step.

The gains are a ladder.  One frame is exposed at several steps, so that its field is common to
them; its brightness is chosen so that one of the middle steps exposes the camera as the random
frames do.  Regressing each exposure on the spectrum that the chip model predicts gives
``gamma = g_l G_frame`` without the bias that noise in a regressor makes; overlapping groups of
steps then fix all g_l and all G by least squares on the logarithms.  While a frame's exposures
follow each other reference and laser drift, which adds up along the ladder (0.3 mrad over 13 steps
at 5 mrad/s): frames go through their steps up and down in turn, and the drift is fitted too.

Bright steps see a uniformly dimmed field of random phases.  For dim steps there is no more light
to be had, so the same light is gathered in fewer bins, by a chirp that spreads it over a square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.model import ChipModel, cold_power_mw, fourier
from driver.calibration.nominal import nominal_launch_gain
from driver.calibration.reference import remove_leak
from driver.calibration.report import Check, Findings, Line, Panel, Value, judged
from driver.calibration.settings import PARKED_PHASE, codes_for_phases, to_window
from driver.errors import CalibrationError
from driver.info import DeviceInfo

if TYPE_CHECKING:
    from driver.calibration.bench import Bench

__all__ = ["choose_step", "field_codes", "run"]

EXPOSURES = 6
"""Steps that one ladder frame is exposed at."""
STRIDE = 2
"""Steps between groups; neighbouring groups share EXPOSURES - STRIDE steps."""
FRAMES = 3
"""Ladder frames of each group."""


def choose_step(bench: Bench, codes: NDArray[Any], limit: float) -> int:
    """Brightest launch step at which at most `limit` of the usable bins of `codes` saturate.

    Nor does the signal get brighter than the reference, on average.

    Raises
    ------
    CalibrationError
        The camera saturates at every step.
    """
    steps = bench.info.nominal.launch_steps
    usable = ~bench.camera_dead

    def too_bright(step: int) -> bool:
        record = bench.take(codes, step)
        if 1 - np.mean(record.trusted[usable]) > limit:
            return True
        if np.isfinite(bench.saturation_dn):
            return False
        beam = np.mean(bench.reference_dn)
        return bool(np.sqrt(np.mean(np.abs(record.spectrum) ** 2)) > beam)

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
    """Codes for fields (N, N, n) in front of the last lens, clipped to what the chip can do."""
    if chip.middle_map is not None:
        return _second_chip_codes(chip, target, info)
    wanted = target / _alive(chip.input_map)[..., None]
    psi = np.full((2, 2, *target.shape), PARKED_PHASE)
    phase = np.angle(wanted) - PARKED_PHASE
    for stage in (0, 1):
        psi[stage, 0], turned = _amplitude(chip, stage, np.sqrt(np.abs(wanted)))
        phase = phase - turned
    psi[0, 1] = to_window(phase)
    return codes_for_phases(chip, psi, info)


def _second_chip_codes(chip: ChipModel, target: ComplexArray, info: DeviceInfo) -> NDArray[Any]:
    """Layout 4f: a chirp on the first chip lights the second evenly, and that makes the field."""
    assert chip.middle_map is not None
    axis = np.arange(info.grid[0]) - info.grid[0] / 2
    chirp = np.exp(1j * np.pi * axis**2 / info.grid[0])
    even = _brightest(chip) * np.multiply.outer(chirp, chirp)
    psi = np.full((2, 2, *target.shape), PARKED_PHASE)
    for stage in (0, 1):
        if stage == 0:
            wanted = (even / _alive(chip.input_map))[..., None]
        else:
            cold = cold_power_mw(codes_for_phases(chip, psi[..., :1], info), info)
            light = fourier(chip.input_map[..., None] * chip.stage(0, cold))
            wanted = target / (_alive(chip.middle_map)[..., None] * light)
        psi[stage, 0], turned = _amplitude(chip, stage, np.abs(wanted))
        psi[stage, 1] = to_window(np.angle(wanted) - turned)
    return codes_for_phases(chip, psi, info)


def _alive(values: ComplexArray) -> ComplexArray:
    """A map to divide by: a dead pixel gives no light, whatever is asked of it."""
    return np.where(values == 0, np.inf, values)


def _brightest(chip: ChipModel) -> float:
    """What the median pixel of the first chip of layout 4f can give."""
    return float(np.median(np.abs(chip.input_map) * (1 + chip.rho[0])))


def _amplitude(chip: ChipModel, stage: int, modulus: RealArray) -> tuple[RealArray, RealArray]:
    """Heating phase of theta for a stage's modulus (N, N, n), and the phase that comes with it."""
    rho = chip.rho[stage, ..., None].astype(np.float64)
    modulus = np.clip(modulus, np.abs(1 - rho), 1 + rho)
    theta = np.arccos(np.clip((modulus**2 - 1 - rho**2) / (2 * rho), -1.0, 1.0))
    psi = to_window(theta - chip.theta0[stage, ..., None])
    return psi, np.angle(1 + rho * np.exp(1j * theta))


def run(bench: Bench) -> Findings:
    """Measure the gain of every launch step relative to the main frames'; sets `launch_gain`."""
    info, reference_step = bench.info, bench.launch_step
    ladder = _measure(bench)
    gain, sigma = ladder.gain, ladder.sigma
    bench.launch_gain = gain
    nominal = nominal_launch_gain(info, reference_step)
    ratio = gain / nominal
    steps = np.arange(len(gain))
    off_db = 20 * np.log10(np.abs(ratio))
    checks = [
        Check("largest step error", float(np.max(np.abs(off_db))), 1, 6, "dB"),
        Check("gains known to", 100 * float(np.max(sigma)), 1, 5, "%"),
    ]
    verdict, reason = judged(checks)
    return Findings(
        values=(
            Value("gain off the data sheet", "relative", np.abs(ratio) - 1, sigma * np.abs(ratio)),
            Value("phase off the data sheet", "rad", np.angle(ratio), sigma),
            # A mean of squares of so many real parts.
            Value(
                "residual of an exposure",
                "of the camera's noise",
                ladder.residual,
                ladder.residual / np.sqrt(4 * ladder.freedom),
            ),
        ),
        plots=(
            Panel(
                "Launch attenuator, off its data sheet",
                "step",
                "gain [dB]",
                (Line("measured", steps, off_db, sigma * 20 / np.log(10), points=True),),
            ),
            Panel(
                "Phase that goes with a step",
                "step",
                "phase [mrad]",
                (Line("measured", steps, 1e3 * np.angle(ratio), 1e3 * sigma, points=True),),
            ),
        ),
        verdict=verdict,
        reason=reason,
    )


def _measure(bench: Bench) -> _Ladder:
    """Expose the ladder's frames, and solve it."""
    device, info, chip = bench.device, bench.info, bench.chip
    count = info.nominal.launch_steps
    exposures = min(EXPOSURES, count)
    starts = sorted({*range(0, count - exposures, STRIDE), count - exposures})
    equations: list[_Equation] = []
    for group, start in enumerate(starts):
        bench.progress(group / len(starts))
        steps = np.arange(start, start + exposures)
        middle = start + exposures // 2 - 1
        codes = field_codes(chip, _targets(chip, bench.rng, info, middle - bench.launch_step), info)
        upwards = np.broadcast_to(steps.astype(np.uint8), (FRAMES, exposures))
        down = (np.arange(FRAMES) + group)[:, None] % 2 == 1
        ladder = np.where(down, upwards[:, ::-1], upwards)
        counts = device.expose(codes, reference="steps", launch_step=ladder)
        spectrum, trusted = bench.spectrum(counts)
        clean = remove_leak(spectrum, chip.leak)
        field = chip.field(bench.cold(codes))
        model = np.moveaxis(chip.output_map[..., None] * fourier(field), -1, 0)[:, None] * trusted
        power = np.sum(np.abs(model) ** 2, (-2, -1))
        gamma = np.sum(clean * np.conj(model), (-2, -1)) / np.maximum(power, 1e-30)
        # What the model leaves of one frame is the same at all its exposures, and the ladder
        # compares exposures: only the camera's noise counts.
        noise = _noise_dn2(counts, trusted, bench)
        for frame in range(FRAMES):
            for index, step in enumerate(ladder[frame]):
                size = abs(gamma[frame, index]) ** 2 * power[frame, index]
                equations.append(
                    _Equation(
                        int(step),
                        group * FRAMES + frame,
                        index - (exposures - 1) / 2,
                        complex(gamma[frame, index]),
                        float(np.sqrt(size / max(noise[frame, index], 1e-30))),
                    )
                )
    return _solve_ladder(equations, info, bench.launch_step)


def _noise_dn2(counts: NDArray[Any], trusted: NDArray[np.bool_], bench: Bench) -> RealArray:
    """Mean variance of a real part of Y over trusted bins, (frames, exposures) [DN^2]."""
    light = counts.astype(np.float32).mean(-3) - bench.black_dn.astype(np.float32)
    variance = (
        np.maximum(light, 0) / bench.gain_e_per_dn + bench.dark_variance_dn2
    ) * bench.noise_of_y
    seen = np.maximum(trusted.sum((-2, -1)), 1)
    return np.sum(variance * trusted, (-2, -1)) / seen


def _targets(
    chip: ChipModel, rng: np.random.Generator, info: DeviceInfo, dimmer: int
) -> ComplexArray:
    """Fields (N, N, FRAMES) that expose well `dimmer` steps below the random frames' step."""
    size = info.grid[0]
    nominal = info.nominal
    # Random frames have on average half the power of the maximum in each stage.
    if chip.middle_map is None:
        most = np.abs(chip.input_map) * (1 + chip.rho[0]) * (1 + chip.rho[1])
    else:
        most = _brightest(chip) * np.abs(chip.middle_map) * (1 + chip.rho[1])
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


@dataclass(frozen=True, slots=True)
class _Equation:
    """``gamma`` of one exposure of a ladder frame at `step`, known to ``1 / weight``, relative.

    `turn` is the exposure's place in its frame, counted from the middle.
    """

    step: int
    frame: int
    turn: float
    gamma: complex
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class _Ladder:
    """The attenuator's gains, and how well they are known."""

    gain: ComplexArray
    """(L,) relative to the main frames' step."""
    sigma: RealArray
    """(L,) relative and per real part."""
    residual: float
    """Of the exposures over their noise, RMS."""
    freedom: int
    """Degrees of freedom that the residual is known by."""


def _solve_ladder(equations: list[_Equation], info: DeviceInfo, reference_step: int) -> _Ladder:
    """Least squares of ``ln gamma = ln g_l + ln G_frame + drift turn``, g being 1 at one step."""
    nominal = nominal_launch_gain(info, reference_step)
    count = len(nominal)
    frames = 1 + max(equation.frame for equation in equations)
    matrix: RealArray = np.zeros((len(equations) + 1, count + frames + 1))
    right = np.zeros(len(equations) + 1, np.complex128)
    for row, equation in enumerate(equations):
        matrix[row, equation.step] = matrix[row, count + equation.frame] = equation.weight
        matrix[row, -1] = equation.weight * equation.turn
        ratio = equation.gamma / nominal[equation.step]
        right[row] = equation.weight * np.log(ratio if ratio != 0 else 1.0)
    matrix[-1, reference_step] = 1e3 * max(equation.weight for equation in equations)
    solution = np.linalg.lstsq(matrix, right, rcond=None)[0]
    left = right - matrix @ solution
    freedom = max(len(equations) + 1 - matrix.shape[1], 1)
    scatter = float(np.sum(np.abs(left) ** 2)) / (2 * freedom)
    covariance = np.linalg.pinv(matrix.T @ matrix) * max(scatter, 1.0)
    sigma = np.sqrt(np.diag(covariance)[:count])
    return _Ladder(nominal * np.exp(solution[:count]), sigma, float(np.sqrt(scatter)), freedom)
