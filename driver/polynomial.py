"""Degree-2 polynomials of picture segments: fitted before the light, convolved exactly after it.

The spectrum of a picture is dominated by its slow parts, which would set the exposure and bury all
else in shot noise. So a segment's best fit ``p(r, c) = sum_{i+j<=2} a_ij r^i c^j`` is taken off
electronically. Its correlation with a kernel needs no light: it is again such a polynomial,

    sum_kl w[k, l] p(r + k d, c + l d) = sum_mn r^m c^n sum_ij a_ij C(i, m) C(j, n) M[i-m, j-n],

with the kernel's moments ``M[a, b] = sum_kl w[k, l] (k d)^a (l d)^b`` (binomial theorem).

Rows and columns are counted from the segment's centre in units of its half-length, and fits use
the discrete orthogonal (Gram) polynomials of the segment's own grid, whose products are orthogonal,
so that fitting and evaluating are small matrix products along each axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["COEFFICIENTS", "evaluate", "fit", "moment_matrix", "polynomial_macs", "unit_change"]

FloatArray = NDArray[np.float32]

#: Monomials r^i c^j of total degree <= 2, in the order of the coefficient vectors.
EXPONENTS = tuple((i, j) for i in range(3) for j in range(3 - i))
COEFFICIENTS = len(EXPONENTS)

_WITHIN_DEGREE = np.add.outer(np.arange(3), np.arange(3)) <= 2


@dataclass(frozen=True, eq=False)
class _Axis:
    """One axis of a segment.

    ``gram`` (length, 3): orthonormal polynomials sampled on the input pixels, degree by column
    (columns of degrees that a short axis cannot carry are zero). ``to_monomials`` (3, 3): their
    coefficients. ``monomials`` (length, 3): 1, ρ, ρ² on the input pixels. ``half_length``: of ρ.
    """

    gram: FloatArray
    to_monomials: FloatArray
    monomials: FloatArray
    half_length: float


@lru_cache(maxsize=1024)
def _axis(length: int) -> _Axis:
    half = max((length - 1) / 2, 1.0)
    rho = (np.arange(length) - (length - 1) / 2) / half
    monomials = rho[:, None] ** np.arange(3)
    degrees = min(3, length)
    q, r = np.linalg.qr(monomials[:, :degrees])
    gram, to_monomials = np.zeros((length, 3)), np.zeros((3, 3))
    gram[:, :degrees] = q
    to_monomials[:degrees, :degrees] = np.linalg.inv(r)
    return _Axis(
        gram.astype(np.float32),
        to_monomials.astype(np.float32),
        monomials.astype(np.float32),
        half,
    )


def fit(segments: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least-squares polynomials of segments, and what they leave.

    Parameters
    ----------
    segments : (..., h, w) float32
        Pictures with nothing else in them.

    Returns
    -------
    coefficients : (..., 6) float32
        Of the monomials ``EXPONENTS`` in centred, scaled coordinates.
    remainder : (..., h, w) float32
        ``segments`` less their polynomials.
    """
    rows, columns = _axis(segments.shape[-2]), _axis(segments.shape[-1])
    in_gram = rows.gram.T @ (segments @ columns.gram)
    in_gram *= _WITHIN_DEGREE
    remainder = segments - rows.gram @ in_gram @ columns.gram.T
    table = rows.to_monomials @ in_gram @ columns.to_monomials.T
    return np.stack([table[..., i, j] for i, j in EXPONENTS], axis=-1), remainder


def moment_matrix(weight: NDArray[np.float64], dilation: tuple[int, int]) -> FloatArray:
    """The linear map that correlation with a kernel is on polynomials, in pixels.

    Parameters
    ----------
    weight : (..., kh, kw) float64
        Kernels.
    dilation
        Pixels between taps.

    Returns
    -------
    (..., 6, 6) float32
        Output coefficients (second to last axis) from input coefficients (last axis).
    """
    rows, columns = (
        (np.arange(taps) * step)[:, None] ** np.arange(3)
        for taps, step in zip(weight.shape[-2:], dilation, strict=True)
    )
    moments = rows.T @ weight @ columns
    matrix = np.zeros((*weight.shape[:-2], COEFFICIENTS, COEFFICIENTS), dtype=np.float32)
    for out, (m, n) in enumerate(EXPONENTS):
        for inp, (i, j) in enumerate(EXPONENTS):
            if i >= m and j >= n:
                matrix[..., out, inp] = comb(i, m) * comb(j, n) * moments[..., i - m, j - n]
    return matrix


@lru_cache(maxsize=1024)
def unit_change(size: tuple[int, int]) -> FloatArray:
    """What turns a `moment_matrix` in pixels into one for coefficients as `fit` gives them.

    Parameters
    ----------
    size
        Rows and columns of the *input* segments.

    Returns
    -------
    (6, 6) float32
        Factors, by output and input coefficient.
    """
    half = [_axis(length).half_length for length in size]
    unit = np.array([half[0] ** i * half[1] ** j for i, j in EXPONENTS])
    return np.divide.outer(unit, unit).astype(np.float32)


def evaluate(
    coefficients: FloatArray, output: tuple[int, int], size: tuple[int, int]
) -> FloatArray:
    """Polynomials on the first output pixels of a segment.

    Parameters
    ----------
    coefficients : (..., 6) float32
    output
        Rows and columns wanted, from the segment's upper left.
    size
        Rows and columns of the *input* segment whose coordinates the coefficients use.

    Returns
    -------
    (..., h, w) float32
    """
    table = np.zeros((*coefficients.shape[:-1], 3, 3), dtype=np.float32)
    for k, (i, j) in enumerate(EXPONENTS):
        table[..., i, j] = coefficients[..., k]
    rows = _axis(size[0]).monomials[: output[0]]
    columns = _axis(size[1]).monomials[: output[1]]
    return np.asarray(rows @ table @ columns.T)


def polynomial_macs(
    output: tuple[int, int], extent: tuple[int, int], pairs: int, inputs: int, outputs: int
) -> int:
    """Real MACs that one segment costs: fit, removal, moments, evaluation.

    Parameters
    ----------
    output
        Output rows and columns of the segment.
    extent
        Rows and columns the kernel reaches over.
    pairs
        Channel pairs that are convolved, ``inputs * outputs / groups``.
    inputs, outputs
        Channels.
    """
    height, width = output[0] + extent[0] - 1, output[1] + extent[1] - 1
    project = 3 * height * width + 9 * height  # (h, w) @ (w, 3), (3, h) @ (h, 3)
    remove = 9 * height + 3 * height * width
    convert = 2 * 27
    spread = 9 * output[0] + 3 * output[0] * output[1]
    return inputs * (project + remove + convert) + COEFFICIENTS**2 * pairs + outputs * spread
