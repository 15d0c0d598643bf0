"""Cutting pictures and putting them back, against NumPy; polynomials against least squares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from reference_convolution import EXPONENTS, NUMPY_MODE, centred, fit

from driver.cutting import close_seams, cut, cut_cotangent, fold, moments, put
from driver.errors import ValueRangeError
from driver.library import check, lib, struct
from driver.plan import ConvolutionPlan
from driver.tiling import lay_out

pytestmark = pytest.mark.usefixtures("on_kernels")

GRID = 16
SIZES = [(64, 64), (12, 5), (4, 64), (2, 9), (1, 1), (3, 2), (11, 30)]


def one_tile(size: tuple[int, int], grid: int = 64, pack: bool = False) -> ConvolutionPlan:
    """A 1×1 kernel on one picture that fits in one tile."""
    return ConvolutionPlan.for_shapes((1, 1, *size), (1, 1, 1, 1), grid=grid, pack=pack)


def frames_for(plan: ConvolutionPlan, pictures: int) -> np.ndarray[Any, Any]:
    count = (pictures + 1) // 2 if plan.precision.pack else pictures
    return np.empty((count, plan.grid, plan.grid), np.complex64)


@pytest.mark.parametrize("size", SIZES)
def test_the_least_squares_polynomial_is_taken_off(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).random(size, dtype=np.float32)
    plan = one_tile(size)
    frames = frames_for(plan, 1)
    scale, aside = cut(plan, plan.parts[0], (0, 1), picture[None, None], frames, 1)
    remainder = frames[0, : size[0], : size[1]].real * scale[0]
    # float32 values of order 1, in sums of 16 lanes of up to 256: 1e-6 of them.
    assert remainder == pytest.approx(picture - fit(picture), abs=4e-6)
    taken = (centred(size) @ aside.polynomials[0, :, 0]).reshape(size)
    assert remainder + taken == pytest.approx(picture, abs=4e-6)
    assert np.sum(np.abs(frames) ** 2) == pytest.approx(64**2, rel=1e-5) or size == (1, 1)


@pytest.mark.parametrize("mode", list(NUMPY_MODE))
@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 2), (2, 4)])
@pytest.mark.parametrize("threads", [1, 2])
def test_frames_hold_the_padded_pictures_samples(
    mode: str, pack: bool, stride: int, dilation: int, threads: int
) -> None:
    rng = np.random.default_rng(2)
    x = rng.random((2, 3, 30, 21), dtype=np.float32)
    plan = ConvolutionPlan.for_shapes(
        x.shape, (1, 3, 3, 2), grid=GRID, padding=(4, 3), padding_mode=mode, stride=stride,
        dilation=dilation, pack=pack,
    )  # fmt: skip
    (part,) = plan.parts
    tiles = plan.tiles
    frames = frames_for(plan, tiles * plan.planes)
    scale, _ = cut(plan, part, (0, tiles), x, frames, threads)
    planes = np.stack([frames.real, frames.imag], 1) if pack else frames.real[:, None]
    planes = planes.reshape(-1, GRID, GRID)[: tiles * plan.planes]
    planes = (planes * scale[:, None, None]).reshape(tiles, plan.planes, GRID, GRID)

    pads: Any = ((0, 0), (0, 0), (4, 4), (3, 3))
    padded = np.pad(x, pads, mode=NUMPY_MODE[mode])  # type: ignore[call-overload]
    padded = np.pad(padded, ((0, 0), (0, 0), (0, stride), (0, stride)), mode="edge")
    wanted = np.zeros_like(planes)
    for tile, row, column, image, top, left, height, width in part.layout.segments:
        (down, right), (h, w) = part.lead, (height + part.halo[0], width + part.halo[1])
        for plane, (channel, r, c) in enumerate(part.sources):
            samples = padded[image, channel, r :: plan.sampling.step[0], c :: plan.sampling.step[1]]
            segment = samples[top + down : top + down + h, left + right : left + right + w]
            room = wanted[tile, plane, row : row + h, column : column + w]
            room += segment - fit(segment)
    assert planes == pytest.approx(wanted, abs=4e-6)


@pytest.mark.parametrize("dilation", [(1, 1), (2, 3)])
def test_a_polynomials_correlation_needs_no_light(dilation: tuple[int, int]) -> None:
    """Frames of zeros: what is put back is the polynomials' convolution alone."""
    rng = np.random.default_rng(3)
    inputs, outputs, size = 20, 3, (14, 12)
    weight = rng.standard_normal((1, outputs, inputs, 3, 2)).astype(np.float32)
    plan = ConvolutionPlan.for_shapes(
        (1, inputs, *size), (outputs, inputs, 3, 2), grid=GRID, dilation=dilation
    )
    (part,) = plan.parts
    coefficients = rng.standard_normal((1, 6, inputs)).astype(np.float32) * 0.1
    frames = np.zeros((2, GRID, GRID), np.complex64)
    y = np.empty((1, outputs, *plan.output), np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    given = moments(weight, dilation)
    put(plan, part, (0, 1), frames, np.ones(outputs, np.float32), coefficients, given, bias, y, 2)

    pictures = (centred(size) @ coefficients[0]).T.reshape(inputs, *size)
    wanted = np.zeros((outputs, *plan.output))
    for k in range(3):
        for m in range(2):
            r, c = k * dilation[0], m * dilation[1]
            seen = pictures[:, r : r + plan.output[0], c : c + plan.output[1]]
            wanted += np.einsum("oi,ihw->ohw", weight[0, :, :, k, m].astype(float), seen)
    # Six coefficients and moments, each rounded to 2^-24, of terms up to some hundred.
    assert y[0] == pytest.approx(wanted + bias[:, None, None], abs=1e-4)


def test_strides_that_were_not_spared_choose_pixels() -> None:
    rng = np.random.default_rng(4)
    plan = ConvolutionPlan.for_shapes((2, 9, 12, 9), (1, 9, 3, 3), grid=GRID, stride=(3, 2))
    assert plan.sampling.stride == (3, 2)  # one tile as it is: phases would only add planes
    (part,) = plan.parts
    frames = np.empty((1, GRID, GRID), np.complex64)
    y = np.empty((2, 1, *plan.output), np.float32)
    frames.real, frames.imag = rng.standard_normal((2, 1, GRID, GRID))
    nothing = np.zeros((len(part.layout.segments), 6, 9), np.float32)
    scale = np.array([2.0, 3.0], np.float32)[: plan.tiles]
    put(
        plan, part, (0, plan.tiles), frames, scale, nothing, np.zeros((1, 6, 9), np.float32), None,
        y, 1,
    )  # fmt: skip
    for tile, row, column, image, top, left, height, width in part.layout.segments:
        seen = (frames.imag if tile % 2 else frames.real)[tile // 2] * scale[tile]
        dense = np.zeros(plan.dense)
        dense[top : top + height, left : left + width] = seen[
            row : row + height, column : column + width
        ]
        assert y[image, 0] == pytest.approx(dense[::3, ::2], rel=1e-6)


@pytest.mark.parametrize("mode", list(NUMPY_MODE))
@pytest.mark.parametrize(
    ("size", "kernel", "dilation", "halo"),
    [
        ((GRID, GRID), (3, 3), (1, 1), (0, 0)),  # a tile whose ends meet
        ((33, 17), (5, 4), (1, 1), (0, 0)),  # segments beside one another
        ((18, 33), (3, 3), (2, 1), (0, 2)),  # light carries the columns' halos
        ((5, 6), (7, 5), (1, 1), (0, 0)),  # a seam wider than the picture
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_seams_are_closed_for_every_padding(
    mode: str,
    size: tuple[int, int],
    kernel: tuple[int, int],
    dilation: tuple[int, int],
    halo: tuple[int, int],
    threads: int,
) -> None:
    """Circular convolutions of tiles by FFT, put, closed: torch's convolution."""
    rng = np.random.default_rng(8)
    x = rng.random((3, 4, *size), dtype=np.float32)
    w = rng.standard_normal((6, 2, *kernel)).astype(np.float32)
    pads = [(d * (k - 1)) // 2 for k, d in zip(kernel, dilation, strict=True)]
    plan = seamed(
        ConvolutionPlan.for_shapes(
            x.shape, w.shape, grid=GRID, padding=(pads[0], pads[1]), padding_mode=mode, groups=2,
            dilation=dilation, pack=False,
        ),
        halo,
    )  # fmt: skip
    (part,) = plan.parts
    tiles = (0, part.layout.tiles)
    frames = frames_for(plan, tiles[1] * 4)
    scale, aside = cut(plan, part, tiles, x, frames, threads)
    taps = np.zeros((2, 3, 2, GRID, GRID))
    rows, columns = (slice(0, e, d) for e, d in zip(part.extent, dilation, strict=True))
    taps[..., rows, columns] = w.reshape(2, 3, 2, *kernel)
    sent = (frames.real * scale[:, None, None]).reshape(-1, 2, 2, GRID, GRID)
    spectra = np.einsum("tgiyx,goiyx->tgoyx", np.fft.fft2(sent), np.fft.fft2(taps).conj())
    seen = np.fft.ifft2(spectra).reshape(-1, GRID, GRID).astype(np.complex64)
    y = np.empty((3, 6, *plan.output), np.float32)
    grouped = w.reshape(2, 3, 2, *kernel)
    ones = np.ones(len(seen), np.float32)
    taken, given = aside.polynomials, moments(grouped, dilation)
    put(plan, part, tiles, seen, ones, taken, given, None, y, threads)
    close_seams(plan, part, tiles, aside, grouped, y, threads)

    padded = np.pad(x, ((0, 0), (0, 0), (pads[0],) * 2, (pads[1],) * 2), mode=NUMPY_MODE[mode])  # type: ignore[call-overload]
    exact = torch.nn.functional.conv2d(
        *(torch.from_numpy(a.astype(float)) for a in (padded, w)), dilation=dilation, groups=2
    )
    # Sums of up to 70 products of order 1 in float32, and polynomials carried beyond their segment.
    assert y == pytest.approx(exact.numpy(), abs=1e-4)


def seamed(plan: ConvolutionPlan, halo: tuple[int, int]) -> ConvolutionPlan:
    """The plan with so much of the halos carried by light, whatever it would choose itself."""
    (part,) = plan.parts
    layout = lay_out(plan.grid, plan.batch, plan.dense, halo)
    return replace(plan, parts=(replace(part, halo=halo, layout=layout),))


@pytest.mark.parametrize("mode", list(NUMPY_MODE))
@pytest.mark.parametrize("stride", [1, 2])
def test_folding_is_the_adjoint_of_cutting(mode: str, stride: int) -> None:
    """<cut(x), z> = <x, fold(z)> for every x and z; cutting without polynomials is linear."""
    rng = np.random.default_rng(5)
    shape = (2, 3, 40, 27)
    plan = ConvolutionPlan.for_shapes(
        shape, (2, 3, 3, 3), grid=GRID, padding=3, padding_mode=mode, stride=stride, pack=False
    ).with_halos
    (part,) = plan.parts
    tiles, count = (0, plan.tiles), plan.tiles * plan.planes
    x = rng.standard_normal(shape).astype(np.float32)
    z = frames_for(plan, count)
    z.real, z.imag = rng.standard_normal((2, *z.shape))
    dx = np.zeros(shape, np.float32)
    fold(plan, part, tiles, z, np.ones(count, np.float32), dx, 2)

    frames = frames_for(plan, count)
    scale, _ = cut(plan, part, tiles, x, frames, 1)
    kept, taken = frames.real * scale[:, None, None], np.zeros(z.shape, np.float32)
    _, aside = cut(plan, part, tiles, x, frames, 1)
    for index, (tile, row, column, _, _, _, height, width) in enumerate(part.layout.segments):
        size = (int(height) + part.extent[0] - 1, int(width) + part.extent[1] - 1)
        values = (centred(size) @ aside.polynomials[index]).T.reshape(-1, *size)
        room = taken.reshape(plan.tiles, -1, GRID, GRID)[tile]
        room[:, row : row + size[0], column : column + size[1]] += values
    left = np.sum((kept + taken).astype(float) * z.real)
    # Sums of some 10,000 float32 products of order 1.
    assert left == pytest.approx(float(np.sum(x.astype(float) * dx)), rel=1e-4, abs=0.1)


def test_cotangents_lie_where_outputs_do_and_keep_their_moments() -> None:
    rng = np.random.default_rng(6)
    plan = ConvolutionPlan.for_shapes((2, 3, 30, 21), (4, 3, 3, 5), grid=GRID, pack=False)
    plan = plan.with_halos
    (part,) = plan.parts
    dy = rng.standard_normal((2, 4, *plan.dense)).astype(np.float32)
    frames = frames_for(plan, plan.tiles * 4)
    scale, sums = cut_cotangent(plan, part, (0, plan.tiles), dy, frames, 2)
    seen = (frames.real * scale[:, None, None]).reshape(plan.tiles, 4, GRID, GRID)
    wanted = np.zeros_like(seen)
    for index, (tile, row, column, image, top, left, height, width) in enumerate(
        part.layout.segments
    ):
        segment = dy[image, :, top : top + height, left : left + width]
        wanted[tile, :, row : row + height, column : column + width] = segment
        size = (int(height) + part.extent[0] - 1, int(width) + part.extent[1] - 1)
        monomials = centred(size).reshape(*size, 6)[:height, :width]
        exact = np.einsum("ohw,hwk->ko", segment.astype(float), monomials)
        assert sums[index] == pytest.approx(exact, rel=1e-4, abs=1e-3)
    assert seen == pytest.approx(wanted, abs=1e-6)


def test_gradients_need_whole_halos() -> None:
    plan = seamed(ConvolutionPlan.for_shapes((1, 1, 16, 16), (1, 1, 3, 3), grid=GRID), (0, 0))
    (part,) = plan.parts
    frames, image = frames_for(plan, 2), np.zeros((1, 1, 14, 14), np.float32)
    x = np.zeros((1, 1, 16, 16), np.float32)
    with pytest.raises(ValueRangeError, match="light must carry whole halos"):
        cut_cotangent(plan, part, (0, 1), image, frames, 1)
    with pytest.raises(ValueRangeError, match="light must carry whole halos"):
        fold(plan, part, (0, 1), frames, np.ones(2, np.float32), x, 1)


def test_the_c_library_refuses_seams_without_room() -> None:
    plan = seamed(ConvolutionPlan.for_shapes((1, 1, 16, 16), (1, 1, 3, 3), grid=GRID), (0, 0))
    (part,) = plan.parts
    part.first_seam[1] -= 1
    x = np.zeros((1, 1, 16, 16), np.float32)
    with pytest.raises(ValueRangeError, match="the seam of segment 0 takes 128 floats"):
        cut(plan, part, (0, 1), x, frames_for(plan, 1), 1)


def test_moments_are_sums_over_taps() -> None:
    weight = np.random.default_rng(7).standard_normal((2, 3, 4, 3, 2)).astype(np.float32)
    result = moments(weight, (2, 3))
    assert result.shape == (6, 6, 4)
    for index, (i, j) in enumerate(EXPONENTS):
        row, column = np.meshgrid(np.arange(3) * 2.0, np.arange(2) * 3.0, indexing="ij")
        wanted = np.sum(weight * row**i * column**j, axis=(-2, -1)).reshape(6, 4)
        assert result[:, index] == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_the_c_library_refuses_segments_outside_their_tiles() -> None:
    plan = one_tile((20, 20))
    (part,) = plan.parts
    part.layout.segments[0, 1] = 60  # row: 20 more do not fit
    try:
        with pytest.raises(ValueRangeError, match="segment 0 does not lie in its tile"):
            cut(plan, part, (0, 1), np.zeros((1, 1, 20, 20), np.float32), frames_for(plan, 1), 1)
    finally:
        part.layout.segments[0, 1] = 0


@pytest.mark.parametrize("kind", ["odev_cut_job", "odev_put_job", "odev_fold_job"])
def test_jobs_of_another_version_are_refused(kind: str) -> None:
    job = struct(kind)
    job.struct_size -= 1
    function = getattr(lib, kind.removesuffix("_job"))
    with pytest.raises(ValueRangeError, match="struct_size"):
        check(function(job))
