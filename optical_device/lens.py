"""Fourier lens: orthonormal transform about the optical axis, aberration, alignment, envelope.

The transforms take NumPy or torch arrays (`array_api_compat`); the fixed maps are built in NumPy.
The optical axis passes through pixel (n//2, n//2) of both planes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array
from numpy.typing import NDArray

__all__ = [
    "LARGEST_SHEAR",
    "axis_maps",
    "camera_matrix",
    "envelope",
    "noll_to_radial_azimuthal",
    "seen_shift",
    "shear_order",
    "shift_map",
    "transform",
    "turned_transform",
    "vignette",
    "wavefront",
    "zernike",
]

Array = Any
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Matrix = tuple[tuple[Any, Any], tuple[Any, Any]]

UPRIGHT: Matrix = ((1.0, 0.0), (0.0, 1.0))

LARGEST_SHEAR = 1.0
"""Largest phase pi N |B12| / 2 whose powers `turned_transform` sums [rad]."""


def transform(field: Array) -> Array:
    """Orthonormal 2-D DFT over the last two axes.

    F(u, v) = 1/N sum_{r, q} z(r, q) e^{-2 pi i (ur + vq)/N}, in plain index order; `axis_maps` move
    the origin to the optical axis.
    """
    xp = array_namespace(field)
    return xp.fft.fftn(field, axes=(-2, -1), norm="ortho")


def camera_matrix(
    rotation_rad: Array, magnification: Array, wavelength_change: Array = 0.0
) -> Matrix:
    """Matrix B of a camera: a pixel at y from the axis sees the spectrum at B y.

    B = M (1 - dlambda/lambda) [[cos a, -sin a], [sin a, cos a]], acting on (row, column).

    Parameters
    ----------
    rotation_rad, magnification : a [rad] and M, numbers or 0-d arrays
    wavelength_change : dlambda/lambda, a number or (...)
    """
    functions = array_namespace(rotation_rad) if is_torch_array(rotation_rad) else math
    scale = magnification * (1.0 - wavelength_change)
    cosine, sine = scale * functions.cos(rotation_rad), scale * functions.sin(rotation_rad)
    return (cosine, -sine), (sine, cosine)


def shear_order(shear_rad: float) -> int:
    """Highest power K in `turned_transform` of a largest phase kappa [rad].

    The smallest K that leaves kappa^{K+1}/(K+1)!/(1 - kappa/(K+2)) <= 2^-24 of the exponential
    series, relative to 1: a rounding of float32.
    """
    order, term = 0, shear_rad
    while term > 2.0**-24 * (1.0 - shear_rad / (order + 2)):
        order += 1
        term *= shear_rad / (order + 1)
    return order


def turned_transform(field: Array, matrix: Matrix) -> Array:
    """Orthonormal DFT seen by a rotated and magnified camera, over the last two axes.

    F'(u) = 1/N sum_r z(r) e^{-2 pi i (r-c).B(u-c)/N}, times what makes it `transform` at B = 1:
    e^{-2 pi i c (r1+r2)/N}, e^{-2 pi i c (u1+u2)/N}, e^{4 pi i c^2/N}, so that `axis_maps` serve
    both.  With x = r - c and y = u - c the exponent has four terms: x1 B11 y1 and x2 B22 y2 are
    dense matrices, x2 B21 y1 is a factor between them, all exact; the last, x1 B12 y2, is summed

        e^{-2 pi i x1 B12 y2/N} = sum_{k<=K} (-2 pi i B12/N)^k/k! x1^k y2^k

    to K = `shear_order` of kappa = pi N |B12|/2, the largest phase: never an interpolation.  Under
    torch's autograd one power more, so that the derivative to B12 is as good.

    Parameters
    ----------
    field : (..., N, N) complex
    matrix : `camera_matrix`; entries are numbers, or arrays (...) that go with the field's axes
    """
    xp = array_namespace(field)
    n = field.shape[-1]
    half = n / 2.0
    (b11, b12), (b21, b22) = (
        tuple(b[..., None, None] if getattr(b, "ndim", 0) else b for b in row) for row in matrix
    )
    real = xp.real(field)
    x = xp.arange(n, dtype=real.dtype, device=device(field)) - float(n // 2)
    unit = -2j * math.pi / n
    products = x[:, None] * x
    rows, between, columns = (xp.exp(unit * (b * products)) for b in (b11, b21, b22))
    phase = unit * half**2 * b12
    largest = float(np.max(np.abs(_numbers(b12)))) * math.pi * half
    order = shear_order(largest) + int(is_torch_array(b12) and b12.requires_grad)
    before, after = axis_maps(n)
    on = {"dtype": field.dtype, "device": device(field)}
    term = field * xp.conj(xp.asarray(before, **on))
    factor: Array = 1.0
    total: Array = 0.0
    for k in range(order + 1):
        if k:
            term = term * (x / half)[:, None]
            factor = factor * phase / k * (x / half)
        total = total + factor * ((between * (rows @ term)) @ columns)
    return total * (xp.conj(xp.asarray(after, **on)) / n)


def _numbers(values: Array) -> Any:
    return values.detach().cpu().numpy() if is_torch_array(values) else values


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


def seen_shift(shift_px: tuple[float, float], matrix: Matrix) -> tuple[float, float]:
    """Shift B^T d whose `shift_map` in the output plane is that of an input field displaced by d.

    Its phase e^{-2 pi i f.d/n} belongs to the spectrum's own frequencies f = B (u - c), which a
    rotated or magnified camera (`camera_matrix`) sees elsewhere.
    """
    (b11, b12), (b21, b22) = matrix
    row, column = shift_px
    return b11 * row + b21 * column, b12 * row + b22 * column


def envelope(
    n: int,
    element_width_fraction: float,
    matrix: Matrix = UPRIGHT,
    shift_px: tuple[float, float] = (0.0, 0.0),
) -> Floats:
    """Element factor sinc(f1 w/n) sinc(f2 w/n) at f = B (u - c) + shift, shape (n, n).

    Far field of a square emitter of width w pitches, sinc x = sin(pi x)/(pi x).  It belongs to the
    angles at which light leaves an emitter, so it moves with the spectrum when the camera is
    rotated, magnified (`camera_matrix`) or shifted (`shift_map` in the input plane).
    """
    y = np.arange(n) - n // 2
    row, column = np.meshgrid(y, y, indexing="ij")
    factors = [
        np.sinc((b1 * row + b2 * column + shift) * element_width_fraction / n)
        for (b1, b2), shift in zip(matrix, shift_px, strict=True)
    ]
    return np.asarray(factors[0] * factors[1])


def vignette(n: int, lost: float) -> Floats:
    """Amplitude sqrt(1 - v rho^2/rho_corner^2) at a distance rho from the axis, shape (n, n).

    v is the power lost at pixel (0, 0), the corner farthest from the axis: the first term of any
    smooth shading, as the cos^4 law has it.
    """
    y = np.arange(n) - n // 2
    return np.asarray(np.sqrt(1.0 - lost * (y[:, None] ** 2 + y**2) / (2.0 * (n // 2) ** 2)))


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
