"""The electronic part of a convolution in plain NumPy: what the C functions are tested against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EXPONENTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0))
NUMPY_MODE = {"zeros": "constant", "replicate": "edge", "reflect": "reflect", "circular": "wrap"}


def centred(size: tuple[int, int]) -> NDArray[np.float64]:
    """The six monomials on a grid (h, w), in pixels from its centre: (h * w, 6)."""
    row, column = (np.arange(n) - (n - 1) / 2 for n in size)
    return np.stack([np.outer(row**i, column**j).ravel() for i, j in EXPONENTS], axis=1)


def fit(segment: NDArray[Any]) -> NDArray[np.float64]:
    """The polynomial of degree 2 closest to a segment (h, w)."""
    columns = centred((segment.shape[0], segment.shape[1]))
    best, *_ = np.linalg.lstsq(columns, segment.astype(float).ravel(), rcond=None)
    return np.asarray(columns @ best).reshape(segment.shape)


def half_planes(pictures: NDArray[Any]) -> NDArray[np.complex128]:
    """(p, N, N) to (p, N, N//2+1), orthonormal."""
    return np.fft.rfft2(pictures, norm="ortho")


def bins(grid: int) -> NDArray[np.intp]:
    """Row and column of each bin in the order of blocks, -1 where a block is filled up: (b, 16, 2).

    Whole runs of 16 columns row by row; then the columns left over, one after another.
    """
    half, runs = grid // 2 + 1, (grid // 2 + 1) // 16
    whole = [(u, v) for u in range(grid) for v in range(16 * runs)]
    rest = [(u, v) for v in range(16 * runs, half) for u in range(grid)]
    rest += [(-1, -1)] * (-len(rest) % 16)
    return np.array(whole + rest).reshape(-1, 16, 2)


def to_blocks(planes: NDArray[Any], grid: int) -> NDArray[np.float32]:
    """Half planes (..., N, N//2+1) in the C library's order: (blocks, ..., 2, 16)."""
    at = bins(grid)
    chosen = planes[..., at[..., 0], at[..., 1]] * (at[..., 0] >= 0)
    parts = np.stack([chosen.real, chosen.imag], axis=-2)  # (..., blocks, 2, 16)
    return np.ascontiguousarray(np.moveaxis(parts, -3, 0), dtype=np.float32)


def kernel_spectra(
    weight: NDArray[Any], dilation: tuple[int, int], grid: int
) -> NDArray[np.complex128]:
    """Conjugate transforms of dilated kernels (..., kh, kw): (..., N, N//2+1)."""
    taps = weight.shape[-2:]
    rows, columns = (
        np.exp(2j * np.pi * np.outer(np.arange(count), np.arange(n) * d) / grid)
        for count, n, d in zip((grid, grid // 2 + 1), taps, dilation, strict=True)
    )
    return np.asarray(rows @ weight @ columns.T)
