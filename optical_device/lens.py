"""Fourier lens: orthonormal transform about the optical axis, aberration, alignment, envelope.

The transform takes NumPy or torch arrays (`array_api_compat`); the fixed maps are built in NumPy.
The optical axis passes through pixel (n//2, n//2) of both planes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

__all__ = [
    "axis_maps",
    "envelope",
    "noll_to_radial_azimuthal",
    "shift_map",
    "transform",
    "wavefront",
    "zernike",
]

Array = Any
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def transform(field: Array) -> Array:
    """Orthonormal 2-D DFT over the last two axes.

    F(u, v) = 1/N sum_{r, q} z(r, q) e^{-2 pi i (ur + vq)/N}, in plain index order; `axis_maps` move
    the origin to the optical axis.
    """
    xp = array_namespace(field)
    return xp.fft.fftn(field, axes=(-2, -1), norm="ortho")


def axis_maps(n: int) -> tuple[Complexes, Complexes]:
    """Factors in front of and behind `transform` that put the origin at pixel (n//2, n//2).

    e^{-2 pi i (r-c)(u-c)/n} = e^{2 pi i c r/n} e^{-2 pi i r u/n} e^{2 pi i c u/n} e^{-2 pi i c^2/n}
    in each axis, c = n//2.  Returns (input factor, output factor), both (n, n).
    """
    c = n // 2
    line = np.exp(2j * np.pi * ((c * np.arange(n)) % n) / n)
    factor = np.outer(line, line)
    return factor, factor * np.exp(-2j * np.pi * ((2 * c * c) % n) / n)


def shift_map(n: int, shift_px: tuple[float, float]) -> Complexes:
    """Linear phase e^{-2 pi i ((r-c) dr + (q-c) dc)/n} about the axis, shape (n, n).

    In the input plane it moves the spectrum by -shift pixels on the camera; in the output plane it
    is what an input field displaced by +shift pixels gives (shift theorem).
    """
    x = np.arange(n) - n // 2
    row, column = (np.exp(-2j * np.pi * x * shift / n) for shift in shift_px)
    return np.outer(row, column)


def envelope(n: int, element_width_fraction: float) -> Floats:
    """Element factor sinc((u-c) w/n) sinc((v-c) w/n), sinc x = sin(pi x)/(pi x), shape (n, n).

    Far field of a square emitter of width w pitches.
    """
    line = np.sinc((np.arange(n) - n // 2) * element_width_fraction / n)
    return np.outer(line, line)


def noll_to_radial_azimuthal(j: int) -> tuple[int, int]:
    """Radial and signed azimuthal order (n, m) of Noll index j (m > 0: cosine, m < 0: sine).

    Source: Noll, J. Opt. Soc. Am. 66, 207 (1976): even j are cosines, odd j sines.
    """
    n = int((math.sqrt(8 * j - 7) - 1) / 2)
    position = j - n * (n + 1) // 2 - 1
    m = 2 * ((position + 1) // 2) if n % 2 == 0 else 2 * (position // 2) + 1
    return n, m if j % 2 == 0 else -m


def zernike(j: int, radius: Floats, angle: Floats) -> Floats:
    """Zernike polynomial of Noll index j, unit RMS on the unit disc.

    Z = sqrt(n+1) R_n^0, or sqrt(2 (n+1)) R_n^m times cos(m angle) or sin(m angle), with
    R_n^m(r) = sum_s (-1)^s (n-s)! / (s! ((n+m)/2-s)! ((n-m)/2-s)!) r^{n-2s}.
    """
    n, signed = noll_to_radial_azimuthal(j)
    m = abs(signed)
    radial = np.zeros_like(radius)
    for s in range((n - m) // 2 + 1):
        divisor = math.factorial(s) * math.factorial((n + m) // 2 - s)
        divisor *= math.factorial((n - m) // 2 - s)
        radial += (-1) ** s * math.factorial(n - s) // divisor * radius ** (n - 2 * s)
    if m == 0:
        return math.sqrt(n + 1) * radial
    wave = np.cos(m * angle) if signed > 0 else np.sin(m * angle)
    return math.sqrt(2 * (n + 1)) * radial * wave


def wavefront(n: int, coefficients: Floats, noll_first: int, waves_rms: float) -> Floats:
    """Wavefront error of the given Zernike mixture with an RMS of `waves_rms` [waves], (n, n).

    The grid is inscribed in the unit disc; the mixture's mean over the grid is removed and its RMS
    over the grid set, so that `waves_rms` holds for the light that the chip really emits.
    """
    x = (np.arange(n) - n // 2) / (n / math.sqrt(2.0))
    row, column = np.meshgrid(x, x, indexing="ij")
    radius, angle = np.hypot(row, column), np.arctan2(row, column)
    wave = np.zeros((n, n))
    for k, coefficient in enumerate(coefficients):
        wave += coefficient * zernike(noll_first + k, radius, angle)
    wave -= wave.mean()
    rms = float(np.sqrt(np.mean(wave**2)))
    return wave * (waves_rms / rms) if rms > 0.0 else wave
