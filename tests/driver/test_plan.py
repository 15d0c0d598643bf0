"""The plan's counts, against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from driver.codec_macs import encode_macs
from driver.info import Timing
from driver.kernel_parts import kernel_parts
from driver.plan import ConvolutionPlan
from driver.precision import PRECISIONS, PassOptions, Precision
from driver.tracking import PILOT_PERIOD

TIMING = Timing(
    write_us=20,
    settle_us=800,
    tau_us=100,
    exposure_us=100,
    exposure_range_us=(1, 10000),
    readout_us=650,
)
LAYER = ((4, 16, 64, 64), (16, 16, 3, 3))


@pytest.mark.parametrize(
    ("batch", "size", "tiles", "with_halos"),
    [
        # A 3×3 kernel leaves 62 of a tile's 64 pixels, and padding 1 asks for as many as came in.
        (1, 62, 1, 1),
        # One whole tile, and its rims of 2 pixels together in another; 4 if not shared.
        (1, 64, 1, 2),
        # Four whole tiles, and all rims in a fifth; 16 if not shared.
        (4, 64, 4, 5),
        (4, 30, 1, 1),  # four pictures of 32×32 with their halos
        (8, 30, 2, 2),
        (4, 32, 1, 4),  # of 34×34 only one fits
    ],
)
def test_pictures_and_rims_share_tiles(batch: int, size: int, tiles: int, with_halos: int) -> None:
    plan = ConvolutionPlan.for_shapes((batch, 2, size, size), (2, 2, 3, 3), grid=64, padding=1)
    assert plan.tiles == tiles
    assert plan.with_halos.tiles == with_halos


def test_halos_are_left_out_only_where_electronics_have_less_to_do() -> None:
    """11×11 kernels: 4 tiles or 8; the seams grow with channels squared, frames with channels."""
    for channels, seams in ((16, True), (64, False)):
        shapes = ((4, channels, 64, 64), (channels, channels, 11, 11))
        plan = ConvolutionPlan.for_shapes(*shapes, grid=64, padding=5)
        assert plan.parts[0].has_seams == seams
        halos = plan.with_halos
        assert halos.tiles == 8
        assert plan.tiles == (4 if seams else 8)
        assert plan.macs.electronic <= halos.macs.electronic
    own = replace(PRECISIONS["balanced"], seams=False)
    shapes = ((4, 16, 64, 64), (16, 16, 11, 11))
    assert ConvolutionPlan.for_shapes(*shapes, grid=64, padding=5, precision=own).tiles == 8


def test_light_keeps_most_of_the_products() -> None:
    """On 11×11 tiles 7×7 kernels' seams would be too much, though electronics had less to do."""
    plan = ConvolutionPlan.for_shapes((1, 2, 44, 44), (2, 2, 7, 7), grid=11, padding=3)
    without = _with_seams(plan)
    assert without.frames < plan.frames
    assert without.macs.electronic < plan.macs.electronic
    assert without.macs.seams > without.macs.gemm / 8
    assert not plan.parts[0].has_seams


def _with_seams(plan: ConvolutionPlan) -> ConvolutionPlan:
    parts = kernel_parts(
        plan.grid, plan.batch, plan.inputs, plan.groups, plan.sampling, plan.dense, plan.padded,
        (False, False),
    )  # fmt: skip
    return replace(plan, parts=parts)


def test_seam_macs_are_the_products_beyond_a_tiles_rim() -> None:
    plan = ConvolutionPlan.for_shapes((1, 2, 64, 64), (2, 2, 3, 3), grid=64, padding=1)
    # A kernel's three taps of a row for each of 64 outputs at four rims, for each pair of channels;
    # for each seam's pixels a polynomial: two rows of 66 and two columns of 64, two a pixel and
    # three a row.
    assert plan.macs.seams == 4 * 4 * 3 * 64 + 2 * (2 * (2 * 66 + 3) + 2 * (2 * 64 + 3))
    assert plan.with_halos.macs.seams == 0


def test_counts_of_the_default_layer() -> None:
    plan = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1)
    assert plan.output == (64, 64)
    # 4 tiles × 16 channels, two to a frame, into and out of the products.
    assert plan.picture_frames == plan.product_frames == 32
    assert plan.frames == 64
    assert plan.pilots == 3  # of 64 frames, one per 24 begun
    # two gains × four steps of each frame, and four steps of each pilot
    assert plan.exposures == 64 * 2 * 4 + 3 * 4
    # write + settle + 8 (or 4) × (exposure + read-out), in µs
    assert plan.device_time_s(TIMING) == pytest.approx((64 * 6820 + 3 * 3820) * 1e-6)
    assert plan.energy_j(TIMING, 2.0) == pytest.approx(2 * plan.device_time_s(TIMING))


def test_presets_differ_in_frames_and_exposures() -> None:
    fast, best = (
        ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1, precision=p)
        for p in ("fast", "best")
    )
    assert fast.frames == 64
    assert fast.exposures == (64 + 3) * 4
    assert best.product_frames == 2 * best.picture_frames  # residual frames
    unpacked = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1, pack=False)
    assert unpacked.frames == 128


def test_own_precision() -> None:
    own = Precision("own", PassOptions("single"), PassOptions("averaged"), pack=False)
    plan = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1, precision=own)
    assert plan.frames == 128
    assert plan.exposures == 4 * (64 + 5 * 64 + plan.pilots)


def test_an_odd_picture_takes_a_frame_of_its_own() -> None:
    plan = ConvolutionPlan.for_shapes((1, 3, 60, 60), (1, 3, 3, 3), grid=64)
    assert (plan.picture_frames, plan.product_frames) == (2, 1)


@pytest.mark.parametrize(
    ("shape", "weight", "options"),
    [
        (*LAYER, {"padding": 1}),
        ((2, 6, 30, 33), (9, 2, 3, 5), {"groups": 3, "stride": 2, "dilation": (2, 1)}),
        ((1, 3, 40, 40), (5, 3, 7, 7), {"stride": 3, "padding": 3}),
    ],
)
def test_gemm_macs_are_torchs(
    shape: tuple[int, ...], weight: tuple[int, ...], options: dict[str, int]
) -> None:
    plan = ConvolutionPlan.for_shapes(shape, weight, grid=32, **options)
    counter = FlopCounterMode(display=False)
    with counter:
        torch.nn.functional.conv2d(torch.zeros(shape), torch.zeros(weight), **options)
    assert 2 * plan.macs.gemm == counter.get_total_flops()


def test_spectral_macs_name_their_convention() -> None:
    plan = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1)
    # 4 tiles, 64 × 33 bins, 4 real MAC per complex product, 16 × 16 channel pairs
    assert plan.macs.spectral == 4 * 64 * 33 * 4 * 256
    assert plan.spectral_macs() == plan.macs.spectral + plan.macs.seams
    macs = plan.macs
    between = macs.spectral + macs.polynomial + macs.scaling + macs.seams
    assert macs.electronic == between + macs.codec
    # Nine taps are formed at every bin; of more taps, rows before columns.
    assert macs.kernels == 64 * 33 * 2 * 9 * 256
    larger = ConvolutionPlan.for_shapes(LAYER[0], (16, 16, 5, 5), grid=64, padding=2)
    assert larger.macs.kernels == 256 * (2 * 64 * 25 + 4 * 64 * 33 * 5)


def test_codec_macs_are_those_of_the_kernels() -> None:
    """Added up by hand, for each pixel, from the multiplications in csrc/kernels."""
    # encode_impl.h: load 2, input map 4, its square 2, reach 1 and its square 1;
    target = 10
    # power 3, bounds 2 × 2, stages 2 × 6, their product and the phase left 2 × 4, three heaters'
    # units 2, and what theta b does to the fourth, 1;
    # precompensate_impl.h: moments 2 and 9 / 4 (3) a pixel, warmth 2, off both theta 2;
    # rounds with five means, and with nine others and a ring of six; theta b's part off phi a, 1;
    # codes 3 × 3; predict_impl.h: energy 2, ten complex lags on a quarter of the pixels at most.
    frame = (3 + 4 + 12 + 8 + 6 + 1) + (5 + 2 + 2) + 3 * (5 + 9 + 6) + 1 + 9 + (2 + 10)
    # subtract_realised: power 4 × 5, heat 4 × (9 + 6), turns 4, moments 5, warmth 2 × 2; stages
    # 2 × 2, products 2 × 4, difference 2; then power 2, reach 2.
    realised = 20 + 60 + 4 + (5 + 4) + 4 + 8 + 2 + 4
    # decode_impl.h, each exposure: quarters 2, leak 6, launch gain 4, and merged: noise,
    # weight, two sums.  Each frame: norm of a merged one 2, output map 4, scale 2.  Each item:
    # drift 4.
    single, two_gain, averaged = 12 + 6, 2 * 16 + 8, 5 * 16 + 8
    pilot = 12 + 6  # combined as one exposure; products with the pilot 4, its square 2
    items = 32  # to and from the products, as in test_counts_of_the_default_layer
    wanted = {
        "fast": 2 * items * (target + frame + single + 4),
        "balanced": 2 * items * (target + frame + two_gain + 4),
        "best": items * (2 * target + 3 * frame + realised + 3 * averaged + 2 * 4),
    }
    for precision, per_pixel in wanted.items():
        plan = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1, precision=precision)
        assert plan.macs.codec == 64**2 * (per_pixel + pilot * plan.pilots), precision


def test_what_the_chip_multiplies_no_electronics_do() -> None:
    """A frame for each pair of channels and two tiles, and a residual frame of it."""
    plan = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1, product="optical")
    electronic = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1)
    assert plan.macs.spectral == 0
    assert plan.picture_frames == electronic.picture_frames == 32  # 4 tiles of 16 channels
    assert plan.product_frames == 2 * 2 * 16 * 16  # 4 tiles in 2 frames
    assert plan.unpacked.product_frames == 2 * 4 * 16 * 16
    assert plan.macs.gemm == electronic.macs.gemm
    own = Precision("own", PassOptions("single"), PassOptions("single"))
    plain = ConvolutionPlan.for_shapes(*LAYER, grid=64, padding=1, precision=own, product="optical")
    assert plain.product_frames == 2 * 16 * 16
    # encode_impl.h: operand 9 and what passes 6, power shown 8; the same again less the target, and
    # the first stage's realised field: power 20, heat 60 and turns 2, moments 5, warmth 2, stage 2,
    # product 4, difference 2, square 2, reach 1.
    heat = (3 + 4 + 12 + 8 + 8) + (5 + 2 + 2) + 4 * (5 + 9 + 6) + 12
    alone = (3 + 4 + 12 + 8 + 6 + 1) + (5 + 2 + 2) + 3 * (5 + 9 + 6) + 1 + 9  # phi b held
    first = 10 + heat + (2 + 10) + (9 + 6) + 8
    residual = (4 * 20 + 2 + (5 + 2) + 11) + heat + 8
    decoded = 12 + 6
    pictures = 32 * (10 + alone + 12 + decoded + 4)
    assert encode_macs(True, operand=True) == first + residual
    with_codec = pictures + 2 * 256 * (first + decoded + 4)
    assert plain.macs.codec == 64**2 * (with_codec + (12 + 6) * plain.pilots)


def test_options_of_numpy_and_of_python_are_one() -> None:
    plain = ConvolutionPlan.for_shapes(*LAYER, grid=64, stride=2, padding=(1, 0), groups=1)
    numpy = ConvolutionPlan.for_shapes(
        *LAYER,
        grid=64,
        stride=np.int64(2),  # type: ignore[arg-type]
        padding=(np.int32(1), 0),  # type: ignore[arg-type]
        groups=np.uint8(1),  # type: ignore[arg-type]
    )
    assert numpy == plain


def test_pilots_stay_within_five_percent() -> None:
    assert 1 / PILOT_PERIOD <= 0.05


@pytest.mark.parametrize("grid", [11, 16, 64])
@pytest.mark.parametrize("size", [(7, 9), (64, 64), (130, 70), (23, 200)])
@pytest.mark.parametrize("halos", [True, False])
def test_every_output_pixel_is_computed_once_and_no_segment_overlaps(
    grid: int, size: tuple[int, int], halos: bool
) -> None:
    plan = ConvolutionPlan.for_shapes((3, 1, *size), (1, 1, 3, 5), grid=grid)
    plan = plan.with_halos if halos else plan
    (part,) = plan.parts
    covered = np.zeros((3, *plan.dense), dtype=int)
    used = np.zeros((part.layout.tiles, grid, grid), dtype=int)
    for tile, row, column, image, top, left, height, width in part.layout.segments:
        rows, columns = height + part.halo[0], width + part.halo[1]
        covered[image, top : top + height, left : left + width] += 1
        assert row + rows <= grid
        assert column + columns <= grid
        used[tile, row : row + rows, column : column + columns] += 1
    assert (covered == 1).all()
    assert used.max() == 1
    assert used.any(axis=(1, 2)).all()


def test_memory_of_a_large_picture_is_bounded() -> None:
    plan = ConvolutionPlan.for_shapes((1, 16, 1024, 1024), (16, 16, 3, 3), grid=64, padding=1)
    (part,) = plan.parts
    chunks = plan.chunks(part)
    assert chunks[0][0] == 0
    assert chunks[-1][1] == plan.tiles
    # 32 channels × six float32 planes of 64×64: 3.1 MB a tile, and seams, within a chunk's 24 MiB.
    assert max(last - first for first, last in chunks) * 32 * 6 * 4 * 64**2 <= 24 << 20
