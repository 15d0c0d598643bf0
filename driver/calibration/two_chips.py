"""Heater curves in layout 4f: two chips with a lens between them.

Stage b first.  While stage a stands at one of a few random settings, stage b is a chip in unknown
but steady light, in front of one lens: its heaters and the output map are found as those of layout
mft.  Then stage a, with stage b parked at its maximum: the field behind stage b is

    z_f(u) = q(u) F[A m_f](u),    q = middle map times stage b at rest,

with both planes' phases wholly unknown.  The phase heaters of stage a turn every pixel by a phase
psi_f(r) of its own, and so the mean over frames of ``z_f(u) exp(-i psi_f(r))`` is, but for noise,
``q(u) A(r) exp(-2 pi i r u / N) / N``: a matrix of rank one once the last factor is taken off.  Its
two vectors come out of a power iteration (`separate`), as alternating least squares over frames;
the matrix itself is never made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration import first_look
from driver.calibration.bench import Bench
from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.frames import Record
from driver.calibration.launch import choose_step
from driver.calibration.model import (
    ChipModel,
    fourier,
    fourier_inverse,
    heater_power_mw,
    unit_phasor,
)
from driver.calibration.nominal import nominal_launch_gain
from driver.calibration.paths import FirstStage, LastStage, one_stage
from driver.calibration.reciprocity import directed_links, symmetrise
from driver.calibration.refinement import Refinement
from driver.calibration.settings import PARKED_PHASE, codes_for_phases, to_window

__all__ = ["explore", "separate"]

LOOK_SETTINGS, LOOK_FRAMES = 4, 48
"""Settings of stage a in the first look at stage b, and frames of each: a pixel that is dark in one
speckle pattern is so in all four once in 10^4."""
SETTINGS = 8
"""Settings of stage a in stage b's main frames."""
MAIN_FRAMES = 512
"""Frames in which all heaters of one stage are at random."""
SATURATED = 0.02, 0.0
"""Bins that may saturate in the frames of a fit that fills them with its prediction, and in those
of a first look, which knows none."""
ROUNDS = 10
"""Of the power iteration: noise has an eighth of the signal's singular value at 64 x 64, a start at
random a 64th of its direction."""
SETTLING = 4
"""Updates of the output map and gains before the first refinement: each leaves a seventh of a wrong
scale, the share of the light in bins that saturate."""
SCHEDULE = (False, True, True)
"""Refinements with (True) or without the thermal parameters."""


def explore(bench: Bench) -> None:
    """Find the heaters of both stages and all three maps but for their gauge.

    Sets `launch_step`, `main`, `last_main`, `refinement` (of stage a), `last_refinement`, `links`.

    Raises
    ------
    CalibrationError
        The camera saturates at every launch step.
    """
    last = _explore_last(bench)
    bench.progress(0.5)
    first = _explore_first(bench)
    bench.progress(0.9)
    bench.refinement, bench.last_refinement = first, last
    settle(bench)


def settle(bench: Bench) -> None:
    """Make links reciprocal and the ring one, fit the rest to them, and keep all that is found."""
    first, last = bench.refinement, bench.last_refinement
    assert last is not None
    mean, sigma, share = (
        one + other for one, other in zip(first.link_prior(), last.link_prior(), strict=True)
    )
    bench.links = symmetrise(bench.chip.links, mean, sigma, share)
    bench.chip.links[...] = directed_links(bench.links)
    bench.chip.strength[...] = bench.links.strength
    _agree_on_ring(bench.chip, first, last)
    for fit in (last, first):
        fit.iterate(thermal=False)
        fit.finish()
        _keep(bench.chip, fit)
    _agree_on_ring(bench.chip, first, last)
    _keep_maps(bench, first)
    for name in ("rho", "theta0", "kappa", "beta", "links", "partner"):
        getattr(first.sigma, name)[1] = getattr(last.sigma, name)[1]
    first.field_residual = np.maximum(*(_relative(fit.field_residual) for fit in (first, last)))


def _explore_last(bench: Bench) -> Refinement:
    """Stage b, its heaters at random, and the output map."""
    info, chip = bench.info, bench.chip
    sample = first_look.random_codes(bench.rng, 4, info)
    step = choose_step(bench, sample, SATURATED[1])
    amplitudes = np.abs(nominal_launch_gain(info, 0))
    chip.output_map *= np.float32(amplitudes[step])
    _look_at_last(bench, step)
    bench.progress(0.1)
    main_step = choose_step(bench, sample, SATURATED[0])
    chip.output_map *= np.float32(amplitudes[main_step] / amplitudes[step])
    codes, setting = _settings(bench, SETTINGS, MAIN_FRAMES // SETTINGS)
    bench.last_main = bench.take(codes, main_step)
    record = _of_one_stage(bench.last_main, 1)
    view = one_stage(chip, 1, np.ones(info.grid, np.complex64))
    z = fourier_inverse(np.where(record.trusted, record.spectrum, 0) / chip.output_map[..., None])
    model = view.heated(record.cold).field()
    light = np.stack([_regress(z, model, setting == k) for k in range(SETTINGS)], -1)
    refinement = Refinement(view, record, info.nominal, LastStage(light, setting))
    _refine(bench, refinement, 0.1)
    # Another step for the other stage: nominal gains are near enough to start from.
    _keep(chip, refinement)
    chip.output_map = chip.output_map / np.float32(amplitudes[main_step])
    return refinement


def _settings(bench: Bench, count: int, frames: int) -> tuple[NDArray[Any], NDArray[np.int_]]:
    """Codes of stage b at random under each of some settings of stage a, and whose setting."""
    codes = first_look.random_codes(bench.rng, count * frames, bench.info)
    setting = np.repeat(np.arange(count), frames)
    codes[:, 0] = first_look.random_codes(bench.rng, count, bench.info)[setting, 0]
    return codes, setting


def _look_at_last(bench: Bench, step: int) -> None:
    """Grid search of stage b, each pixel in the setting that shows it best; the output map."""
    chip = bench.chip
    codes, setting = _settings(bench, LOOK_SETTINGS, LOOK_FRAMES)
    record = bench.take(codes, step)
    heating = heater_power_mw(record.cold, chip.beta[..., None])
    theta, phi = chip.heat(heating)[1]
    parts = [setting == index for index in range(LOOK_SETTINGS)]
    for _ in range(2):  # the second time with the output map that the first time gave
        z = fourier_inverse(record.spectrum / chip.output_map[..., None])
        energy = np.array([np.sum(np.abs(z[..., part]) ** 2, -1) for part in parts])
        best = np.argmax(energy, 0)
        z_shown, theta_shown, phi_shown = (
            _choose([value[..., part] for part in parts], best) for value in (z, theta, phi)
        )
        fit = first_look.grid_search(z_shown, theta_shown, phi_shown, first_look.slopes(bench.info))
        model = fit.field(theta, phi)
        for part in parts:
            model[..., part] *= _regress(z, model, part)[..., None]
        slope = _regress(record.spectrum, fourier(model), np.ones(len(setting), bool))
        chip.output_map = np.where(bench.camera_dead, chip.output_map, slope).astype(np.complex64)
    first_look.install(bench, 1, fit, heating)


def _choose(values: list[NDArray[Any]], which: NDArray[np.int_]) -> NDArray[Any]:
    """Of each pixel the one of `values` (N, N, frames) that `which` (N, N) names."""
    return np.choose(which[..., None], values)


def _explore_first(bench: Bench) -> Refinement:
    """Stage a, its heaters at random; input map, and what is between the lenses."""
    info, chip = bench.info, bench.chip
    codes = first_look.random_codes(bench.rng, MAIN_FRAMES, info)
    psi = np.full((2, 2, *info.grid, 1), PARKED_PHASE)
    psi[1, 0, ..., 0] = to_window(-chip.theta0[1])
    codes[:, 1] = codes_for_phases(chip, psi, info)[:, 1]
    bench.launch_step = choose_step(bench, codes[:4], SATURATED[0])
    record = bench.take(codes, bench.launch_step)
    amplitude = np.abs(nominal_launch_gain(info, 0))[bench.launch_step]
    chip.output_map = chip.output_map * np.float32(amplitude)
    heating = heater_power_mw(record.cold, chip.beta[..., None])
    theta, phi = chip.heat(heating)[0]
    z = fourier_inverse(record.spectrum / chip.output_map[..., None])
    between, _ = separate(z, chip.kappa[0, 1, ..., None] * phi, bench.rng)
    bench.progress(0.6)
    seen = slice(0, LOOK_SETTINGS * LOOK_FRAMES)  # enough for a start
    fit = first_look.grid_search(
        fourier_inverse(z[..., seen] / between[..., None]),
        theta[..., seen],
        phi[..., seen],
        first_look.slopes(info),
    )
    first_look.install(bench, 0, fit, heating)
    bench.main = record
    view = one_stage(chip, 0, fit.b0.astype(np.complex64))
    own = _of_one_stage(record, 0)
    refinement = Refinement(view, own, info.nominal, FirstStage(between))
    _refine(bench, refinement, 0.6)
    _keep(chip, refinement)
    return refinement


def _of_one_stage(record: Record, stage: int) -> Record:
    """The same frames with one chip's heaters alone."""
    cold = np.zeros_like(record.cold)
    cold[stage] = record.cold[stage]
    return Record(cold, record.spectrum, record.trusted)


def separate(
    z: ComplexArray, psi: RealArray, rng: np.random.Generator
) -> tuple[ComplexArray, ComplexArray]:
    """The two planes' maps of ``z_f = q F[A m_f]``, the m_f being turned by known phases.

    Parameters
    ----------
    z
        (N, N, F) complex64.
    psi
        (N, N, F): the phases, even if only roughly known [rad].
    rng
        For the start.

    Returns
    -------
    q, A : (N, N) complex64
        Up to a common factor, which goes from one to the other.
    """
    back = unit_phasor(-psi)
    size = z.shape[:2]
    q = (rng.standard_normal(size) + 1j * rng.standard_normal(size)).astype(np.complex64)
    for _ in range(ROUNDS):
        source = np.mean(back * fourier_inverse(np.conj(q)[..., None] * z), -1)
        light = fourier(source[..., None] * np.conj(back))
        q = _regress(z, light, np.ones(z.shape[-1], bool))
        floor = np.float32(0.1 * np.sqrt(np.mean(np.abs(q) ** 2)))
        size_of_q = np.abs(q)
        q = q * np.maximum(floor / np.maximum(size_of_q, 1e-30), 1)
    return q, source


def _refine(bench: Bench, refinement: Refinement, done: float) -> None:
    """Gauss-Newton; before it the scale, which saturated bins' predictions must have to be true."""
    spectrum = refinement.path.spectrum(refinement.field())
    for _ in range(SETTLING):
        refinement.maps.update(refinement.chip, spectrum)
    for index, thermal in enumerate(SCHEDULE):
        refinement.iterate(thermal=thermal)
        bench.progress(done + 0.3 * (index + 1) / len(SCHEDULE))


def _regress(
    measured: ComplexArray, model: ComplexArray, frames: NDArray[np.bool_]
) -> ComplexArray:
    """Complex factor of the model that fits best over some frames, (N, N)."""
    part = model[..., frames]
    power = np.maximum(np.sum(np.abs(part) ** 2, -1), 1e-30)
    slope: ComplexArray = np.sum(measured[..., frames] * np.conj(part), -1) / power
    return slope.astype(np.complex64)


def _keep(chip: ChipModel, refinement: Refinement) -> None:
    """Take over what a fit of one stage has of its own."""
    stage = refinement.path.stages[0]
    view = refinement.chip
    chip.rho[stage] = view.rho[stage]
    chip.output_map, chip.leak = view.output_map, view.leak


def _keep_maps(bench: Bench, first: Refinement) -> None:
    """Input and middle map of stage a's fit."""
    assert isinstance(first.path, FirstStage)
    at_rest = bench.chip.stage(1, bench.main.cold[..., :1])[..., 0]
    bench.chip.input_map = first.chip.input_map
    bench.chip.middle_map = (first.path.between / at_rest).astype(np.complex64)


def _agree_on_ring(chip: ChipModel, *fits: Refinement) -> None:
    """One ring for both chips, of one make: the mean of what each says, by inverse variance."""
    weights = np.array([fit.ring_sigma for fit in fits])
    weights = 1 / np.maximum(weights, 1e-30) ** 2
    sigma = float(np.sum(weights)) ** -0.5 if np.any(chip.ring) else 0.0
    chip.ring = np.average([fit.chip.ring for fit in fits], 0, weights)
    strength = float(np.average([fit.ring_strength for fit in fits], 0, weights))
    for fit in fits:
        fit.chip.ring, fit.ring_strength, fit.ring_sigma = chip.ring, strength, sigma


def _relative(values: RealArray) -> RealArray:
    """Over their median."""
    relative: RealArray = values / max(float(np.median(values)), 1e-30)
    return relative
