"""Gauss-Newton and the maps on made-up records, where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from driver.calibration.first_look import random_codes
from driver.calibration.frames import Record, four_step_spectrum
from driver.calibration.model import ChipModel, chip_of, cold_power_mw, fourier
from driver.calibration.nominal import nominal_calibration
from driver.calibration.planes import fix_gauge, nominal_output_map
from driver.calibration.refinement import Refinement

FRAMES = 160


def scattered(chip: ChipModel, rng: np.random.Generator) -> ChipModel:
    """A chip as fabricated: every parameter off by its population's scatter."""
    made = chip.single()
    made.rho *= 1 + 0.05 * rng.standard_normal(made.rho.shape).astype(np.float32)
    made.theta0 += rng.uniform(-np.pi, np.pi, made.theta0.shape).astype(np.float32)
    for values, scatter in ((made.kappa, 0.05), (made.beta, 0.1), (made.partner, 0.1)):
        values *= 1 + scatter * rng.standard_normal(values.shape).astype(np.float32)
    made.links *= 1 + 0.1 * rng.standard_normal(made.links.shape).astype(np.float32)
    phase = rng.uniform(-np.pi, np.pi, made.input_map.shape)
    made.input_map = (made.input_map * np.exp(1j * phase)).astype(np.complex64)
    return made


def nearby(chip: ChipModel, rng: np.random.Generator) -> ChipModel:
    """What a grid search leaves: slopes within a grid step, phases within 0.1 rad."""
    start = chip.single()
    start.kappa *= 1 + 0.01 * rng.standard_normal(chip.kappa.shape).astype(np.float32)
    start.theta0 += 0.05 * rng.standard_normal(chip.theta0.shape).astype(np.float32)
    return start


@pytest.fixture(scope="module")
def case(specimen):
    info = specimen.device.info
    rng = np.random.default_rng(0)
    nominal = chip_of(nominal_calibration(info), info).single()
    truth = scattered(nominal, rng)
    cold = cold_power_mw(random_codes(rng, FRAMES, info), info)
    gain = np.exp(0.01 * rng.standard_normal(FRAMES) + 0.02j * rng.standard_normal(FRAMES))
    spectrum = truth.output_map[..., None] * fourier(truth.heated(cold).field()) * gain
    spectrum = spectrum + 0.002j * np.conj(spectrum)
    record = Record(cold, spectrum.astype(np.complex64), np.ones(spectrum.shape, bool))
    start = nearby(truth, rng)
    start.links, start.beta, start.partner = (
        nominal.links.copy(),
        nominal.beta.copy(),
        nominal.partner.copy(),
    )
    refinement = Refinement(start, record, info.nominal)
    for thermal in (False, True, True, True):
        refinement.iterate(thermal=thermal)
    return truth, refinement, info


def test_a_noiseless_record_is_explained(case):
    """float32 phases of up to 35 rad: 4e-6 an operation; a few hundred times that would be a
    parameter that did not converge."""
    _, refinement, _ = case
    refinement.finish()
    assert refinement.residual < 2e-3


def test_parameters_converge(case):
    """Without noise what remains is the convergence of four iterations: a hundredth of where each
    began, or a tenth of its scatter where the data say little of it."""
    truth, refinement, _ = case
    found = refinement.chip
    assert np.std(found.kappa / truth.kappa - 1) < 1e-3
    assert np.std(found.theta0 - truth.theta0) < 5e-3
    assert np.std(found.rho - truth.rho) < 2e-3
    inner = (slice(None), slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert np.std(found.links[inner] - truth.links[inner]) < 0.1 * 0.1 * 0.02
    assert np.std(found.beta / truth.beta - 1) < 0.05
    assert abs(found.leak - 0.002j) < 1e-5


def test_population_means_are_learned(case):
    """Scatter over 1024 pixels: 0.1 / 32 for beta, of which 5 sigma."""
    truth, refinement, info = case
    slope = info.nominal.resistance_slope_per_mw
    for s in (0, 1):
        for h in (0, 1):
            mean = refinement.population.mean["beta", s, h, 0]
            assert mean == pytest.approx(np.mean(truth.beta[s, h]) / slope, abs=0.01)


def test_the_product_of_the_maps_is_found(case):
    """Only the product of input and output scale is physical."""
    truth, refinement, _ = case
    found = refinement.chip
    ratio = found.output_map / truth.output_map * np.vdot(truth.input_map, found.input_map)
    ratio = ratio / np.vdot(truth.input_map, truth.input_map) * np.mean(refinement.maps.gain)
    assert np.max(np.abs(ratio / np.mean(ratio) - 1)) < 3e-3


def test_saturated_bins_do_not_bend_the_fit(case):
    """Bins marked as untrusted may hold anything."""
    truth, refinement, info = case
    record = refinement.record
    trusted = np.random.default_rng(5).random(record.spectrum.shape) > 0.01
    spoilt = np.where(trusted, record.spectrum, np.complex64(1e4))
    again = Refinement(truth.single(), Record(record.cold, spoilt, trusted), info.nominal)
    again.maps.gain = refinement.maps.gain.copy()
    again.iterate(thermal=False)
    assert again.residual < 5e-3


def test_the_gauge_moves_nothing_physical(case):
    truth, _, info = case
    chip = truth.single()
    chip.output_map = chip.output_map * np.complex64(3 * np.exp(1j))
    before = np.multiply.outer(chip.input_map[0], chip.output_map[0])
    fix_gauge(chip, info, 0.5)
    after = np.multiply.outer(chip.input_map[0], chip.output_map[0])
    np.testing.assert_allclose(after, before, rtol=1e-5)
    nominal = 0.5 * nominal_output_map(info)
    assert np.mean(np.abs(chip.output_map)) == pytest.approx(np.mean(np.abs(nominal)), rel=1e-5)
    assert np.angle(np.vdot(nominal, chip.output_map)) == pytest.approx(0, abs=1e-5)


def test_four_steps_and_saturation():
    counts = np.array([[700, 500, 100, 300], [700, 4016, 100, 300]], np.uint16)[..., None, None]
    spectrum, trusted = four_step_spectrum(counts, 4015.5)
    assert spectrum[0, 0, 0] == (600 + 200j) / 4
    assert trusted[:, 0, 0].tolist() == [True, False]
