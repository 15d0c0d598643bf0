"""A convolution whose products of spectra the chip forms, on a device of layout mft.

Pass 1 measures the pictures' spectra X as always.  In pass 2 the first stage shows X, the second
one the kernel's spectrum, and the lens takes their product back: one frame for each pair of
channels.  Nothing is multiplied electronically but scales.

Each stage now stands alone, with its own extinction for a floor, and three quarters of a picture's
spectrum lie below that: so the products' presets have a residual frame, which takes up what the
first stage could not show (`preset`).  The kernel's spectrum keeps its stage's floor; few of its
bins are that weak.

Gradients likewise: for the input the second stage shows the kernel's spectrum unconjugated, for the
kernels the spectrum of the output's gradient, and of what the lens gives the taps alone are read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver.chip_products import MultiplyingDevice, chip_products
from driver.cutting import Aside
from driver.passes import picture_spectra
from driver.plan import ConvolutionPlan, KernelPart
from driver.spectral import join

__all__ = ["correlate_on_chip", "multiplied_cotangents", "multiplied_tiles"]

Complex = NDArray[np.complex64]
Float = NDArray[np.float32]


def multiplied_tiles(
    device: MultiplyingDevice,
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    x: Float,
    shown: Complex,
    threads: int,
) -> tuple[Complex, Float, Aside]:
    """Some tiles of all output channels; parameters and results of `one_pass.convolved_tiles`."""
    spectra, aside = picture_spectra(device, plan, part, tiles, x, threads)
    return *_multiplied(device, plan, spectra, shown, threads), aside


def multiplied_cotangents(
    device: MultiplyingDevice, plan: ConvolutionPlan, g: Float, shown: Complex, threads: int
) -> tuple[Complex, Float]:
    """The input's gradient in some tiles: each pair's ``g * w``, halos and all.

    Parameters
    ----------
    device, plan
    g : (blocks, tiles, groups, out, 2, 16) float32
        `driver.passes.cotangent_spectra`.
    shown : (groups, in, out, N, N) complex64
        ``F w``.
    threads

    Returns
    -------
    frames : (tiles * planes, N, N) complex64
    scale : (tiles * planes,) float32
        Ones.
    """
    return _multiplied(device, plan, g, shown, threads)


def _multiplied(
    device: MultiplyingDevice, plan: ConvolutionPlan, spectra: Float, shown: Complex, threads: int
) -> tuple[Complex, Float]:
    """Spectra (blocks, tiles, groups, channels, 2, 16) times operands, back through the lens."""
    blocks, count, groups, channels = spectra.shape[:4]
    pack = plan.precision.pack
    planes = groups * channels
    # Two tiles of one plane share a frame, since they share their kernels.
    even = count + count % 2 if pack else count
    by_plane = np.zeros((blocks, planes, even, 2, 16), np.float32)
    by_plane[:, :, :count] = np.moveaxis(spectra.reshape(blocks, count, planes, 2, 16), 1, 2)
    flat = by_plane.reshape(blocks, -1, 2, 16)
    frames = np.empty((flat.shape[1] // (2 if pack else 1), plan.grid, plan.grid), np.complex64)
    scale = join(flat, frames, pack, threads).reshape(planes, even)
    sizes = np.ascontiguousarray(scale[:, :count].T).reshape(count, groups, -1)
    by_tile = np.moveaxis(frames.reshape(planes, -1, plan.grid, plan.grid), 0, 1)
    sent = np.ascontiguousarray(by_tile).reshape(by_tile.shape[0], groups, -1, *frames.shape[1:])
    options = plan.precision.products
    products = chip_products(device, sent, shown, sizes, options, pack=pack, through_spectra=True)
    result = products.reshape(-1, plan.grid, plan.grid)
    return result, np.ones(len(result), np.float32)


def correlate_on_chip(
    device: MultiplyingDevice,
    plan: ConvolutionPlan,
    spectra: Float,
    g: Float,
    gradient: Float,
    threads: int,
) -> None:
    """Add to a kernel's gradient the correlation of pictures and cotangents at its taps.

    The first stage shows X of one or, packed, two planes of a tile, the second one conj G of one
    output channel; the lens gives their correlation.

    Parameters
    ----------
    device, plan
    spectra : (blocks, tiles, groups, in, 2, 16) float32
    g : (blocks, tiles, groups, out, 2, 16) float32
    gradient : (groups, out, in, kh, kw) float32
        Is added to.
    threads
    """
    blocks, count, groups, planes = spectra.shape[:4]
    grid, pack, outputs = plan.grid, plan.precision.pack, g.shape[3]
    even = planes + planes % 2 if pack else planes
    room = np.zeros((blocks, count, groups, even, 2, 16), np.float32)
    room[:, :, :, :planes] = spectra
    pictures = count * groups * even
    frames = np.empty((pictures // (2 if pack else 1), grid, grid), np.complex64)
    scale = join(room.reshape(blocks, -1, 2, 16), frames, pack, threads)
    scale = scale.reshape(count, groups, even)[..., :planes]
    sent = frames.reshape(count, groups, -1, grid, grid)
    shown = np.empty((count * groups * outputs, grid, grid), np.complex64)
    sizes = join(g.reshape(blocks, -1, 2, 16), shown, False, threads)
    sizes = sizes.reshape(count, groups, outputs)
    shown = np.conj(shown, out=shown).reshape(count, groups, outputs, grid, grid)
    rows, columns = (
        np.arange(taps) * step
        for taps, step in zip(gradient.shape[-2:], plan.sampling.dilation, strict=True)
    )
    for out in range(outputs):
        seen = device.transform(
            sent,
            operand=np.broadcast_to(shown[:, :, out, None], sent.shape),
            inverse=True,
            exposure=plan.precision.products.exposure,
            residual=plan.precision.products.residual,
        )[..., rows[:, None], columns]
        both = np.stack([seen.real, seen.imag], 3) if pack else seen.real[:, :, :, None]
        each = both.reshape(count, groups, even, len(rows), len(columns))[:, :, :planes]
        # Both spectra are orthonormal, and so is the lens: N is left over.
        whole = np.float32(grid) * scale * sizes[:, :, out, None]
        gradient[:, out] += np.einsum("tgikl,tgi->gikl", each, whole)
