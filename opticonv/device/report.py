"""The report about a device: tables of values with their sources, timing, energy, its specimen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from driver import DeviceInfo
from optical_device.fabrication import Fabrication
from opticonv.console import count, report_table
from opticonv.device.data_sheet import Value, unit_of
from opticonv.device.drawing import percent
from opticonv.device.effects import absent_effects
from opticonv.device.error_study import ErrorStudy
from opticonv.device.figures import convolution_costs, frame_costs, limits

__all__ = ["Report"]

_PREFIXES = {-4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}
"""SI prefixes by powers of 1000."""

_DRAWN = (
    ("modulator__p_pi_mw", "p_pi_mw"),
    ("modulator__power_full_mw", "power_full_mw"),
    ("modulator__resistance_slope_per_mw", "resistance_slope_per_mw"),
    ("thermal__ambient_rad_per_k", "ambient_rad_per_k"),
    ("source__wavelength_rad_per_pm", "wavelength_rad_per_pm"),
    ("source__signal_rate_photons_per_us", "signal_rate_photons_per_us"),
    ("reference__rate_photons_per_us", "reference_rate_photons_per_us"),
    ("lens__stray_rate_photons_per_us", "stray_rate_photons_per_us"),
    ("camera__qe", "qe_map"),
    ("camera__gain_e_per_dn", "gain_e_per_dn"),
    ("camera__full_well_e", "full_well_e"),
    ("camera__read_noise_e", "read_noise_e"),
    ("camera__black_level_dn", "black_level_dn"),
)
"""Values of the profile, and what fabrication makes of them."""


@dataclass(frozen=True)
class Report:
    """All that is told of a device.

    `study` and `chip_errors` (by what the codes were made from) are there with pictures only.
    """

    uri: str
    info: DeviceInfo
    values: Sequence[Value]
    fabrication: Fabrication
    study: ErrorStudy | None = None
    chip_errors: Sequence[tuple[str, float]] = ()
    notes: Sequence[str] = ()

    def tables(self) -> RenderableType:
        """The tables and the notes below them."""
        parts: list[RenderableType] = [self._values_table(), self._limits_table()]
        parts += [self._frames_table(), self._power_table()]
        costs = self._convolutions_table()
        if costs is not None:
            parts.append(costs)
        parts.append(self._specimen_table())
        if self.study is not None:
            parts.append(self._errors_table(self.study))
        parts.append("\n".join([*self._notes(), *self.notes]))
        return Group(*parts)

    def _values_table(self) -> Table:
        table = report_table(f"Profile {self.info.profile_name} ({self.uri})")
        table.add_column("value", no_wrap=True)
        table.add_column("", justify="right", no_wrap=True)
        table.add_column("unit", no_wrap=True)
        table.add_column("source", overflow="fold")
        section = ""
        for value in self.values:
            if value.section != section:
                section = value.section
                table.add_section()
                table.add_row(f"[bold]{section}[/]")
            table.add_row(f"  {value.field}", _plain(value.value), value.unit, escape(value.source))
        return table

    def _limits_table(self) -> Table:
        table = report_table("What follows from nominal values")
        table.add_column("figure", no_wrap=True)
        table.add_column("", justify="right", no_wrap=True)
        table.add_column("how", overflow="fold")
        for figure in limits(self.fabrication.profile):
            table.add_row(figure.name, figure.value, figure.how)
        return table

    def _frames_table(self) -> Table:
        timing = self.info.timing
        table = report_table("Time and energy of a frame")
        for name in (
            "exposures", "read-outs", "write", "settle", "light", "read out", "frame",
            "frames/s", "light\nshare", "energy",
        ):  # fmt: skip
            table.add_column(name, justify="right", no_wrap=True)
        for cost in frame_costs(self.info):
            readouts = cost.exposures * cost.steps
            table.add_row(
                str(cost.exposures),
                str(readouts),
                f"{timing.write_us:g} µs",
                f"{timing.settle_us:g} µs",
                f"{readouts * timing.exposure_us:g} µs",
                f"{readouts * timing.readout_us:g} µs",
                _si(1e-3 * cost.time_ms, "s"),
                f"{1e3 / cost.time_ms:.0f}",
                f"{100 * cost.light_share:.1f} %",
                _si(1e-3 * cost.energy_mj, "J"),
            )
        return table

    def _power_table(self) -> Table:
        power = self.fabrication.profile.power
        table = report_table("Electrical power while working")
        table.add_column("part", no_wrap=True)
        table.add_column("power", justify="right", no_wrap=True)
        table.add_column("share", justify="right", no_wrap=True)
        total = self.info.power_w
        for field in type(power).model_fields:
            watts = getattr(power, field)
            share = f"{100 * watts / total:.0f} %" if total else "-"
            table.add_row(field.removesuffix("_w"), f"{watts:g} W", share)
        table.add_section()
        table.add_row("all", f"{total:g} W", "")
        return table

    def _convolutions_table(self) -> Table | None:
        costs = convolution_costs(self.info)
        if not costs:
            return None
        table = report_table("Convolutions, one picture, as planned")
        table.add_column("channels, kernel, picture", no_wrap=True)
        table.add_column("precision", no_wrap=True)
        for name in (
            "frames", "time", "energy", "GEMM\nMAC", "GEMM\nMAC/s", "energy\nper MAC",
            "electr.\nMAC",
        ):  # fmt: skip
            table.add_column(name, justify="right", no_wrap=True)
        before = costs[0].name
        for cost in costs:
            if cost.name != before:
                table.add_section()
            table.add_row(
                cost.name if cost.name != before or cost is costs[0] else "",
                cost.precision,
                count(cost.frames),
                _si(cost.time_s, "s"),
                _si(cost.energy_j, "J"),
                _si(cost.gemm_macs),
                _si(cost.gemm_macs / cost.time_s),
                _si(cost.energy_j / cost.gemm_macs, "J"),
                _si(cost.electronic_macs),
            )
            before = cost.name
        return table

    def _specimen_table(self) -> Table:
        table = report_table(
            f"Specimen {self.info.serial}, seed {self.fabrication.seed}: hidden from the driver"
        )
        table.add_column("value", no_wrap=True)
        for name in ("nominal", "true (mean)", "spread", "unit"):
            table.add_column(name, justify="right", no_wrap=True)
        profile = self.fabrication.profile
        for key, attribute in _DRAWN:
            section, _, field = key.partition("__")
            true = np.asarray(getattr(self.fabrication, attribute))
            spread = (
                f"{100 * true.std() / true.mean():.1f} %" if true.size > 1 and true.mean() else ""
            )
            table.add_row(
                key.replace("__", "."),
                _plain(getattr(getattr(profile, section), field)),
                _plain(float(f"{true.mean():.4g}")),
                spread,
                unit_of(field),
            )
        return table

    def _errors_table(self, study: ErrorStudy) -> Table:
        table = report_table("Errors in the spectrum of a photograph on the camera")
        table.add_column("error", no_wrap=True)
        table.add_column("alone,\nuncorrected", justify="right", no_wrap=True)
        table.add_column("change when removed,\ncodes kept", justify="right", no_wrap=True)
        changes = study.changes_rms()
        for name, error in study.alone_rms().items():
            change = percent(changes[name]) if name in changes else "-"
            table.add_row(name, percent(error), change)
        return table

    def _notes(self) -> list[str]:
        lines = [
            "Frames: write + settle + exposures × read-outs × (exposure + read out), at the "
            "profile's exposure.",
            "Convolutions: data and pilot frames, at mean power; GEMM MAC is what an electronic "
            "convolution takes, electr(onic) MAC what stays electronic.",
        ]
        if self.info.detection == "intensity":
            lines.append("A device that detects intensity alone cannot convolve: it sees no phase.")
            if self.study is not None:
                lines.append("Its spectra are magnitudes, so errors of phase alone do not show.")
        if self.study is not None:
            lines.append(
                "Errors: RMS over all bins relative to the whole spectrum, a factor common to all "
                "bins apart. Alone: every other error switched off, codes for a device without "
                "errors. Removed: " + self.study.basis + "; noise compared only where it is the "
                "error; DAC quantisation is in the codes and cannot be removed from them."
            )
        absent = absent_effects(self.fabrication.profile)
        if absent:
            lines.append(f"Errors that this profile leaves out: {', '.join(absent)}.")
        lines += [
            f"Field behind the chip, {name}: error {percent(error)}."
            for name, error in self.chip_errors
        ]
        return lines


def _si(number: float, unit: str = "") -> str:
    """A number to three digits with its SI prefix: 80.2 ms, 2.36 M."""
    if number == 0.0:
        return f"0 {unit}".rstrip()
    # The rounded number decides, so that 999.9 becomes 1.00 k and not 1000.
    power = math.floor(math.log10(float(f"{abs(number):.3g}")) / 3.0)
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    scaled = number / 1000.0**power
    digits = max(0, 2 - math.floor(math.log10(float(f"{abs(scaled):.3g}"))))
    return f"{scaled:.{digits}f} {_PREFIXES[power]}{unit}".rstrip()


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return "∞" if value == float("inf") else f"{value:.6g}"
    return str(value)
