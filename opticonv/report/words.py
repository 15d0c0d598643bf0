"""What the page says of itself: every sentence with the figure that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opticonv.console import count
from opticonv.demo.trial import Trial
from opticonv.latency import duration, energy
from opticonv.metering import relative_error
from opticonv.report.measuring import Measured
from opticonv.report.tables import signed

__all__ = ["KeyFigure", "key_figures", "shortfalls"]


@dataclass(frozen=True)
class KeyFigure:
    """A figure, what it is, and what it rests on."""

    value: str
    name: str
    basis: str


def _differences(trials: Sequence[Trial], method: str, other: str, figure: str) -> list[float]:
    return [
        getattr(trial.quality[method], figure) - getattr(trial.quality[other], figure)
        for trial in trials
        if trial.quality is not None
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _span(values: Sequence[float], digits: int) -> str:
    low, high = min(values), max(values)
    return f"{signed(low, digits)} to {signed(high, digits)}"


def _number(trials: Sequence[Trial]) -> str:
    return "1 photograph" if len(trials) == 1 else f"{len(trials)} photographs"


def key_figures(measured: Measured) -> list[KeyFigure]:
    """What the page comes down to."""
    trials = measured.trials
    light = _differences(trials, "optical", "electronic", "psnr_rgb_db")
    network = _differences(trials, "electronic", "bicubic", "psnr_rgb_db")
    error = relative_error([run for trial in trials for run in trial.convolutions])
    seconds = _mean([trial.cost.device_time_s for trial in trials])
    joules = _mean([trial.cost.energy_j for trial in trials])
    number = _number(trials)
    return [
        KeyFigure(
            f"{signed(_mean(light), 3)} dB", "optical − electronic, PSNR",
            f"{number}, {_span(light, 3)} dB",
        ),
        KeyFigure(
            f"{signed(_mean(network), 2)} dB", "electronic − bicubic, PSNR",
            f"{number}, {_span(network, 2)} dB",
        ),
        KeyFigure(
            f"{100 * error:.2g} %", "error of the optical convolutions",
            f"{len(measured.layers)} layers, pooled over {number}",
        ),
        KeyFigure(
            duration(seconds), "device time, 32² → 256²",
            f"{energy(joules)} at {measured.info.power_w:g} W, mean of {number}",
        ),
    ]  # fmt: skip


def shortfalls(measured: Measured, host_w: float) -> list[str]:
    """Where light, the network or the comparison falls short, in figures."""
    trials = measured.trials
    light = _differences(trials, "optical", "electronic", "psnr_rgb_db")
    below = sum(value < 0 for value in light)
    ssim = _differences(trials, "electronic", "bicubic", "ssim_rgb")
    psnr = _differences(trials, "electronic", "bicubic", "psnr_rgb_db")
    macs = [trial.cost.electronic_macs / trial.cost.gemm_macs for trial in trials]
    device_s = _mean([trial.cost.device_time_s for trial in trials])
    device_j = _mean([trial.cost.energy_j for trial in trials])
    host_s = _mean([trial.electronic_time_s for trial in trials])
    saturated = sum(trial.cost.saturations for trial in trials)
    retries = sum(trial.cost.retries for trial in trials)
    number = _number(trials)
    said = [
        f"Light computes the network with an error: PSNR is lower than by electronics on {below} "
        f"of {number} ({_span(light, 3)} dB, mean {signed(_mean(light), 3)} dB).",
        f"The network itself, on electronics, is {signed(_mean(psnr), 2)} dB in PSNR and "
        f"{signed(_mean(ssim), 4)} in SSIM from bicubic (SSIM: {_span(ssim, 4)}); the "
        "input keeps one pixel in 64 and no average of the others.",
        f"An enlargement 32² → 256² takes the device {duration(device_s)} and {energy(device_j)}; "
        f"this host's electronics took {duration(host_s)}, at {host_w:g} W "
        f"{energy(host_w * host_s)}: the device's time is {device_s / host_s:,.0f} times as long.",
        f"What stays electronic by light (encoding, decoding, products, polynomials) is "
        f"{_mean(macs):.2g} times the MACs of the same convolutions as matrix products: kernels "
        "of 3×3 and 3 to 16 channels are too small for light to save MACs.",
        f"{count(saturated)} bins stayed saturated, {count(retries)} frames were repeated with "
        f"less light, in {number}.",
    ]
    if measured.info.reproducible:
        said.append(
            "The device is emulated: its fabrication errors, noise, heat and drift are a model "
            "with the values of its profile. No figure here was measured on hardware."
        )
    said += [f"Warning while it was made: {warning}" for warning in measured.warnings]
    return said
