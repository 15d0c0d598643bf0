"""A convolution in one pass, on a device of layout 4f.

The first chip shows tiles, the second one a kernel's spectrum, and the camera sees them convolved,
upside down, since two forward transforms follow one another:

    y(-r) = F(conj(F w) F x),    sum_k w(k) x(r + k) = y(r).

Each pair of channels takes a pass; sums over input channels are electronic.

A stage by itself cannot go darker than its extinction, and the remainders of pictures are about
zero in most places.  A picture that travels alone therefore gets an imaginary pedestal, a constant
just above that floor: no pixel is asked for less, and what becomes of it, imaginary too, is not
looked at.  Two pictures in a frame leave no part free for one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver.chip_products import MultiplyingDevice, chip_products, packed
from driver.cutting import Aside, cut, cut_cotangent
from driver.plan import ConvolutionPlan, KernelPart
from driver.scratch import scratch

__all__ = ["convolved_tiles", "cotangent_tiles"]

Complex = NDArray[np.complex64]
Float = NDArray[np.float32]

PEDESTAL = 0.08
"""Of a picture's largest magnitude.  25 dB of extinction end at 0.056; between 0.06 and 0.1 the
error of photographs on `lab4f` stays within a tenth (0.05 leaves some pixels dark)."""


def convolved_tiles(
    device: MultiplyingDevice,
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    x: Float,
    shown: Complex,
    threads: int,
) -> tuple[Complex, Float, Aside]:
    """Some tiles of all output channels, and what was left out.

    Parameters
    ----------
    device, plan, part, tiles
    x : (B, Cin, H, W) float32
    shown : (groups, out, in, N, N) complex64
        `driver.chip_products.operands`.
    threads

    Returns
    -------
    frames : (tiles * Cout, N, N) complex64
        Real parts are pictures, in the order in which `driver.cutting.put` takes them.
    scale : (tiles * Cout,) float32
        Ones.
    aside : Aside
    """
    cut_frames = scratch("frames", _shape(plan, tiles, plan.planes), np.complex64)
    size, aside = cut(plan.unpacked, part, tiles, x, cut_frames, threads)
    return *_through_both(device, plan, cut_frames, size, shown), aside


def cotangent_tiles(
    device: MultiplyingDevice,
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    dy: Float,
    shown: Complex,
    threads: int,
) -> tuple[Complex, Float]:
    """Some tiles of the input's gradient: each pair's ``g * w``, halos and all.

    Parameters
    ----------
    device, plan, part, tiles
    dy : (B, Cout, *dense) float32
        The output's gradient.
    shown : (groups, in, out, N, N) complex64
        ``F w``.
    threads

    Returns
    -------
    frames : (tiles * planes, N, N) complex64
    scale : (tiles * planes,) float32
        Ones.
    """
    cut_frames = scratch("frames", _shape(plan, tiles, plan.outputs), np.complex64)
    size, _ = cut_cotangent(plan.unpacked, part, tiles, dy, cut_frames, threads)
    return _through_both(device, plan, cut_frames, size, shown)


def _through_both(
    device: MultiplyingDevice,
    plan: ConvolutionPlan,
    cut_frames: Complex,
    size: Float,
    shown: Complex,
) -> tuple[Complex, Float]:
    """Pictures, a tile after another, through both stages: as `driver.cutting` takes them back."""
    grid, (groups, _, channels) = plan.grid, shown.shape[:3]
    pictures = cut_frames.reshape(-1, groups, channels, grid, grid).real
    pack = plan.precision.pack
    products = chip_products(
        device,
        packed(pictures) if pack else _on_pedestal(pictures),
        shown,
        size.reshape(-1, groups, channels),
        plan.precision.pictures,
        pack=pack,
        through_spectra=False,
    )
    frames = products.reshape(-1, grid, grid)
    return frames, np.ones(len(frames), np.float32)


def _shape(plan: ConvolutionPlan, tiles: tuple[int, int], channels: int) -> tuple[int, int, int]:
    return (tiles[1] - tiles[0]) * channels, plan.grid, plan.grid


def _on_pedestal(pictures: Float) -> Complex:
    frames = pictures.astype(np.complex64)
    largest = np.max(np.abs(pictures), (-2, -1), keepdims=True)
    frames.imag = PEDESTAL * largest
    return frames
