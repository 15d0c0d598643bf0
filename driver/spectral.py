"""Half planes of spectra: told apart, multiplied by kernels', joined (C: ``host/spectra.c``).

A real picture's spectrum is Hermitian, ``A(-u) = conj A(u)``, so half of it (columns
``v = 0 .. N//2``, "half plane" below) tells all. The device transforms complex fields, hence two
real pictures travel in one frame as ``a + ib`` and are told apart afterwards:

    A = (Z(u) + conj Z(-u)) / 2,    B = (Z(u) - conj Z(-u)) / 2i.

Transforms are orthonormal; kernels' spectra are plain sums, so that no factor is left over. Half
planes lie in memory as (blocks, pictures, 2, 16): blocks of 16 bins, real parts before imaginary
ones, in an order that ``csrc/kernels/bins.h`` defines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.library import check, ffi, lib, pointer, struct

__all__ = [
    "FORMED_TAPS",
    "bin_blocks",
    "correlate_taps",
    "half_width",
    "join",
    "kernel_spectra",
    "multiply",
    "multiply_by_taps",
    "separate",
]

#: Taps of a kernel up to which its spectrum is formed faster than it is read from memory.
FORMED_TAPS = int(lib.ODEV_FORMED_TAPS)

Complex = NDArray[np.complex64]
Float = NDArray[np.float32]


def half_width(grid: int) -> int:
    """Columns of the half plane of an N×N spectrum."""
    return grid // 2 + 1


def bin_blocks(grid: int) -> int:
    """Blocks of 16 bins that hold a half plane."""
    return int(lib.odev_bin_blocks(grid))


def _floats(array: Float) -> Any:
    return pointer(array, np.float32, "float *")


def _spacing(taps: int, dilation: int) -> int:
    """Pixels between taps; a single one is dilated by nothing, were it by more than a tile."""
    return dilation if taps > 1 else 1


def _spectra_job(frames: Complex, scale: Float, spectra: Float, pack: bool, threads: int) -> Any:
    return struct(
        "odev_spectra_job",
        threads=threads,
        n=frames.shape[-1],
        pictures=len(scale),
        pack=int(pack),
        frames=pointer(frames, np.complex64, "float *"),
        scale=_floats(scale),
        spectra=_floats(spectra),
    )


def separate(frames: Complex, scale: Float, pack: bool, spectra: Float, threads: int) -> Float:
    """Half planes of the pictures in frames' spectra, times their scale.

    Parameters
    ----------
    frames : (f, N, N) complex64
    scale : (p,) float32
    pack
        Two pictures a frame. An unpacked picture's two halves say the same twice, and their mean
        has half the noise.
    spectra : (blocks, p, 2, 16) float32
        Where they go.
    threads
    """
    check(lib.odev_separate_spectra(_spectra_job(frames, scale, spectra, pack, threads)))
    return spectra


def join(spectra: Float, frames: Complex, pack: bool, threads: int) -> Float:
    """Half planes of real pictures to whole spectra of frames, each picture at RMS 1.

    Parameters
    ----------
    spectra : (blocks, p, 2, 16) float32
    frames : (f, N, N) complex64
        Where they go.
    pack
        Two pictures a frame.
    threads

    Returns
    -------
    (p,) float32
        The pictures' RMS (by Parseval's theorem); 1 for an empty one.
    """
    scale = np.empty(spectra.shape[1], np.float32)
    check(lib.odev_join_spectra(_spectra_job(frames, scale, spectra, pack, threads)))
    return scale


def kernel_spectra(weight: Float, dilation: tuple[int, int], grid: int, threads: int) -> Float:
    """Half planes of the spectra that turn a product into a correlation.

    Parameters
    ----------
    weight : (groups, out, in, kh, kw) float32
    dilation
        Pixels between taps.
    grid
        N.
    threads

    Returns
    -------
    (blocks, groups, out, in, 2, 16) float32
        ``sum_kl w[k, l] exp(+2πi (u k d + v l d)/N)``, the conjugate of the plain DFT.
    """
    groups, outputs, inputs, rows, columns = weight.shape
    spectra = np.empty((bin_blocks(grid), groups, outputs, inputs, 2, 16), np.float32)
    job = struct(
        "odev_kernel_job",
        threads=threads,
        n=grid,
        groups=groups,
        outputs=outputs,
        inputs=inputs,
        taps_rows=rows,
        taps_columns=columns,
        dilation_rows=_spacing(rows, dilation[0]),
        dilation_columns=_spacing(columns, dilation[1]),
        weight=_floats(weight),
        spectra=_floats(spectra),
    )
    check(lib.odev_kernel_spectra(job))
    return spectra


def multiply(
    pictures: Float,
    kernels: Float,
    products: Float,
    some: slice,
    *,
    grid: int,
    adjoint: bool = False,
    threads: int,
) -> None:
    """Sum over input channels of spectra times kernels, at every frequency.

    Parameters
    ----------
    pictures : (blocks, tiles, groups, in, 2, 16) float32
    kernels : (blocks, groups, some, in, 2, 16) float32
        With `adjoint`, (blocks, groups, in, some, 2, 16), and their conjugates are taken.
    products : (blocks, tiles, groups, out, 2, 16) float32
        Where they go.
    some
        Which of the outputs these kernels are for.
    grid
        N.
    threads
    """
    _, tiles, groups, inputs = pictures.shape[:4]
    job = struct(
        "odev_product_job",
        threads=threads,
        n=grid,
        tiles=tiles,
        groups=groups,
        inputs=inputs,
        outputs=products.shape[3],
        first=some.start,
        count=some.stop - some.start,
        adjoint=int(adjoint),
        x=_floats(pictures),
        kernels=_floats(kernels),
        y=_floats(products),
    )
    check(lib.odev_multiply_spectra(job))


def multiply_by_taps(
    pictures: Float,
    weight: Float,
    products: Float,
    dilation: tuple[int, int],
    *,
    grid: int,
    adjoint: bool = False,
    threads: int,
) -> None:
    """`multiply` by all kernels, whose spectra are formed a few bins at a time, in cache.

    Parameters
    ----------
    pictures : (blocks, tiles, groups, in, 2, 16) float32
    weight : (groups, out, in, kh, kw) float32
        Of at most `FORMED_TAPS` taps; with `adjoint`, (groups, in, out, kh, kw).
    products : (blocks, tiles, groups, out, 2, 16) float32
        Where they go.
    dilation
        Pixels between taps.
    grid
        N.
    threads
    """
    _, tiles, groups, inputs = pictures.shape[:4]
    outputs = products.shape[3]
    job = struct(
        "odev_product_job",
        threads=threads,
        n=grid,
        tiles=tiles,
        groups=groups,
        inputs=inputs,
        outputs=outputs,
        first=0,
        count=outputs,
        adjoint=int(adjoint),
        taps_rows=weight.shape[3],
        taps_columns=weight.shape[4],
        dilation_rows=dilation[0],
        dilation_columns=dilation[1],
        x=_floats(pictures),
        kernels=ffi.NULL,
        weight=_floats(weight),
        y=_floats(products),
    )
    check(lib.odev_multiply_spectra(job))


def correlate_taps(
    pictures: Float,
    cotangents: Float,
    gradient: Float,
    dilation: tuple[int, int],
    *,
    grid: int,
    threads: int,
) -> None:
    """Add to a kernel's gradient the correlation of pictures and cotangents at its taps.

    Parameters
    ----------
    pictures : (blocks, tiles, groups, in, 2, 16) float32
    cotangents : (blocks, tiles, groups, out, 2, 16) float32
    gradient : (groups, out, in, kh, kw) float32
        Is added to.
    dilation
        Pixels between taps.
    grid
        N.
    threads
    """
    groups, outputs, inputs, rows, columns = gradient.shape
    job = struct(
        "odev_taps_job",
        threads=threads,
        n=grid,
        tiles=pictures.shape[1],
        groups=groups,
        outputs=outputs,
        inputs=inputs,
        taps_rows=rows,
        taps_columns=columns,
        dilation_rows=_spacing(rows, dilation[0]),
        dilation_columns=_spacing(columns, dilation[1]),
        x=_floats(pictures),
        g=_floats(cotangents),
        gradient=_floats(gradient),
    )
    check(lib.odev_correlate_taps(job))
