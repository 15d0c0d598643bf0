"""What one calibrated device can be asked about itself within seconds, as charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray

from driver import Device
from driver.convolution import convolve2d
from opticonv.demo.trial import Trial
from opticonv.metering import relative_error
from opticonv.report.charts import Chart, Series

__all__ = ["drift_chart", "layer_chart", "precision_chart"]

PICTURES = ("astronaut", "coffee", "chelsea", "rocket")
SIZE = 126
"""Side of the grey pictures that are convolved [pixels]: 2×2 tiles of 64 with 3×3 kernels."""

PRECISIONS = ("fast", "balanced", "best")
AGES_S = (1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Device time since the study began [s]."""

MEASURE = (
    "Error: root of the summed squared error over the exact output's variance, 3×3 kernels on four "
    f"grey photographs of {SIZE}×{SIZE} pixels"
)


def kernels() -> dict[str, NDArray[np.float32]]:
    """(n, 1, 3, 3) by kind: low-pass, random, and Sobel's two."""
    binomial = np.outer([1, 2, 1], [1, 2, 1]) / 16
    sobel = np.outer([1, 2, 1], [1, 0, -1])
    made = {
        "low-pass": np.array([np.full((3, 3), 1 / 9), binomial]),
        "random": np.random.default_rng(0).standard_normal((8, 3, 3)),
        "Sobel": np.array([sobel, sobel.T]),
    }
    return {name: value[:, None].astype(np.float32) for name, value in made.items()}


def photographs() -> NDArray[np.float32]:
    """Four grey photographs, halved, (4, 1, SIZE, SIZE) in [0, 1]."""
    tiles = []
    for name in PICTURES:
        grey = getattr(skimage.data, name)()[..., :3].mean(-1) / 255
        rows, columns = (length // 2 for length in grey.shape)
        halved = grey[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3))
        top, left = (rows - SIZE) // 2, (columns - SIZE) // 2
        tiles.append(halved[top : top + SIZE, left : left + SIZE])
    return np.array(tiles, np.float32)[:, None]


class _Untracked:
    """The same device without pilots."""

    def __init__(self, device: Device) -> None:
        self._device, self.n, self.info = device, device.n, device.info

    def transform(self, x: Any, **options: Any) -> Any:
        return self._device.transform(x, track=False, **options)


def _error_percent(device: Any, w: NDArray[np.float32], precision: str) -> float:
    x = photographs()
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0].astype(float), w.shape[2:], (1, 2))
    exact = np.einsum("bijkl,okl->boij", windows, w[:, 0].astype(float))
    wrong = convolve2d(device, x, w, precision=precision) - exact
    variance = np.var(exact, axis=(2, 3)).sum() * exact[0, 0].size
    return float(100 * np.sqrt(np.sum(wrong.astype(float) ** 2) / variance))


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
        blind.append(_error_percent(_Untracked(device), w, "balanced"))
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
