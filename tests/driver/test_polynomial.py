"""Fits against NumPy's least squares, and exact convolution of polynomials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d

from driver.polynomial import EXPONENTS, evaluate, fit, moment_matrix, unit_change

SIZES = [(64, 64), (12, 5), (4, 64), (2, 9), (1, 1), (3, 2)]


@pytest.mark.parametrize("size", SIZES)
def test_fit_is_the_least_squares_one(size: tuple[int, int]) -> None:
    segment = np.random.default_rng(1).random(size, dtype=np.float32)
    coefficients, remainder = fit(segment)
    row, column = np.mgrid[: size[0], : size[1]]
    columns = np.stack([(row**i * column**j).ravel() for i, j in EXPONENTS], axis=1)
    best, *_ = np.linalg.lstsq(columns.astype(float), segment.ravel().astype(float), rcond=None)
    # float32 products of up to 64 values of order 1.
    assert remainder.ravel() == pytest.approx(segment.ravel() - columns @ best, abs=2e-6)
    assert evaluate(coefficients, size, size) + remainder == pytest.approx(segment, abs=2e-6)


@pytest.mark.parametrize("dilation", [(1, 1), (2, 3)])
def test_correlation_of_a_polynomial_is_exact(dilation: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    weight = rng.standard_normal((3, 2))
    spread = np.zeros((2 * dilation[0] + 1, dilation[1] + 1))
    spread[:: dilation[0], :: dilation[1]] = weight
    size = (20, 31)
    coefficients = rng.standard_normal(6).astype(np.float32)
    picture = evaluate(coefficients, size, size).astype(float)
    reference = correlate2d(picture, spread, mode="valid")
    matrix = moment_matrix(weight, dilation) * unit_change(size)
    result = evaluate(matrix @ coefficients, reference.shape, size)
    # coefficients, moments and evaluation each round to 2^-24; values are of order 10.
    assert result == pytest.approx(reference, abs=1e-5)
