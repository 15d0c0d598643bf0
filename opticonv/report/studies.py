"""What one calibrated device can be asked about itself within seconds, as charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from driver import Device
from opticonv.convolution_study import SIZE, UntrackedDevice, convolution_error, kernels
from opticonv.demo.trial import Trial
from opticonv.metering import relative_error
from opticonv.report.charts import Chart, Series

__all__ = ["drift_chart", "layer_chart", "precision_chart"]

PRECISIONS = ("fast", "balanced", "best")
AGES_S = (1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Device time since the study began [s]."""

MEASURE = (
    "Error: root of the summed squared error over the exact output's variance, 3×3 kernels on four "
    f"grey photographs of {SIZE}×{SIZE} pixels"
)


def _error_percent(
    device: Device | UntrackedDevice, w: NDArray[np.float32], precision: str
) -> float:
    return 100 * convolution_error(device, w, precision=precision)


def precision_chart(device: Device) -> Chart:
    """Error by precision and kind of kernel, as the device is calibrated."""
    return Chart(
        title="Precision by kind of kernel",
        value="error [%]",
        unit="%",
        kind="bars",
        categories=PRECISIONS,
        series=tuple(
            Series(kind, tuple(_error_percent(device, w, name) for name in PRECISIONS))
            for kind, w in kernels().items()
        ),
        note=f"{MEASURE}; two pictures in one frame. What an exact output has little of, a "
        "high-pass picture, is measured the worse for it.",
    )


def layer_chart(layers: Sequence[str], trials: Sequence[Trial]) -> Chart:
    """Error of each layer's optical convolution, pooled over all pictures."""
    runs = [run for trial in trials for run in trial.convolutions]
    errors = tuple(100 * relative_error(runs[i :: len(layers)]) for i in range(len(layers)))
    short = [name.removeprefix("c_stem.").replace("conv_layers.", "") for name in layers]
    return Chart(
        title="Error by layer of the network",
        value="error [%]",
        unit="%",
        kind="bars",
        categories=tuple(short),
        series=(Series("optical convolution", errors),),
        note="Each optical convolution against the exact one on the same input, pooled over the "
        "photographs above. Layers in order: block and convolution within c_stem as 0.0, 0.1, …",
    )


def drift_chart(device: Device) -> Chart:
    """Error against age over an hour of device time, with and without pilots."""
    w = kernels()["random"]
    begin = device.telemetry().device_time_s
    tracked, blind = [], []
    for age in AGES_S:
        device.idle(max(age - (device.telemetry().device_time_s - begin), 0.0))
        tracked.append(_error_percent(device, w, "balanced"))
        blind.append(_error_percent(UntrackedDevice(device), w, "balanced"))
    return Chart(
        title="Drift over an hour of device time",
        value="error [%]",
        unit="%",
        axis="device time [s]",
        log_x=True,
        log_y=True,
        series=(Series("tracked by pilots", tuple(tracked), AGES_S),
                Series("not tracked", tuple(blind), AGES_S)),
        note=f"{MEASURE}, random kernels, balanced, one calibration. Without tracking the phase of "
        "the reference beam wanders, and the error with it, up and down.",
    )  # fmt: skip
