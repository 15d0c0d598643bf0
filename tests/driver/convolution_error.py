"""The error measure of the calibration: convolutions of photographs by random 3 x 3 kernels.

``sqrt(sum of squared error / sum of the exact output's variance)``, pooled over tiles and kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray

PICTURES = ("astronaut", "coffee", "chelsea", "rocket")


def photograph_tiles(size: int, count: int, seed: int = 0) -> NDArray[np.float64]:
    """Grey tiles (count, size, size) in [0, 1] from photographs that come with scikit-image."""
    rng = np.random.default_rng(seed)
    tiles = []
    for index in range(count):
        picture = getattr(skimage.data, PICTURES[index % len(PICTURES)])()
        grey = picture[..., :3].mean(-1) / 255
        half = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]
        grey = half.reshape(half.shape[0] // 2, 2, half.shape[1] // 2, 2).mean((1, 3))
        row = rng.integers(0, grey.shape[0] - size + 1)
        column = rng.integers(0, grey.shape[1] - size + 1)
        tiles.append(grey[row : row + size, column : column + size])
    return np.array(tiles)


def without_polynomial(tiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tiles less their least-squares polynomial of total degree 2."""
    size = tiles.shape[-1]
    axis = np.linspace(-1, 1, size)
    r, c = np.meshgrid(axis, axis, indexing="ij")
    basis = np.stack([np.ones_like(r), r, c, r * r, r * c, c * c]).reshape(6, -1)
    q, _ = np.linalg.qr(basis.T)
    flat = tiles.reshape(len(tiles), -1)
    return (flat - (flat @ q) @ q.T).reshape(tiles.shape)


def convolution_error(
    forward: Callable[[NDArray[Any]], NDArray[Any]],
    inverse: Callable[[NDArray[Any]], NDArray[Any]],
    size: int,
    *,
    tiles: int = 8,
    kernels: int = 4,
    packed: bool = False,
    seed: int = 0,
) -> float:
    """Error of two-pass convolution with given transforms of (n, N, N) complex arrays.

    `packed`: two real tiles travel as real and imaginary part of one frame.
    """
    rng = np.random.default_rng(seed)
    pictures = photograph_tiles(size, tiles, seed)
    detail = without_polynomial(pictures)
    kernel = np.zeros((kernels, size, size))
    kernel[:, :3, :3] = rng.standard_normal((kernels, 3, 3))
    transfer = np.fft.fft2(np.roll(kernel, (-1, -1), (-2, -1)))
    sent = detail[0::2] + 1j * detail[1::2] if packed else detail
    spectra = forward(sent.astype(complex))
    products = (spectra[:, None] * transfer).reshape(-1, size, size)
    seen = inverse(products).reshape(-1, kernels, size, size)
    if packed:
        seen = np.stack([seen.real, seen.imag], 1).reshape(-1, kernels, size, size)
    wrong = seen.real - convolve(detail, transfer)
    whole = convolve(pictures, transfer)[..., 1:-1, 1:-1]
    squared = np.sum(wrong[..., 1:-1, 1:-1] ** 2)
    return float(np.sqrt(squared / np.sum(np.var(whole, axis=(-2, -1)) * whole[0, 0].size)))


def convolve(tiles: NDArray[np.float64], transfer: NDArray[Any]) -> NDArray[np.float64]:
    """Exact circular convolution, (tiles, kernels, N, N)."""
    return np.fft.ifft2(np.fft.fft2(tiles)[:, None] * transfer).real
