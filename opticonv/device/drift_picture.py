"""A picture of the slow drifts of a specimen: over an hour, and over seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optical_device.drift import Drift, drift
from optical_device.fabrication import Fabrication
from opticonv.device.drawing import grid_figure

__all__ = ["draw_drift", "drift_over"]

HOUR_S = 3600.0
SHORT_S = 20.0
SAMPLES = 14401
"""Of a curve: twice what drifts of 1 Hz need within an hour."""


def drift_over(fabrication: Fabrication, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """All channels of `Drift` at several device times, (3, times)."""
    value, _ = drift(
        times_s[:, None, None],  # type: ignore[arg-type]
        fabrication.drift_amplitude,
        fabrication.drift_omega_rad_per_s,
        fabrication.drift_phase_rad,
    )
    return np.asarray(value.T)


def draw_drift(fabrication: Fabrication) -> Figure:
    """Phase of the reference, laser power and temperature."""
    d = fabrication.profile.drift
    kelvin_to_mrad = 1e3 * fabrication.ambient_rad_per_k
    channels = (
        (
            Drift.REFERENCE_PHASE, 1.0, "phase of the reference [rad]",
            f"rate nominally {1e3 * d.reference_phase_rms_rad_per_s:g} mrad/s RMS", 1e3, "mrad/s",
        ),
        (
            Drift.LASER_POWER, 100.0, "laser power, change [%]",
            f"rate nominally {100 * d.laser_power_rms_per_s:g} %/s RMS", 1e2, "%/s",
        ),
        (
            Drift.AMBIENT, 1e3, "temperature, change [mK]",
            f"nominally {1e3 * d.ambient_rms_k:g} mK RMS", 1e3, "mK",
        ),
    )  # fmt: skip
    figure, axes = grid_figure(
        f"Drift of {fabrication.serial}: left one hour, right the first {SHORT_S:g} seconds, "
        "as changes since opening",
        (3, 2),
        (5.6, 2.5),
    )
    for row, (channel, factor, label, nominal, unit_factor, unit) in zip(
        axes, channels, strict=True
    ):
        for axis, span_s, unit_s, unit_name in (
            (row[0], HOUR_S, 60.0, "min"),
            (row[1], SHORT_S, 1.0, "s"),
        ):
            times = np.linspace(0.0, span_s, SAMPLES)
            values = drift_over(fabrication, times)[channel]
            axis.plot(times / unit_s, factor * (values - values[0]), linewidth=0.9, color="C0")
            axis.set_xlabel(f"device time [{unit_name}]", fontsize=8)
            axis.set_xlim(0.0, span_s / unit_s)
            axis.grid(alpha=0.3)
            axis.tick_params(labelsize=7)
            axis.ticklabel_format(axis="y", useOffset=False)
            if channel is Drift.AMBIENT and kelvin_to_mrad > 0.0:
                second = axis.secondary_yaxis(
                    "right",
                    functions=(
                        lambda mk: mk * 1e-3 * kelvin_to_mrad,
                        lambda mrad: mrad * 1e3 / kelvin_to_mrad,
                    ),
                )
                second.set_ylabel("phase of θ [mrad]", fontsize=8)
                second.tick_params(labelsize=7)
        row[0].set_ylabel(label, fontsize=8)
        times = np.linspace(0.0, HOUR_S, SAMPLES)
        values = drift_over(fabrication, times)[channel]
        row[0].set_title(
            f"{nominal}; this hour {unit_factor * _rms(channel, times, values):.3g} {unit}",
            fontsize=9,
        )
        row[1].set_title("as seen within a batch of frames", fontsize=9)
    return figure


def _rms(channel: Drift, times: NDArray[Any], values: NDArray[Any]) -> float:
    """RMS of what the profile states: of the value for the temperature, else of the rate."""
    stated = values if channel is Drift.AMBIENT else np.gradient(values, times)
    return float(np.sqrt(np.mean(stated**2)))
