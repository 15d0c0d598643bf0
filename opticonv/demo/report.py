"""The demonstration's figures: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from driver import DeviceInfo
from nn.judging import Quality, mean_quality
from opticonv.console import count, report_table
from opticonv.demo.trial import Trial
from opticonv.metering import Cost, relative_error

__all__ = ["Report"]

METHODS = ("bicubic", "electronic", "optical")
SHORT = {"bicubic": "bicubic", "electronic": "electr.", "optical": "optical"}


@dataclass(frozen=True)
class Report:
    """Everything that the demonstration measured.

    `layers` are the network's convolutions in order; `warnings` what Python code warned of.
    """

    uri: str
    info: DeviceInfo
    precision: str
    calibration: dict[str, float] | None
    layers: Sequence[str]
    trials: Sequence[Trial]
    large: Trial
    total_time_s: float
    warnings: Sequence[str]

    @property
    def everything(self) -> list[Trial]:
        """All trials, the large picture last."""
        return [*self.trials, self.large]

    def total(self) -> Cost:
        """Of all pictures, without the calibration."""
        return reduce(add, (trial.cost for trial in self.everything))

    def layer_errors(self) -> dict[str, float]:
        """Error of each layer's optical convolution, pooled over all pictures."""
        number = len(self.layers)
        runs = [run for trial in self.everything for run in trial.convolutions]
        return {name: relative_error(runs[i::number]) for i, name in enumerate(self.layers)}

    def mean(self) -> dict[str, Quality]:
        """Mean quality by method."""
        qualities = [trial.quality for trial in self.trials if trial.quality is not None]
        return {method: mean_quality([q[method] for q in qualities]) for method in METHODS}

    # ---- for people ---------------------------------------------------------------------------

    def tables(self) -> RenderableType:
        """The tables, the notes below them and what went wrong."""
        return Group(
            self._quality_table(), self._cost_table(), self._layer_table(), "\n".join(self.notes())
        )

    def _quality_table(self) -> Table:
        table = report_table(f"Quality ({self.uri}, precision {self.precision})")
        table.add_column("picture ×8", overflow="fold")
        for kind in ("PSNR dB", "SSIM"):
            for method in METHODS:
                table.add_column(f"{kind}\n{SHORT[method]}", justify="right", no_wrap=True)
        table.add_column("agree-\nment dB", justify="right", no_wrap=True)
        table.add_column("conv.\nerror", justify="right", no_wrap=True)
        for trial in self.everything:
            cells = ["-"] * (2 * len(METHODS)) if trial.quality is None else _cells(trial.quality)
            error = _percent(relative_error(trial.convolutions))
            table.add_row(
                _name(trial), *cells, f"{trial.optical_vs_electronic_db:.1f}", error,
                end_section=trial is self.trials[-1],
            )  # fmt: skip
        runs = [run for trial in self.everything for run in trial.convolutions]
        table.add_section()
        mean = _cells(self.mean())
        table.add_row("mean", *mean, "", _percent(relative_error(runs)))
        return table

    def _cost_table(self) -> Table:
        table = report_table("Cost of the optical enlargements")
        table.add_column("picture ×8", overflow="fold")
        for name in (
            "frames", "GEMM\nMAC", "spectral\nMAC", "electr.\nMAC", "device\ntime",
            "energy", "host\ntime", "electr.\ntime",
        ):  # fmt: skip
            table.add_column(name, justify="right", no_wrap=True)
        for trial in self.everything:
            table.add_row(_name(trial), *_spent(trial.cost, trial.electronic_time_s))
        seconds = sum(trial.electronic_time_s for trial in self.everything)
        table.add_section()
        table.add_row("all", *_spent(self.total(), seconds))
        return table

    def _layer_table(self) -> Table:
        table = report_table("Error of the optical convolutions by layer, all pictures")
        errors = self.layer_errors()
        for name in errors:
            above = "c_stem" if name.startswith("c_stem.") else ""
            short = name.removeprefix("c_stem.").replace("conv_layers.", "")
            table.add_column(f"{above}\n{short}", justify="right", no_wrap=True)
        table.add_row(*(_percent(error) for error in errors.values()))
        return table

    def notes(self) -> list[str]:
        """How to read the tables, and whatever did not go smoothly."""
        total = self.total()
        lines = [
            "Agreement: PSNR of the optical result against the electronic one.",
            "Convolution error: every optical convolution against the exact one on the same input, "
            "root of the summed squared error over the exact output's variance; pooled, not "
            "averaged, over layers and pictures.",
            "MAC: GEMM is what an electronic convolution takes; spectral is the products between "
            "the two optical transforms (4 a complex product, half plane); electr(onic) adds "
            "encoding, decoding, scaling and polynomials.",
            f"Frames include {count(total.pilots)} pilots that track drift, and "
            f"{count(total.retries)} frames repeated with less light because they saturated.",
        ]
        if self.calibration is not None:
            lines.append(
                f"Calibration: {count(self.calibration['frames'])} frames, device time "
                f"{self.calibration['device_time_s']:.2f} s, host time "
                f"{self.calibration['host_time_s']:.1f} s, residual "
                f"{100 * self.calibration['residual']:.2f} %."
            )
        lines.append(
            f"Saturated bins that remain: {count(total.saturations)}. "
            f"Failed jobs: {count(total.faults)}. Warnings: {len(self.warnings)}."
        )
        lines += [f"Warning: {warning}" for warning in self.warnings]
        return lines

    # ---- for programs -------------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """All figures, plain; errors are fractions, not per cent."""
        return {
            "device": {
                "uri": self.uri,
                "serial": self.info.serial,
                "profile": self.info.profile_name,
                "profile_hash": self.info.profile_hash,
                "grid": list(self.info.grid),
                "power_w": self.info.power_w,
            },
            "precision": self.precision,
            "calibration": self.calibration,
            "pictures": {_name(trial): _plain(trial) for trial in self.everything},
            "mean_quality": {name: asdict(quality) for name, quality in self.mean().items()},
            "layer_error": self.layer_errors(),
            "total": asdict(self.total()),
            "total_time_s": self.total_time_s,
            "warnings": list(self.warnings),
        }


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %" if fraction >= 5e-5 else f"{100 * fraction:.0e} %"


def _name(trial: Trial) -> str:
    full = trial.pictures.optical.shape[-1]
    return f"{trial.name} {full}²" if trial.truth is None else trial.name


def _cells(quality: dict[str, Quality]) -> list[str]:
    psnr = [f"{quality[method].psnr_rgb_db:.2f}" for method in METHODS]
    return psnr + [f"{quality[method].ssim_rgb:.3f}" for method in METHODS]


def _spent(cost: Cost, electronic_time_s: float) -> list[str]:
    macs = (cost.gemm_macs, cost.spectral_macs, cost.electronic_macs)
    return [
        count(cost.frames),
        *map(count, macs),
        f"{cost.device_time_s:.2f} s",
        f"{count(cost.energy_j)} J",
        f"{cost.host_time_s:.2f} s",
        f"{electronic_time_s:.2f} s",
    ]


def _plain(trial: Trial) -> dict[str, Any]:
    quality = trial.quality or {}
    return {
        "quality": {method: asdict(figures) for method, figures in quality.items()},
        "optical_vs_electronic_psnr_rgb_db": trial.optical_vs_electronic_db,
        "convolution_error": relative_error(trial.convolutions),
        "cost": asdict(trial.cost),
        "electronic_time_s": trial.electronic_time_s,
    }
