"""Packing and half planes against NumPy's own transforms."""

from __future__ import annotations

import numpy as np
import pytest

from driver import spectral

GRIDS = [2, 8, 11, 64]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("pair", [True, False])
@pytest.mark.parametrize("count", [4, 5])
def test_half_planes_come_out_of_frames_and_go_back_in(grid: int, pair: bool, count: int) -> None:
    rng = np.random.default_rng(1)
    pictures = rng.standard_normal((count, grid, grid)).astype(np.float32)
    scale = spectral.picture_rms(pictures)
    frames = spectral.pack_pictures(pictures, scale, pair)
    assert len(frames) == ((count + 1) // 2 if pair else count)
    assert spectral.unpack_pictures(frames, scale, pair) == pytest.approx(pictures, abs=1e-6)

    transformed = np.fft.fft2(frames, norm="ortho").astype(np.complex64)
    halves = spectral.separate_half_planes(transformed, scale, pair)
    # complex64 rounding of values of order 1 in sums over both parts: 1e-6 is ten times that.
    assert halves == pytest.approx(np.fft.rfft2(pictures, norm="ortho"), abs=3e-6)

    joined, spectra_scale = spectral.join_half_planes(halves, grid, pair)
    assert spectra_scale == pytest.approx(scale, rel=1e-5)  # Parseval
    assert joined == pytest.approx(transformed, abs=2e-5)


def test_an_empty_picture_keeps_its_scale() -> None:
    assert spectral.picture_rms(np.zeros((2, 4, 4), np.float32)).tolist() == [1, 1]
    _, scale = spectral.join_half_planes(np.zeros((2, 4, 3), np.complex64), 4, True)
    assert scale.tolist() == [1, 1]


@pytest.mark.parametrize("grid", GRIDS[1:])
def test_kernel_spectra_are_conjugate_transforms(grid: int) -> None:
    weight = np.random.default_rng(2).standard_normal((2, 3, 4, 3, 2))
    spread = np.zeros((2, 3, 4, grid, grid))
    spread[..., 0:6:2, 0:4:3] = weight
    expected = np.conj(np.fft.rfft2(spread)).reshape(2, 3, 4, -1)
    result = spectral.kernel_spectra(weight, (2, 3), grid)
    # Rounding to complex64 of sums of six values of order 1.
    assert result == pytest.approx(expected.transpose(3, 0, 2, 1), abs=1e-6)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (3, 2)])
def test_products_sum_over_a_groups_channels(inputs: int, outputs: int) -> None:
    rng = np.random.default_rng(3)

    def draw(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)

    pictures, kernels = draw(5, 2 * inputs, 4, 3), draw(12, 2, inputs, outputs)
    expected = np.einsum("tgib,bgio->tgob", pictures.reshape(5, 2, inputs, 12), kernels)
    result = spectral.multiply(pictures, kernels)
    assert result == pytest.approx(expected.reshape(5, 2 * outputs, 4, 3), abs=1e-5)
