"""Half planes of spectra against NumPy's own transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference_convolution import half_planes, kernel_spectra, to_blocks

from driver import spectral
from driver.errors import ValueRangeError
from driver.library import check, lib, struct

pytestmark = pytest.mark.usefixtures("on_kernels")

GRIDS = [2, 8, 11, 32, 37, 64]


def blocks_of(pictures: Any, grid: int) -> Any:
    return to_blocks(half_planes(pictures), grid)


def packed(pictures: Any, pair: bool) -> Any:
    if not pair:
        return pictures.astype(np.complex64)
    frames = pictures[0::2].astype(np.complex64)
    frames.imag[: len(pictures) // 2] = pictures[1::2]
    return frames


@pytest.mark.parametrize("grid", GRIDS)
def test_there_are_as_many_blocks_as_it_takes(grid: int) -> None:
    assert spectral.bin_blocks(grid) == len(to_blocks(np.zeros((1, grid, grid // 2 + 1)), grid))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("pair", [True, False])
@pytest.mark.parametrize("count", [1, 4, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_half_planes_come_out_of_frames_and_go_back_in(
    grid: int, pair: bool, count: int, threads: int
) -> None:
    rng = np.random.default_rng(1)
    pictures = rng.standard_normal((count, grid, grid)).astype(np.float32)
    scale = rng.uniform(0.5, 2, count).astype(np.float32)
    frames = packed(pictures / scale[:, None, None], pair)
    transformed = np.fft.fft2(frames, norm="ortho").astype(np.complex64)
    halves = np.empty((spectral.bin_blocks(grid), count, 2, 16), np.float32)
    spectral.separate(transformed, scale, pair, halves, threads)
    # complex64 rounding of values of order 1 in sums over both parts: 1e-6 is ten times that.
    assert halves == pytest.approx(blocks_of(pictures, grid), abs=6e-6)

    frames = np.full_like(transformed, np.nan)
    rms = spectral.join(halves, frames, pair, threads)
    assert rms == pytest.approx(np.sqrt(np.mean(pictures**2, axis=(1, 2))), rel=1e-5)  # Parseval
    wanted = np.fft.fft2(packed(pictures / rms[:, None, None], pair), norm="ortho")
    assert frames == pytest.approx(wanted, abs=2e-5)


def test_an_empty_picture_keeps_its_scale() -> None:
    halves = np.zeros((spectral.bin_blocks(4), 2, 2, 16), np.float32)
    frames = np.empty((1, 4, 4), np.complex64)
    assert spectral.join(halves, frames, True, 1).tolist() == [1, 1]
    assert not frames.any()


@pytest.mark.parametrize("grid", GRIDS[1:])
@pytest.mark.parametrize("threads", [1, 2])
def test_kernel_spectra_are_conjugate_transforms(grid: int, threads: int) -> None:
    weight = np.random.default_rng(2).standard_normal((2, 3, 4, 3, 2)).astype(np.float32)
    spread = np.zeros((2, 3, 4, grid, grid))
    spread[..., 0:6:2, 0:4:3] = weight
    expected = np.conj(np.fft.rfft2(spread))
    assert kernel_spectra(weight, (2, 3), grid) == pytest.approx(expected, abs=1e-6)
    result = spectral.kernel_spectra(weight, (2, 3), grid, threads)
    # Rounding to float32 of sums of six values of order 1.
    assert result == pytest.approx(to_blocks(expected, grid), abs=4e-6)


def draw(rng: np.random.Generator, *shape: int) -> Any:
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (3, 2), (5, 7)])
@pytest.mark.parametrize("tiles", [1, 6])
@pytest.mark.parametrize("grid", [8, 37])
def test_products_sum_over_a_groups_channels(
    inputs: int, outputs: int, tiles: int, grid: int
) -> None:
    rng = np.random.default_rng(3)
    plane = (grid, grid // 2 + 1)
    x, k = draw(rng, tiles, 2, inputs, *plane), draw(rng, 2, outputs, inputs, *plane)
    y = np.full((spectral.bin_blocks(grid), tiles, 2, outputs, 2, 16), np.nan, np.float32)
    for some in (slice(0, 1), slice(1, outputs)):
        given = to_blocks(k[:, some], grid)
        spectral.multiply(to_blocks(x, grid), given, y, some, grid=grid, threads=2)
    wanted = np.einsum("tgiuv,goiuv->tgouv", x, k)
    assert y == pytest.approx(to_blocks(wanted, grid), abs=2e-5)

    back = np.full((spectral.bin_blocks(grid), tiles, 2, inputs, 2, 16), np.nan, np.float32)
    for some in (slice(0, 1), slice(1, inputs)):
        given = to_blocks(k[:, :, some], grid)
        spectral.multiply(
            to_blocks(wanted, grid), given, back, some, grid=grid, adjoint=True, threads=1
        )
    adjoint = np.einsum("tgouv,goiuv->tgiuv", wanted, k.conj())
    # Sums of seven products of sums of five: of order 30.
    assert back == pytest.approx(to_blocks(adjoint, grid), abs=3e-4)


@pytest.mark.parametrize("grid", [8, 11, 37, 64])
def test_taps_are_correlated_with_pictures(grid: int) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((3, 2, 2, grid, grid))  # tiles, groups, inputs
    g = rng.standard_normal((3, 2, 3, grid, grid))
    gradient = np.ones((2, 3, 2, 3, 2), np.float32)
    spectral.correlate_taps(
        blocks_of(x, grid), blocks_of(g, grid), gradient, (1, 2), grid=grid, threads=2
    )
    wanted = np.empty(gradient.shape)
    for k in range(3):
        for m in range(2):
            shifted = np.roll(x, (-k, -2 * m), (-2, -1))
            wanted[..., k, m] = np.einsum("tgihw,tgohw->goi", shifted, g)
    # Sums of 3 N^2 products of order 1, in float32: relative to their root.
    assert gradient - 1 == pytest.approx(wanted, abs=1e-5 * grid)


def test_every_thread_count_gives_the_same_bits() -> None:
    rng = np.random.default_rng(5)
    frames = draw(rng, 7, 64, 64)
    scale = rng.uniform(0.5, 2, 14).astype(np.float32)
    one, two = (np.empty((spectral.bin_blocks(64), 14, 2, 16), np.float32) for _ in range(2))
    spectral.separate(frames, scale, True, one, 1)
    spectral.separate(frames, scale, True, two, 2)
    assert np.array_equal(one, two)
    first, second = np.empty_like(frames), np.empty_like(frames)
    assert np.array_equal(spectral.join(one, first, True, 1), spectral.join(one, second, True, 2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("odev_separate_spectra", "odev_spectra_job"),
        ("odev_join_spectra", "odev_spectra_job"),
        ("odev_kernel_spectra", "odev_kernel_job"),
        ("odev_multiply_spectra", "odev_product_job"),
        ("odev_correlate_taps", "odev_taps_job"),
    ],
)
def test_jobs_of_another_version_and_null_arrays_are_refused(function: str, kind: str) -> None:
    job = struct(kind)
    with pytest.raises(ValueRangeError, match="must not be null"):
        check(getattr(lib, function)(job))
    job.struct_size += 1
    with pytest.raises(ValueRangeError, match="struct_size"):
        check(getattr(lib, function)(job))
