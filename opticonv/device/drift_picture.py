"""A picture of the slow drifts of a specimen: over an hour, and over seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
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
    """All channels of `Drift` at several device times, (6, times)."""
    value, _ = drift(
        times_s[:, None, None],  # type: ignore[arg-type]
        fabrication.drift_amplitude,
        fabrication.drift_omega_rad_per_s,
        fabrication.drift_phase_rad,
    )
    return np.asarray(value.T)


@dataclass(frozen=True)
class _Channel:
    """How one drift is drawn: factor to the unit of its axis, and what it turns."""

    drift: Drift
    label: str
    factor: float
    unit: str
    nominal: str
    is_rate: bool = False
    """The profile states the RMS of its rate, not of its value."""
    mrad: float = 0.0
    """Phase of theta per unit of the axis [mrad]; 0: none."""


def _channels(fabrication: Fabrication) -> list[_Channel]:
    d = fabrication.profile.drift
    kelvin = fabrication.ambient_rad_per_k
    gradient = f"nominally {1e3 * d.gradient_rms_k:g} mK RMS across the grid"
    return [
        _Channel(
            Drift.REFERENCE_PHASE, "phase of\nthe reference", 1.0, "rad",
            f"rate nominally {1e3 * d.reference_phase_rms_rad_per_s:g} mrad/s RMS", is_rate=True,
        ),
        _Channel(
            Drift.LASER_POWER, "laser power", 100.0, "%",
            f"rate nominally {100 * d.laser_power_rms_per_s:g} %/s RMS", is_rate=True,
        ),
        _Channel(
            Drift.AMBIENT, "temperature", 1e3, "mK",
            f"nominally {1e3 * d.ambient_rms_k:g} mK RMS", mrad=kelvin,
        ),
        # Half of a difference from edge to edge is what the outermost pixels see.
        _Channel(Drift.GRADIENT_ROW, "gradient, rows", 1e3, "mK", gradient, mrad=kelvin / 2),
        _Channel(Drift.GRADIENT_COLUMN, "gradient, columns", 1e3, "mK", gradient, mrad=kelvin / 2),
        _Channel(
            Drift.WAVELENGTH, "wavelength", 1.0, "pm",
            f"nominally {d.wavelength_rms_pm:g} pm RMS",
            mrad=1e3 * fabrication.wavelength_rad_per_pm,
        ),
    ]  # fmt: skip


def draw_drift(fabrication: Fabrication) -> Figure:
    """All drifts: reference, laser power, temperature, its gradients, wavelength."""
    channels = _channels(fabrication)
    figure, axes = grid_figure(
        f"Drift of {fabrication.serial}: left one hour, right the first {SHORT_S:g} seconds, "
        "as changes since opening\nright-hand scales: phase of θ (of gradients: at the edge)",
        (len(channels), 2),
        (5.6, 1.9),
    )
    for axis_row, channel in zip(axes, channels, strict=True):
        for axis, span_s, unit_s in ((axis_row[0], HOUR_S, 60.0), (axis_row[1], SHORT_S, 1.0)):
            _draw_channel(axis, fabrication, channel, span_s, unit_s)
        axis_row[0].set_ylabel(f"{channel.label} [{channel.unit}]", fontsize=8)
        axis_row[0].set_title(
            f"{channel.nominal}; this hour {_rms(fabrication, channel)}", fontsize=9
        )
    for axis, unit in zip(axes[-1], ("min", "s"), strict=True):
        axis.set_xlabel(f"device time [{unit}]", fontsize=8)
    axes[0, 1].set_title("as seen within a batch of frames", fontsize=9)
    return figure


def _draw_channel(
    axis: Axes, fabrication: Fabrication, channel: _Channel, span_s: float, unit_s: float
) -> None:
    times = np.linspace(0.0, span_s, SAMPLES)
    values = drift_over(fabrication, times)[channel.drift]
    axis.plot(times / unit_s, channel.factor * (values - values[0]), linewidth=0.9, color="C0")
    axis.set_xlim(0.0, span_s / unit_s)
    axis.grid(alpha=0.3)
    axis.tick_params(labelsize=7)
    axis.ticklabel_format(axis="y", useOffset=False)
    if channel.mrad > 0.0:
        second = axis.secondary_yaxis(
            "right",
            functions=(
                lambda x: np.asarray(x) * channel.mrad,
                lambda mrad: np.asarray(mrad) / channel.mrad,
            ),
        )
        second.set_ylabel("θ [mrad]", fontsize=8)
        second.tick_params(labelsize=7)


def _rms(fabrication: Fabrication, channel: _Channel) -> str:
    """RMS over the hour of what the profile states, in words."""
    times = np.linspace(0.0, HOUR_S, SAMPLES)
    values = drift_over(fabrication, times)[channel.drift]
    if not channel.is_rate:
        return f"{channel.factor * np.sqrt(np.mean(values**2)):.3g} {channel.unit}"
    rate = np.sqrt(np.mean(np.gradient(values, times) ** 2))
    milli = 1e3 if channel.unit == "rad" else 1.0
    prefix = "m" if channel.unit == "rad" else ""
    return f"{milli * channel.factor * rate:.3g} {prefix}{channel.unit}/s"
