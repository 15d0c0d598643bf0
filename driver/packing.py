"""Two real pictures in one complex frame, for `Device.transform(pack=True)`.

The device takes complex fields, and a real picture's spectrum is Hermitian, so the spectra of a
real and an imaginary part can be told apart: with Z = F(a + i b) and Z'(k) = conj(Z(-k)),
F(a) = (Z + Z') / 2 and F(b) = (Z - Z') / 2i.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.arrays import complex_frames, from_caller
from driver.errors import CapabilityError, DTypeError, ValueRangeError

__all__ = ["packed"]

Complex = NDArray[np.complex64]

HERMITIAN = 1e-3
"""Largest anti-Hermitian part of a real picture's spectrum, relative: far above rounding."""


def packed(
    x: Any, operand: Any, n: int, *, inverse: bool
) -> tuple[Complex, Callable[[Complex], Any]]:
    """Real pictures, or spectra of such, two in each frame, and the way back from the results.

    Parameters
    ----------
    x : array
        (..., N, N) float32 or float64 pictures; with `inverse`, their complex spectra.
    operand : None
        There can be none: the chip would multiply both pictures by it.
    n : int
        N.
    inverse : bool
        Which of the two it is.

    Returns
    -------
    frames : (f, N, N) complex64
        What the device is to transform.
    unpack : callable
        From (f, N, N) transforms to (..., N, N) complex64, of the kind that went in.

    Raises
    ------
    DTypeError
        Pictures that are not real.
    ValueRangeError
        Spectra that are not those of real pictures.
    CapabilityError
        An operand.
    """
    if operand is not None:
        raise CapabilityError("pack=True cannot go with an operand: the chip would multiply both")
    array, restore = from_caller(x, "x")
    if not inverse and array.dtype.kind != "f":
        raise DTypeError(f"x has dtype {array.dtype}; pack=True takes real pictures")
    planes = complex_frames(array, n, "x")
    frames, unpack = _paired_spectra(planes) if inverse else _paired_pictures(planes)
    return frames, lambda results: restore(unpack(results).reshape(array.shape))


def _rms(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root mean square of each picture, 1 for an empty one: equal energy mixes fairly."""
    rms = np.sqrt(np.mean(pictures**2, axis=(1, 2), dtype=np.float32))
    rms[rms == 0] = 1
    return rms


def _mirrored(spectra: Complex) -> Complex:
    """conj(Z(-k)) of each plane."""
    turned = np.roll(spectra[:, ::-1, ::-1], (1, 1), (1, 2))
    return np.conj(turned)


def _paired_pictures(planes: Complex) -> tuple[Complex, Callable[[Complex], Complex]]:
    pictures = np.ascontiguousarray(planes.real)
    scale = _rms(pictures)
    scaled = pictures / scale[:, None, None]
    frames = scaled[0::2].astype(np.complex64)
    frames.imag[: len(pictures) // 2] = scaled[1::2]

    def unpack(frames: Complex) -> Complex:
        mirrored = _mirrored(frames)
        spectra = np.empty(pictures.shape, np.complex64)
        spectra[0::2] = 0.5 * (frames + mirrored)
        spectra[1::2] = (-0.5j * (frames - mirrored))[: len(pictures) // 2]
        return spectra * scale[:, None, None]

    return frames, unpack


def _paired_spectra(spectra: Complex) -> tuple[Complex, Callable[[Complex], Complex]]:
    odd = np.abs(spectra - _mirrored(spectra)).max(initial=0.0)
    if odd > 2.0 * HERMITIAN * np.abs(spectra).max(initial=0.0):
        raise ValueRangeError(
            "x holds spectra that are not Hermitian; pack=True takes real pictures'"
        )
    norm = np.sqrt(np.mean(np.abs(spectra) ** 2, axis=(1, 2), dtype=np.float64)).astype(np.float32)
    norm[norm == 0] = 1.0
    scaled = spectra / norm[:, None, None]
    frames = scaled[0::2].copy()
    frames[: len(spectra) // 2] += 1j * scaled[1::2]

    def unpack(seen: Complex) -> Complex:
        pictures = np.empty(spectra.shape, np.complex64)
        pictures[0::2] = seen.real
        pictures[1::2] = seen.imag[: len(spectra) // 2]
        return pictures * norm[:, None, None]

    return frames, unpack
