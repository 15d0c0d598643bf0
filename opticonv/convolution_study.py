"""The error measure of optical convolutions: what is convolved, with what, and how far off it is.

Used by the report page and by the programs in ``benchmarks/``, so that their figures compare.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray

from driver import Device
from driver.convolution import convolve2d

__all__ = [
    "SIZE",
    "UntrackedDevice",
    "convolution_error",
    "exact_convolution",
    "kernels",
    "photographs",
    "total_variance",
]

PICTURES = ("astronaut", "coffee", "chelsea", "rocket")
SIZE = 126
"""Side of the grey pictures that are convolved [pixels]: 2×2 tiles of 64 with 3×3 kernels."""


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


def kernels() -> dict[str, NDArray[np.float32]]:
    """(n, 1, 3, 3) by kind: low-pass, eight random, and Sobel's two."""
    binomial = np.outer([1, 2, 1], [1, 2, 1]) / 16
    sobel = np.outer([1, 2, 1], [1, 0, -1])
    made = {
        "low-pass": np.array([np.full((3, 3), 1 / 9), binomial]),
        "random": np.random.default_rng(0).standard_normal((8, 3, 3)),
        "Sobel": np.array([sobel, sobel.T]),
    }
    return {name: value[:, None].astype(np.float32) for name, value in made.items()}


def exact_convolution(x: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation without padding, one input channel, in float64."""
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0].astype(float), w.shape[2:], (1, 2))
    return np.einsum("bijkl,okl->boij", windows, w[:, 0].astype(float))


def total_variance(exact: NDArray[np.float64]) -> float:
    """Sum of squares of an output's part that is not constant, over all its planes."""
    return float(np.var(exact, axis=(2, 3)).sum() * exact[0, 0].size)


def convolution_error(device: Any, w: NDArray[np.float32], **options: Any) -> float:
    """Root of the summed squared error of `photographs` by `w` over `total_variance`.

    Parameters
    ----------
    device : driver.Device or UntrackedDevice
    w : float32 array, shape (n, 1, k, k)
    **options
        Of ``device.convolve2d``: ``precision``, ``pack``, …
    """
    x = photographs()
    exact = exact_convolution(x, w)
    wrong = device.convolve2d(x, w, **options) - exact
    return float(np.sqrt(np.sum(wrong.astype(float) ** 2) / total_variance(exact)))


class UntrackedDevice:
    """A device without pilots: phase and gain stay what its calibration found."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.n, self.info, self.threads = device.n, device.info, device.threads

    def transform(self, x: Any, **options: Any) -> Any:
        """`Device.transform` without interpolating between pilots."""
        return self._device.transform(x, track=False, **options)

    def convolve2d(self, x: Any, w: Any, bias: Any = None, **options: Any) -> Any:
        """See `driver.convolution.convolve2d`."""
        return convolve2d(self, x, w, bias, **options)
