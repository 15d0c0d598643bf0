"""Spectra of real pictures: packing two in a complex one, and multiplying by kernels' spectra.

A real picture's spectrum is Hermitian, ``A(-u) = conj A(u)``, so half of it (columns
``v = 0 .. N//2``, "half plane" below) tells all. The device transforms complex fields, hence two
real pictures travel in one frame as ``a + ib`` and are told apart afterwards:

    A = (Z(u) + conj Z(-u)) / 2,    B = (Z(u) - conj Z(-u)) / 2i.

Transforms are orthonormal; kernels' spectra are plain sums, so that no factor is left over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "half_width",
    "join_half_planes",
    "kernel_spectra",
    "multiply",
    "pack_pictures",
    "picture_rms",
    "separate_half_planes",
    "unpack_pictures",
]

Complex = NDArray[np.complex64]
Float = NDArray[np.float32]


def half_width(grid: int) -> int:
    """Columns of the half plane of an N×N spectrum."""
    return grid // 2 + 1


def _reciprocal(scale: Float) -> Float:
    return np.divide(1, scale, dtype=np.float32)


def picture_rms(pictures: Float) -> Float:
    """Root mean square of each picture (p, N, N) → (p,), 1 for an empty one."""
    energy = np.einsum("pij,pij->p", pictures, pictures)
    rms = np.sqrt(energy / pictures[0].size, dtype=np.float32)
    rms[rms == 0] = 1
    return rms


def pack_pictures(pictures: Float, scale: Float, pair: bool) -> Complex:
    """Real pictures (p, N, N), each divided by its scale (p,), to frames (f, N, N).

    With ``pair``, pictures 2f and 2f+1 are the real and imaginary part of frame f; an odd one out
    has no imaginary part. Dividing each by its RMS keeps what leaks between the two parts, through
    a phase error, in proportion to both.
    """
    count, grid = pictures.shape[0], pictures.shape[-1]
    inverse = _reciprocal(scale)[:, None, None]
    frames = np.zeros(((count + 1) // 2 if pair else count, grid, grid), dtype=np.complex64)
    if pair:
        np.multiply(pictures[0::2], inverse[0::2], out=frames.real)
        np.multiply(pictures[1::2], inverse[1::2], out=frames.imag[: count // 2])
    else:
        np.multiply(pictures, inverse, out=frames.real)
    return frames


def unpack_pictures(frames: Complex, scale: Float, paired: bool) -> Float:
    """The pictures that `pack_pictures` packed: (f, N, N) → (p, N, N)."""
    scale = scale[:, None, None]
    if not paired:
        return np.multiply(frames.real, scale)
    pictures = np.empty((scale.shape[0], *frames.shape[1:]), dtype=np.float32)
    np.multiply(frames.real, scale[0::2], out=pictures[0::2])
    np.multiply(frames.imag[: len(scale) // 2], scale[1::2], out=pictures[1::2])
    return pictures


def separate_half_planes(frames: Complex, scale: Float, paired: bool) -> Complex:
    """Half planes of the pictures in frames' spectra: (f, N, N) → (p, N, N//2+1).

    An unpaired picture's two halves say the same twice; their mean has half the noise.
    """
    half = half_width(frames.shape[-1])
    direct = frames[:, :, :half]
    turned = np.empty_like(direct, order="C")
    back = slice(None, -half, -1)  # columns N-1, N-2, .. N-half+1, which are -1, -2, ..
    turned[:, 0, 0] = frames[:, 0, 0]
    turned[:, 0, 1:] = frames[:, 0, back]
    turned[:, 1:, 0] = frames[:, :0:-1, 0]
    turned[:, 1:, 1:] = frames[:, :0:-1, back]
    np.conj(turned, out=turned)
    if not paired:
        return (direct + turned) * (0.5 * scale)[:, None, None]
    count = scale.shape[0]
    scale = scale[:, None, None]
    spectra = np.empty((count, *direct.shape[1:]), dtype=np.complex64)
    np.multiply(direct + turned, 0.5 * scale[0::2], out=spectra[0::2])
    np.multiply(
        (direct - turned)[: count // 2], np.complex64(-0.5j) * scale[1::2], out=spectra[1::2]
    )
    return spectra


def _energy(spectra: Complex) -> Float:
    """Sum of squared magnitudes of each (p, rows, columns) → (p,)."""
    parts = np.ascontiguousarray(spectra).view(np.float32).reshape(len(spectra), -1)
    return np.einsum("pi,pi->p", parts, parts)


def join_half_planes(spectra: Complex, grid: int, pair: bool) -> tuple[Complex, Float]:
    """Half planes of real pictures to whole spectra of frames, each picture at RMS 1.

    Parameters
    ----------
    spectra : (p, N, N//2+1) complex64
    grid
        N.
    pair
        Two pictures a frame.

    Returns
    -------
    frames : (f, N, N) complex64
    scale : (p,) float32
        The pictures' RMS (by Parseval's theorem), which `unpack_pictures` needs.
    """
    half = half_width(grid)
    # All columns stand for two but the first and, of an even N, the last.
    energy = 2 * _energy(spectra) - _energy(spectra[:, :, :1])
    if grid % 2 == 0:
        energy -= _energy(spectra[:, :, -1:])
    scale = np.sqrt(energy, dtype=np.float32) / np.float32(grid)
    scale[scale == 0] = 1
    inverse = _reciprocal(scale)[:, None, None]
    count = spectra.shape[0]
    frames = np.empty(((count + 1) // 2 if pair else count, grid, grid), dtype=np.complex64)
    if pair:
        real = spectra[0::2] * inverse[0::2]
        imaginary = np.zeros_like(real)
        np.multiply(spectra[1::2], np.complex64(1j) * inverse[1::2], out=imaginary[: count // 2])
        frames[:, :, :half] = real + imaginary
        turned = np.conj(real - imaginary)
    else:
        frames[:, :, :half] = spectra * inverse
        turned = np.conj(frames[:, :, :half])
    back = slice(grid - half, 0, -1)  # what columns half, half+1, .. are the mirror images of
    frames[:, 0, half:] = turned[:, 0, back]
    frames[:, 1:, half:] = turned[:, :0:-1, back]
    return frames, scale


def kernel_spectra(weight: NDArray[np.float64], dilation: tuple[int, int], grid: int) -> Complex:
    """Half planes of the spectra that turn a product into a correlation.

    Parameters
    ----------
    weight : (groups, out, in, kh, kw) float64
    dilation
        Pixels between taps.
    grid
        N.

    Returns
    -------
    (N*(N//2+1), groups, in, out) complex64
        ``sum_kl w[k, l] exp(+2πi (u k d + v l d)/N)``, the conjugate of the plain DFT.
    """
    groups, outputs, inputs, taps_h, taps_w = weight.shape
    turns_h = np.outer(np.arange(grid), np.arange(taps_h) * dilation[0]) / grid
    turns_w = np.outer(np.arange(half_width(grid)), np.arange(taps_w) * dilation[1]) / grid
    rows = np.exp(2j * np.pi * turns_h)
    columns = np.exp(2j * np.pi * turns_w)
    # (u, k) @ (k, rest) then (v, l) @ (l, rest): two matrix products, with the bins in front.
    by_row = rows @ weight.transpose(3, 4, 0, 2, 1).reshape(taps_h, -1)
    by_row = by_row.reshape(grid, taps_w, groups * inputs * outputs)
    spectra = (columns @ by_row).astype(np.complex64)
    return spectra.reshape(-1, groups, inputs, outputs)


def multiply(pictures: Complex, kernels: Complex) -> Complex:
    """Sum over input channels of spectra times kernels, at every frequency at once.

    Parameters
    ----------
    pictures : (tiles, groups * in, N, N//2+1) complex64
    kernels : (N*(N//2+1), groups, in, out) complex64

    Returns
    -------
    (tiles, groups * out, N, N//2+1) complex64
    """
    tiles = pictures.shape[0]
    bins, groups, inputs, outputs = kernels.shape
    by_bin = pictures.reshape(tiles, groups, inputs, bins).transpose(3, 1, 0, 2)
    if inputs == 1 and outputs == 1:
        products = by_bin * kernels
    else:
        products = np.matmul(np.ascontiguousarray(by_bin), kernels)
    grouped = products.transpose(2, 1, 3, 0)  # (tiles, groups, out, bins)
    return np.ascontiguousarray(grouped).reshape(tiles, groups * outputs, *pictures.shape[2:])
