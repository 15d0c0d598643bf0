"""Pictures to frames and frames to pictures (C: ``host/cut.c``, ``host/put.c``).

A segment is cut from the padded picture and, before the light, freed of a polynomial of degree 2:
the spectrum of a picture is dominated by its slow parts, which would set the exposure and bury all
else in shot noise. Its correlation with the kernel needs no light: it is again such a polynomial,

    sum_kl w[k, l] p(r + k d, c + l d) = sum_mn r^m c^n sum_ij a_ij C(i, m) C(j, n) M[i-m, j-n],

with the kernel's moments ``M[a, b] = sum_kl w[k, l] (k d)^a (l d)^b`` (binomial theorem). Rows and
columns are counted in pixels from the centre of what light carries of the segment's input.

Where light carries no halo, what it reads in its place is told apart when a picture is cut, and
electronics take the kernels' correlation with that seam off the output (C: ``host/seams.c``):

    y = circular(T) - sum_kl w[k, l] (T - (x - p))(r + k d, c + l d) + ...    on the seam alone,

with the tile T as light gets it, the padded picture x and the segment's polynomial p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.library import check, ffi, lib, pointer, struct
from driver.plan import ConvolutionPlan, KernelPart
from driver.scratch import scratch

__all__ = [
    "COEFFICIENTS",
    "EXPONENTS",
    "Aside",
    "close_seams",
    "cut",
    "cut_cotangent",
    "fold",
    "moments",
    "put",
]

Float = NDArray[np.float32]
Complex = NDArray[np.complex64]

#: Monomials r^i c^j of total degree <= 2, in the order of the coefficient vectors.
EXPONENTS = tuple((i, j) for i in range(3) for j in range(3 - i))
COEFFICIENTS = len(EXPONENTS)

_MODES = {
    "zeros": lib.ODEV_PADDING_ZEROS,
    "reflect": lib.ODEV_PADDING_REFLECT,
    "replicate": lib.ODEV_PADDING_REPLICATE,
    "circular": lib.ODEV_PADDING_CIRCULAR,
}


@dataclass(frozen=True)
class Aside:
    """What of some tiles does not go through the light.

    Attributes
    ----------
    polynomials : (segments, 6, planes) float32
        Taken off the segments.
    seams : (floats,) float32, optional
        Scratch of this thread: what light reads beyond segments, less what it should read.
    """

    polynomials: Float
    seams: Float | None


def _floats(array: Float) -> Any:
    return pointer(array, np.float32, "float *")


def _set_tiles(tiles: Any, plan: ConvolutionPlan, part: KernelPart, first: int, last: int) -> None:
    tiles.n = plan.grid
    tiles.first_tile = first
    tiles.tiles = last - first
    tiles.extent_rows, tiles.extent_columns = part.extent
    tiles.halo_rows, tiles.halo_columns = part.halo
    tiles.pack = int(plan.precision.pack)
    tiles.segment = pointer(part.layout.segments, np.uint32, "const odev_segment *")
    tiles.first_segment = pointer(part.layout.first, np.uint32, "const uint32_t *")
    if part.has_seams:
        tiles.first_seam = pointer(part.first_seam, np.uint64, "const uint64_t *")


def _set_pictures(
    pictures: Any, plan: ConvolutionPlan, channels: int, size: tuple[int, int], sources: Any
) -> None:
    pictures.batch, pictures.channels = plan.batch, channels
    pictures.height, pictures.width = size
    pictures.planes = len(sources)
    pictures.plane = pointer(sources, np.uint32, "const odev_plane_source *")


def _set_input(pictures: Any, plan: ConvolutionPlan, part: KernelPart) -> None:
    """The convolution's input as `odev_pictures`: padded, and sampled by phases."""
    _set_pictures(pictures, plan, plan.inputs, plan.size, part.sources)
    pictures.padding_mode = _MODES[plan.padding_mode]
    pictures.pad_top, pictures.pad_left = plan.padding[0], plan.padding[2]
    pictures.padded_height, pictures.padded_width = plan.padded
    pictures.step_rows, pictures.step_columns = plan.sampling.step


def cut(
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    x: Float,
    frames: Complex,
    threads: int,
) -> tuple[Float, Aside]:
    """Cut the input into frames, less a polynomial for each segment.

    Parameters
    ----------
    plan, part
    tiles
        First tile, and the one after the last.
    x : (B, Cin, H, W) float32
    frames : (f, N, N) complex64
        Where they go.
    threads

    Returns
    -------
    scale : (tiles * planes,) float32
        The pictures' RMS, which they are divided by.
    aside : Aside
    """
    job = struct("odev_cut_job", threads=threads)
    _set_input(job.pictures, plan, part)
    seams = None
    if part.has_seams:
        first, last = (int(part.first_seam[part.layout.first[tile]]) for tile in tiles)
        seams = scratch("seams", ((last - first) * plan.planes,), np.float32)
        job.seams = _floats(seams)
    scale, polynomials = _cut(job, plan, part, tiles, x, frames)
    return scale, Aside(polynomials, seams)


def cut_cotangent(
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    dy: Float,
    frames: Complex,
    threads: int,
) -> tuple[Float, Float]:
    """Cut an output's cotangent (B, Cout, *dense) where the outputs lie, with zeros around.

    Returns
    -------
    scale : (tiles * Cout,) float32
    moments : (segments, 6, Cout) float32
        Sums of ``dy r^i c^j``, from the centre of the segment's *input*.
    """
    job = struct("odev_cut_job", threads=threads, cotangent=1)
    sources = plan.output_sources
    _set_pictures(job.pictures, plan, plan.outputs, plan.dense, sources)
    job.pictures.padded_height, job.pictures.padded_width = plan.dense
    job.pictures.step_rows = job.pictures.step_columns = 1
    return _cut(job, plan, part, tiles, dy, frames)


def _cut(
    job: Any,
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    x: Float,
    frames: Complex,
) -> tuple[Float, Float]:
    _set_tiles(job.tiles, plan, part, *tiles)
    planes = int(job.pictures.planes)
    first, last = part.layout.first[tiles[0]], part.layout.first[tiles[1]]
    scale = np.empty((tiles[1] - tiles[0]) * planes, np.float32)
    polynomials = np.empty((int(last - first), COEFFICIENTS, planes), np.float32)
    job.x = _floats(x)
    job.frames = pointer(frames, np.complex64, "float *")
    job.scale, job.polynomials = _floats(scale), _floats(polynomials)
    check(lib.odev_cut(job))
    return scale, polynomials


def put(
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    frames: Complex,
    scale: Float,
    polynomials: Float,
    moments: Float,
    bias: Float | None,
    y: Float,
    threads: int,
) -> None:
    """Put segments in their places, with what their polynomials and the bias add.

    The first part of a kernel overwrites y, the others add to it.

    Parameters
    ----------
    plan, part, tiles
    frames : (f, N, N) complex64
    scale : (tiles * Cout,) float32
    polynomials : (segments, 6, planes) float32
    moments : (Cout, 6, planes/groups) float32
    bias : (Cout,) float32, optional
    y : (B, Cout, Ho, Wo) float32
    threads
    """
    job = struct(
        "odev_put_job",
        threads=threads,
        add=int(part is not plan.parts[0]),
        batch=plan.batch,
        outputs=plan.outputs,
        height=plan.output[0],
        width=plan.output[1],
        stride_rows=plan.sampling.stride[0],
        stride_columns=plan.sampling.stride[1],
        groups=plan.groups,
        inputs=plan.planes // plan.groups,
        frames=pointer(frames, np.complex64, "float *"),
        scale=_floats(scale),
        polynomials=_floats(polynomials),
        moments=_floats(moments),
        bias=ffi.NULL if bias is None else _floats(bias),
        y=_floats(y),
    )
    _set_tiles(job.tiles, plan, part, *tiles)
    check(lib.odev_put(job))


def close_seams(
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    aside: Aside,
    weight: Float,
    y: Float,
    threads: int,
) -> None:
    """Correct, where light carries no halos, what was put into y (B, Cout, Ho, Wo).

    ``weight`` (groups, out, in, kh, kw): the part's taps.
    """
    if aside.seams is None:
        return
    job = struct(
        "odev_seam_job",
        threads=threads,
        batch=plan.batch,
        height=plan.output[0],
        width=plan.output[1],
        groups=plan.groups,
        outputs=plan.outputs // plan.groups,
        inputs=plan.planes // plan.groups,
        taps_rows=part.rows,
        taps_columns=part.columns,
        dilation_rows=plan.sampling.dilation[0],
        dilation_columns=plan.sampling.dilation[1],
        weight=_floats(weight),
        seams=_floats(aside.seams),
        y=_floats(y),
    )
    _set_tiles(job.tiles, plan, part, *tiles)
    check(lib.odev_close_seams(job))


def fold(
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    frames: Complex,
    scale: Float,
    dx: Float,
    threads: int,
) -> None:
    """Add the input's cotangents to dx (B, Cin, H, W), through padding and sampling."""
    job = struct(
        "odev_fold_job",
        threads=threads,
        frames=pointer(frames, np.complex64, "float *"),
        scale=_floats(scale),
        x=_floats(dx),
    )
    _set_tiles(job.tiles, plan, part, *tiles)
    _set_input(job.pictures, plan, part)
    check(lib.odev_fold(job))


def moments(weight: Float, dilation: tuple[int, int]) -> Float:
    """Moments ``M[i, j]`` of kernels (groups, out, in, kh, kw): (groups * out, 6, in) float32."""
    rows, columns = (
        (np.arange(taps) * float(step))[:, None] ** np.arange(3)
        for taps, step in zip(weight.shape[-2:], dilation, strict=True)
    )
    table = rows.T @ weight.astype(np.float64) @ columns
    listed = np.stack([table[..., i, j] for i, j in EXPONENTS], axis=-2)
    return np.ascontiguousarray(listed.reshape(-1, *listed.shape[2:]), dtype=np.float32)
