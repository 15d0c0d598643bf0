"""The twin fit: all parameters of all pixels at once, by descent through the differentiable model.

The heaters' fit solves each pixel for itself, its neighbours' heat being known, and in layout 4f
each chip for itself, the other being unknown light or a still plane; here nothing is held, and both
chips' frames are one record.  The model is the emulator's physics in torch, given calibrated values
only: its functions know no specimen.  The objective is the negative log posterior: residuals of the
frames over their noise, by the light that each bin got, and the populations' scatter as prior.
L-BFGS descends in units of the uncertainties that the heaters' fit stated.

A fit can always explain the frames that it saw.  Frames that it did not see decide: only when they
are predicted better are the values kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.calibration.bench import Bench
from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.first_look import random_codes
from driver.calibration.frames import Record
from driver.calibration.reciprocity import directed_links
from driver.calibration.reference import remove_leak
from driver.calibration.refinement import BETA_SIGMA, KAPPA_SIGMA, LINK_SIGMA
from driver.calibration.report import Check, Findings, Histogram, Line, Panel, Value, judged

__all__ = ["run"]

ITERATIONS = 8
HELD_OUT = 48
"""Frames that the fit does not see."""
AT_ONCE = 32
"""Frames of one backward pass: what it keeps then fits into 0.3 GB."""


@dataclass(slots=True)
class _Problem:
    """Start, unit, prior mean and prior sigma of each group of parameters, all of one shape."""

    start: dict[str, RealArray]
    unit: dict[str, RealArray]
    prior: dict[str, tuple[float | RealArray, float]]


def run(bench: Bench) -> Findings:
    """Refine the chip and both maps together; changes them if held-out frames say so."""
    import torch

    problem = _problem(bench)
    fresh = bench.take(random_codes(bench.rng, HELD_OUT, bench.info), bench.launch_step)
    records = [bench.main] if bench.last_main is None else [bench.main, bench.last_main]
    parts = [
        (record, slice(begin, begin + AT_ONCE))
        for record in records
        for begin in range(0, record.spectrum.shape[-1], AT_ONCE)
    ]
    model = _Model(bench, problem, torch)
    offset = {
        name: torch.zeros(value.shape, dtype=torch.float32, requires_grad=True)
        for name, value in problem.start.items()
    }
    optimiser = torch.optim.LBFGS(
        list(offset.values()), max_iter=ITERATIONS, history_size=ITERATIONS,
        line_search_fn="strong_wolfe", max_eval=2 * ITERATIONS,
    )  # fmt: skip
    seen: list[float] = []

    def objective() -> Any:
        optimiser.zero_grad()
        total = model.prior(offset)
        total.backward()
        loss = float(total.detach())
        for record, frames in parts:
            misfit = model.misfit(offset, record, frames)
            misfit.backward()
            loss += float(misfit.detach())
        seen.append(loss)
        bench.progress(min(len(seen) / (2 * ITERATIONS), 1.0))
        return torch.tensor(loss)

    with torch.no_grad():
        before = model.residual(offset, fresh)
    optimiser.step(objective)
    with torch.no_grad():
        after = model.residual(offset, fresh)
    better = after < before
    moved = {name: value.detach().numpy().astype(np.float64) for name, value in offset.items()}
    if better:
        _install(bench, problem, moved)
    # Of so many real parts, the RMS is known to 1 / sqrt(2 number).
    unsure = float(1 / np.sqrt(4 * max(int(np.sum(fresh.trusted)), 1)))
    return _findings(seen, (before, after), unsure, moved, better)


def _problem(bench: Bench) -> _Problem:
    chip, sigma, maps = bench.chip, bench.refinement.sigma, bench.refinement.maps
    strength, links = bench.links.strength, bench.links.coefficient
    kappa, beta = chip.kappa / strength, chip.beta / strength
    output = chip.output_map
    start = {
        "rho": chip.rho,
        "theta0": chip.theta0,
        "kappa": kappa,
        "beta": beta,
        "links": links,
        "partner": chip.partner,
        "output_re": output.real,
        "output_im": output.imag,
    }
    unit = {
        "rho": sigma.rho,
        "theta0": sigma.theta0,
        "kappa": sigma.kappa / strength,
        "beta": sigma.beta / strength,
        "links": np.maximum(bench.link_sigma, 0.0),
        "partner": sigma.partner,
        "output_re": maps.output_sigma,
        "output_im": maps.output_sigma,
    }
    planes = [("input", chip.input_map, bench.refinement)]
    if chip.middle_map is not None and bench.last_refinement is not None:
        planes.append(("middle", chip.middle_map, bench.last_refinement))
    for name, plane, fit in planes:
        start[f"{name}_log"] = np.log(np.maximum(np.abs(plane), 1e-9))
        start[f"{name}_phase"] = np.angle(plane)
        unit[f"{name}_log"], unit[f"{name}_phase"] = fit.scale_sigma
    heaters = (-2, -1)
    prior: dict[str, tuple[float | RealArray, float]] = {
        "kappa": (kappa.mean(heaters, keepdims=True), KAPPA_SIGMA * float(np.mean(kappa))),
        "beta": (beta.mean(heaters, keepdims=True), BETA_SIGMA * float(np.mean(beta)) + 1e-12),
        "partner": (
            chip.partner.mean(heaters, keepdims=True),
            LINK_SIGMA * float(np.mean(chip.partner)) + 1e-12,
        ),
    }
    return _Problem(start, unit, prior)


class _Model:
    """The emulator's physics in torch, with calibrated values."""

    def __init__(self, bench: Bench, problem: _Problem, torch: Any) -> None:
        self.torch = torch
        self.leak = bench.chip.leak
        self.chips = 1 if bench.chip.middle_map is None else 2

        def tensor(value: Any) -> Any:
            return torch.from_numpy(np.ascontiguousarray(value, np.float32))

        self.tensor = tensor
        self.start = {name: tensor(value) for name, value in problem.start.items()}
        self.unit = {name: tensor(value) for name, value in problem.unit.items()}
        self.means = {name: (tensor(m), s) for name, (m, s) in problem.prior.items()}
        links = bench.links.coefficient
        inside = links != 0
        mean = np.zeros_like(links)
        for s, h, k in np.ndindex(2, 2, 4):
            chosen = links[s, h, k][inside[s, h, k]]
            mean[s, h, k] = chosen.mean() if chosen.size else 0
        self.link_mean = tensor(mean)
        self.link_sigma = tensor(np.where(inside, LINK_SIGMA * mean, np.inf))
        self.strength = tensor(bench.links.strength)
        self.ring = tensor(bench.chip.ring)
        self.substrate = tensor(bench.chip.substrate)
        self.reference = tensor(bench.reference_dn)
        self.per_gain, self.dark = 1 / bench.gain_e_per_dn, bench.dark_variance_dn2
        self.noise_of_y = bench.noise_of_y

    def values(self, offset: dict[str, Any]) -> dict[str, Any]:
        return {name: self.start[name] + self.unit[name] * offset[name] for name in self.start}

    def field(self, values: dict[str, Any], cold: Any) -> Any:
        """Field in front of the last lens, (frames, N, N), of cold powers (frames, 2, 2, N, N)."""
        from optical_device import lens, modulator, thermal

        torch = self.torch
        power = modulator.heater_power(cold * self.strength, values["beta"])
        heat = thermal.heat(power, values["links"], values["partner"], self.ring)
        psi = thermal.phases(heat, np.pi / values["kappa"])
        warm = thermal.substrate_rise(thermal.chip_powers(power, self.chips), self.substrate)
        field = torch.polar(torch.exp(values["input_log"]), values["input_phase"])
        for s in (0, 1):
            if s and self.chips == 2:
                middle = torch.polar(torch.exp(values["middle_log"]), values["middle_phase"])
                field = middle * lens.transform(field)
            theta = psi[:, s, 0] + values["theta0"][s] + warm[:, s % self.chips]
            one = torch.ones_like(values["rho"][s])
            field = field * modulator.stage_transmission(theta, psi[:, s, 1], one, values["rho"][s])
        return field

    def _compare(self, offset: dict[str, Any], record: Record, part: slice) -> tuple[Any, ...]:
        from optical_device import lens

        torch = self.torch
        values = self.values(offset)
        cold = self.tensor(np.moveaxis(record.cold[..., part], -1, 0))
        measured = remove_leak(record.spectrum[..., part], self.leak).astype(np.complex64)
        seen = torch.from_numpy(np.ascontiguousarray(np.moveaxis(measured, -1, 0)))
        trusted = self.tensor(np.moveaxis(record.trusted[..., part], -1, 0))
        output = torch.complex(values["output_re"], values["output_im"])
        model = output * lens.transform(self.field(values, cold))
        with torch.no_grad():  # at its best value a frame's gain has no slope
            pull = torch.sum(trusted * seen * model.conj(), (-2, -1))
            gain = pull / torch.sum(trusted * model.abs() ** 2, (-2, -1))
        model = gain[:, None, None] * model
        with torch.no_grad():
            light = self.reference + model.abs() ** 2 / self.reference
            variance = (light * self.per_gain + self.dark) * self.noise_of_y
        return trusted * (seen - model).abs() ** 2, variance, trusted * seen.abs() ** 2

    def misfit(self, offset: dict[str, Any], record: Record, part: slice) -> Any:
        """Negative log likelihood of some frames."""
        squared, variance, _ = self._compare(offset, record, part)
        return 0.5 * self.torch.sum(squared / variance)

    def prior(self, offset: dict[str, Any]) -> Any:
        """Negative log prior."""
        values = self.values(offset)
        total = 0.5 * self.torch.sum(((values["links"] - self.link_mean) / self.link_sigma) ** 2)
        for name, (mean, sigma) in self.means.items():
            total = total + 0.5 * self.torch.sum(((values[name] - mean) / sigma) ** 2)
        return total

    def residual(self, offset: dict[str, Any], record: Record) -> float:
        """Residual over signal of frames, RMS."""
        squared, _, power = self._compare(offset, record, slice(None))
        return float(self.torch.sqrt(squared.sum() / power.sum()))


def _install(bench: Bench, problem: _Problem, moved: dict[str, NDArray[np.float64]]) -> None:
    """Take over the fitted values."""
    chip, strength = bench.chip, bench.links.strength
    value = {n: problem.start[n] + problem.unit[n] * moved[n] for n in problem.start}
    bench.links.coefficient = value["links"]
    chip.links[...] = directed_links(bench.links)
    chip.kappa = (value["kappa"] * strength).astype(np.float32)
    chip.beta = (value["beta"] * strength).astype(np.float32)
    chip.rho, chip.theta0 = value["rho"].astype(np.float32), value["theta0"].astype(np.float32)
    chip.partner = value["partner"].astype(np.float32)

    def plane(name: str, old: ComplexArray) -> ComplexArray:
        new = np.exp(value[f"{name}_log"] + 1j * value[f"{name}_phase"])
        return np.where(old == 0, 0, new).astype(np.complex64)

    chip.input_map = plane("input", chip.input_map)
    if chip.middle_map is not None:
        chip.middle_map = plane("middle", chip.middle_map)
    chip.output_map = (value["output_re"] + 1j * value["output_im"]).astype(np.complex64)


def _findings(
    seen: list[float],
    residuals: tuple[float, float],
    unsure: float,
    moved: dict[str, NDArray[np.float64]],
    better: bool,
) -> Findings:
    before, after = residuals
    largest = max(float(np.sqrt(np.mean(value**2))) for value in moved.values())
    checks = [
        Check("residual of frames not fitted", 100 * min(before, after), 2, 10, "%"),
        Check("a group of parameters moved by", largest, 1.5, 10, "of its uncertainty"),
    ]
    verdict, reason = judged(checks)
    gain = f"{100 * before:.3f} % before, {100 * after:.3f} % after"
    kept = "kept" if better else "not kept: held-out frames are predicted no better"
    return Findings(
        values=(
            Value("residual of held-out frames before", "relative", before, before * unsure),
            Value("residual of held-out frames after", "relative", after, after * unsure),
            *(
                Value(f"{name}: step", "of its uncertainty", float(np.sqrt(np.mean(step**2))), 0.0)
                for name, step in moved.items()
            ),
        ),
        plots=(
            Panel(
                "Objective",
                "evaluation",
                "above its least",
                (
                    Line(
                        "negative log posterior",
                        np.arange(len(seen)),
                        np.array(seen) - min(seen) + 1.0,
                    ),
                ),
                log=True,
            ),
            Histogram(
                "Steps",
                "of the stated uncertainty",
                tuple(
                    (name, moved[name]) for name in ("theta0", "kappa", "input_phase", "output_im")
                ),
            ),
        ),
        verdict=verdict,
        reason=f"{reason}; {gain}: {kept}",
    )
