from __future__ import annotations

import math

import numpy as np
import pytest

from optical_device.lens import (
    LARGEST_SHEAR,
    axis_maps,
    camera_matrix,
    envelope,
    noll_to_radial_azimuthal,
    shear_order,
    shift_map,
    transform,
    turned_transform,
    vignette,
    wavefront,
    zernike,
)

# Rounding of an orthonormal FFT of unit-variance data: a few eps per log2 N stage.
ROUNDING = 1e-13


def _field(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))


def _centred(field: np.ndarray) -> np.ndarray:
    before, after = axis_maps(field.shape[-1])
    return np.asarray(after * transform(before * field))


@pytest.mark.parametrize("n", [8, 11, 13, 16])
def test_parseval(rng: np.random.Generator, n: int) -> None:
    z = _field(rng, n)
    np.testing.assert_allclose(
        np.sum(np.abs(_centred(z)) ** 2), np.sum(np.abs(z) ** 2), rtol=ROUNDING
    )


@pytest.mark.parametrize("n", [4, 5, 11])
def test_axis_is_at_the_middle_pixel_of_both_planes(rng: np.random.Generator, n: int) -> None:
    z = _field(rng, n)
    x = np.arange(n) - n // 2
    matrix = np.exp(-2j * np.pi * np.outer(x, x) / n) / math.sqrt(n)
    np.testing.assert_allclose(_centred(z), matrix @ z @ matrix, atol=100 * ROUNDING)


@pytest.mark.parametrize("n", [8, 11])
def test_a_flat_field_lands_on_the_middle_pixel(n: int) -> None:
    spectrum = np.abs(_centred(np.ones((n, n), dtype=complex)))
    assert np.unravel_index(np.argmax(spectrum), spectrum.shape) == (n // 2, n // 2)
    assert spectrum[n // 2, n // 2] == pytest.approx(n, rel=ROUNDING)
    assert np.sum(spectrum**2) == pytest.approx(n * n, rel=ROUNDING)


def test_a_tilt_moves_the_spectrum_the_way_its_sign_says(rng: np.random.Generator) -> None:
    z = _field(rng, 8)
    moved = _centred(z * shift_map(8, (1.0, -2.0)))
    expected = np.roll(_centred(z), (-1, 2), axis=(0, 1))
    # The orbit about the axis: the wrapped row and columns pick up a whole turn, that is, nothing.
    np.testing.assert_allclose(moved, expected, atol=100 * ROUNDING)


def test_a_displaced_field_turns_the_spectrum(rng: np.random.Generator) -> None:
    z = _field(rng, 8)
    displaced = _centred(np.roll(z, (2, -1), axis=(0, 1)))
    np.testing.assert_allclose(
        displaced, _centred(z) * shift_map(8, (2.0, -1.0)), atol=100 * ROUNDING
    )


def test_half_pixel_shift_spreads_a_point_as_the_dirichlet_kernel_says() -> None:
    n = 16
    flat = np.ones((n, n), dtype=complex)
    spectrum = np.abs(_centred(flat * shift_map(n, (0.5, 0.0))))
    expected = n * np.sin(np.pi / 2) / (n * np.sin(np.pi / 2 / n))
    assert spectrum[n // 2, n // 2] == pytest.approx(expected, rel=1e-12)


def test_envelope_is_that_of_a_square_emitter() -> None:
    e = envelope(16, 0.5)
    assert e[8, 8] == 1.0
    assert e[0, 8] == pytest.approx(np.sinc(0.25))
    assert e[0, 0] == pytest.approx(np.sinc(0.25) ** 2)
    assert np.all(envelope(16, 0.0) == 1.0)


def test_the_envelope_moves_with_the_spectrum() -> None:
    # A camera moved by whole pixels sees the same light one pixel on, element factor included.
    moved, plain = envelope(16, 0.7, shift_px=(1.0, -2.0)), envelope(16, 0.7)
    np.testing.assert_allclose(moved[:-1, 2:], plain[1:, :-2], rtol=1e-14)
    # Turned by a right angle about the axis, rows are columns backwards.
    turned = envelope(16, 0.7, camera_matrix(np.pi / 2, 1.0), (0.5, 0.0))
    y = np.arange(16) - 8
    expected = np.sinc((-y[None, :] + 0.5) * 0.7 / 16) * np.sinc(y[:, None] * 0.7 / 16)
    np.testing.assert_allclose(turned, expected, atol=1e-14)


@pytest.mark.parametrize("n", [8, 11])
def test_vignetting_takes_its_share_in_the_corner(n: int) -> None:
    power = vignette(n, 0.3) ** 2
    assert power[0, 0] == pytest.approx(0.7, rel=1e-14)
    assert power[n // 2, n // 2] == 1.0
    assert power[n // 2, 0] == pytest.approx(0.85, rel=1e-14)
    assert np.all(vignette(n, 0.0) == 1.0)


def _direct(z: np.ndarray, matrix: tuple[tuple[float, float], tuple[float, float]]) -> np.ndarray:
    """Centred spectrum at the frequencies B y by brute force: all N^4 terms."""
    n = z.shape[-1]
    x = np.arange(n) - n // 2
    y1, y2 = np.meshgrid(x, x, indexing="ij")
    (b11, b12), (b21, b22) = matrix
    f1, f2 = b11 * y1 + b12 * y2, b21 * y1 + b22 * y2
    kernel1 = np.exp(-2j * np.pi / n * x[:, None, None] * f1)
    kernel2 = np.exp(-2j * np.pi / n * x[:, None, None] * f2)
    return np.asarray(np.einsum("rq,ruv,quv->uv", z, kernel1, kernel2) / n)


def _turned(z: np.ndarray, matrix: tuple[tuple[float, float], tuple[float, float]]) -> np.ndarray:
    before, after = axis_maps(z.shape[-1])
    return np.asarray(after * turned_transform(before * z, matrix))


@pytest.mark.parametrize("n", [8, 11, 16, 30])
@pytest.mark.parametrize("shear_rad", [0.01, 0.3, LARGEST_SHEAR])
@pytest.mark.parametrize("magnification", [1.0, 0.97, 1.02])
def test_a_turned_camera_sees_the_direct_sum(
    rng: np.random.Generator, n: int, shear_rad: float, magnification: float
) -> None:
    rotation = -np.arcsin(2.0 * shear_rad / (np.pi * n * magnification))
    matrix = camera_matrix(rotation, magnification)
    z = _field(rng, n)
    error = np.abs(_turned(z, matrix) - _direct(z, matrix))
    # Every term of the sum is off by at most 2^-24 of itself.
    assert np.max(error) <= 2.0**-24 * np.sum(np.abs(z)) / n
    assert np.max(error) > 0.0


@pytest.mark.parametrize("matrix", [((1.1, 0.0), (0.2, 0.9)), ((0.95, 0.0), (0.0, 0.95))])
def test_all_but_one_shear_is_exact(
    rng: np.random.Generator, matrix: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    z = _field(rng, 16)
    np.testing.assert_allclose(_turned(z, matrix), _direct(z, matrix), atol=100 * ROUNDING)


@pytest.mark.parametrize("n", [8, 11])
def test_an_upright_camera_sees_the_plain_transform(rng: np.random.Generator, n: int) -> None:
    z = _field(rng, n)
    matrix = camera_matrix(0.0, 1.0)
    np.testing.assert_allclose(turned_transform(z, matrix), transform(z), atol=100 * ROUNDING)


def test_a_camera_may_differ_from_frame_to_frame(rng: np.random.Generator) -> None:
    z, change = np.stack([_field(rng, 8), _field(rng, 8)]), np.array([1e-3, -2e-3])
    together = turned_transform(z, camera_matrix(0.01, 1.01, change))
    for i in range(2):
        alone = turned_transform(z[i], camera_matrix(0.01, 1.01, change[i]))
        np.testing.assert_allclose(together[i], alone, atol=100 * ROUNDING)


def test_the_camera_matrix_turns_rows_towards_columns_and_shrinks_with_the_wavelength() -> None:
    (b11, b12), (b21, b22) = camera_matrix(0.1, 2.0, 0.25)
    assert (b11, b22) == (1.5 * math.cos(0.1),) * 2
    assert (b21, b12) == (1.5 * math.sin(0.1), -1.5 * math.sin(0.1))


@pytest.mark.parametrize("shear_rad", [1e-9, 1e-4, 0.03, 0.5, LARGEST_SHEAR])
def test_the_order_is_the_smallest_that_keeps_the_bound(shear_rad: float) -> None:
    def rest(order: int) -> float:
        term = shear_rad ** (order + 1) / math.factorial(order + 1)
        return term / (1.0 - shear_rad / (order + 2))

    order = shear_order(shear_rad)
    assert rest(order) <= 2.0**-24
    assert order == 0 or rest(order - 1) > 2.0**-24
    # The bound holds: what the series leaves out at the largest phase, by its definition.
    left_out = abs(np.exp(1j * shear_rad) - sum((1j * shear_rad) ** k / math.factorial(k)
                                                for k in range(order + 1)))  # fmt: skip
    assert left_out <= rest(order) + 1e-15
    assert shear_order(0.0) == 0


# Noll, J. Opt. Soc. Am. 66, 207, table I.
NOLL = {
    1: (0, 0), 2: (1, 1), 3: (1, -1), 4: (2, 0), 5: (2, -2), 6: (2, 2), 7: (3, -1), 8: (3, 1),
    9: (3, -3), 10: (3, 3), 11: (4, 0), 12: (4, 2), 13: (4, -2), 14: (4, 4), 15: (4, -4),
    16: (5, 1), 21: (5, -5), 22: (6, 0),
}  # fmt: skip


@pytest.mark.parametrize(("j", "orders"), NOLL.items())
def test_noll_order(j: int, orders: tuple[int, int]) -> None:
    assert noll_to_radial_azimuthal(j) == orders


def test_zernikes_are_orthonormal_on_the_disc() -> None:
    # Exact quadrature: Gauss-Legendre in r^2 (polynomials of degree <= 4 in it), even in angle.
    nodes, weights = np.polynomial.legendre.leggauss(6)
    radius = np.sqrt((nodes + 1) / 2)[:, None]
    angle = (2 * np.pi * np.arange(16) / 16)[None, :]
    radius, angle = np.broadcast_arrays(radius, angle)
    modes = np.stack([zernike(j, radius, angle) for j in range(1, 16)])
    area = np.broadcast_to(weights[:, None] / 2 / 16, radius.shape)
    gram = np.einsum("irt,jrt,rt->ij", modes, modes, area)
    np.testing.assert_allclose(gram, np.eye(15), atol=1e-12)


def test_zernikes_are_the_textbook_ones() -> None:
    r, a = np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.2, 0.2])
    np.testing.assert_allclose(zernike(4, r, a), np.sqrt(3) * (2 * r**2 - 1), atol=1e-15)
    coma = np.sqrt(8) * (3 * r**3 - 2 * r) * np.sin(a)
    np.testing.assert_allclose(zernike(7, r, a), coma, atol=1e-14)
    spherical = np.sqrt(5) * (6 * r**4 - 6 * r**2 + 1)
    np.testing.assert_allclose(zernike(11, r, a), spherical, atol=1e-14)


def test_wavefront_has_its_rms_and_no_piston(rng: np.random.Generator) -> None:
    wave = wavefront(32, rng.standard_normal(12), 4, 0.05)
    assert np.sqrt(np.mean(wave**2)) == pytest.approx(0.05, rel=1e-12)
    assert abs(wave.mean()) < 1e-15
    assert not wavefront(32, np.zeros(12), 4, 0.05).any()


@pytest.mark.parametrize("waves_rms", [0.005, 0.01, 0.02])
def test_strehl_ratio_follows_marechal(rng: np.random.Generator, waves_rms: float) -> None:
    n = 32
    wave = wavefront(n, rng.standard_normal(12), 4, waves_rms)
    peak = _centred(np.exp(2j * np.pi * wave))[n // 2, n // 2]
    sigma2 = (2 * np.pi * waves_rms) ** 2
    # ln S = -sigma^2 + kappa_4 / 12 + ...: off by under sigma^4 for an excess kurtosis under 12.
    assert abs(peak / n) ** 2 == pytest.approx(np.exp(-sigma2), abs=sigma2**2)
