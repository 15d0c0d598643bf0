"""Multiply-accumulates of a planned convolution, counted."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from driver.codec_macs import DRIFT_MACS, PILOT_MACS, decode_macs, encode_macs
from driver.glue_macs import (
    Axis,
    picture_scaling_macs,
    polynomial_macs,
    product_scaling_macs,
    seam_macs,
)
from driver.macs import Macs
from driver.precision import PassOptions
from driver.spectral import FORMED_TAPS, half_width

if TYPE_CHECKING:
    from driver.kernel_parts import KernelPart
    from driver.plan import ConvolutionPlan

__all__ = ["COMPLEX_MACS", "kernel_macs", "macs_of", "macs_per_item"]

#: Real MACs per complex product.
COMPLEX_MACS = 4


def macs_of(plan: ConvolutionPlan) -> Macs:
    """All of them, with their conventions in `Macs`."""
    pairs = plan.inputs * plan.outputs // plan.groups
    pixels, bins = plan.grid**2, plan.grid * half_width(plan.grid)
    return Macs(
        gemm=plan.batch * plan.output[0] * plan.output[1] * pairs * prod(plan.kernel),
        spectral=0 if plan.chip_multiplies else COMPLEX_MACS * bins * plan.tiles * plan.pairs,
        kernels=sum(kernel_macs(plan, part) for part in plan.parts),
        polynomial=sum(
            count * polynomial_macs((h, w), part.halo, plan.pairs, plan.planes, plan.outputs)
            for part in plan.parts
            for h, w, count in part.layout.sizes()
        ),
        scaling=_scaling_macs(plan, pixels, bins),
        seams=sum(_seam_macs(plan, part) for part in plan.parts if part.has_seams),
        codec=pixels * (_codec_macs(plan) + PILOT_MACS * plan.pilots),
    )


def kernel_macs(plan: ConvolutionPlan, part: KernelPart) -> int:
    """Of the spectra of one part of new kernels."""
    taps, bins = part.rows * part.columns, plan.grid * half_width(plan.grid)
    if taps <= FORMED_TAPS:  # each of them at every bin
        return plan.pairs * 2 * bins * taps
    # Rows of the transform take real taps (2 real MACs), columns complex ones.
    return plan.pairs * (2 * plan.grid * taps + COMPLEX_MACS * bins * part.columns)


def _seam_macs(plan: ConvolutionPlan, part: KernelPart) -> int:
    down, right = plan.sampling.dilation
    axes = Axis(part.rows, down, part.halo[0]), Axis(part.columns, right, part.halo[1])
    return sum(
        count * seam_macs((h, w), axes, plan.pairs, plan.planes)
        for h, w, count in part.layout.sizes()
    )


def _scaling_macs(plan: ConvolutionPlan, pixels: int, bins: int) -> int:
    if plan.layout == "4f":
        # Energy and scale into a frame, the scale out of each pair's picture.
        return plan.tiles * pixels * (2 * plan.planes + plan.pairs)
    pictures = plan.planes * picture_scaling_macs(pixels, bins)
    if plan.chip_multiplies:
        # Energy and scale of each spectrum, both complex, into a frame, and as above.
        return plan.tiles * (pictures + plan.planes * 4 * bins + plan.pairs * pixels)
    return plan.tiles * (pictures + plan.outputs * product_scaling_macs(pixels, bins))


def _codec_macs(plan: ConvolutionPlan) -> int:
    """Of all data frames, a pixel."""
    pictures, products = plan.precision.pictures, plan.precision.products
    if plan.layout == "4f":
        return plan.pair_frames * macs_per_item(pictures, operand=True)
    back = (
        plan.pair_frames * macs_per_item(products, operand=True)
        if plan.chip_multiplies
        else plan.frames_of(plan.outputs) * macs_per_item(products)
    )
    return plan.frames_of(plan.planes) * macs_per_item(pictures) + back


def macs_per_item(options: PassOptions, *, operand: bool = False) -> int:
    """Real MACs per pixel of one target's way through a pass, alone or beside an operand."""
    decode = options.frames_per_item * decode_macs(options.exposures_per_frame)
    return encode_macs(options.residual, operand=operand) + decode + DRIFT_MACS
