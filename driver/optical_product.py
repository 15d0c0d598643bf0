"""A convolution whose products of spectra the chip forms, on a device of layout mft.

Pass 1 measures the pictures' spectra X as always.  In pass 2 the first stage shows X, the second
one the kernel's spectrum, and the lens takes their product back: one frame for each pair of
channels.  Nothing is multiplied electronically but scales.

Each stage now stands alone, with its own extinction for a floor, and three quarters of a picture's
spectrum lie below that: so the products' presets have a residual frame, which takes up what the
first stage could not show (`preset`).  The kernel's spectrum keeps its stage's floor; few of its
bins are that weak.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driver.chip_products import MultiplyingDevice, chip_products
from driver.cutting import Aside
from driver.passes import picture_spectra
from driver.plan import ConvolutionPlan, KernelPart
from driver.spectral import join

__all__ = ["multiplied_tiles"]

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
    blocks, count = spectra.shape[:2]
    pack = plan.precision.pack
    # Two tiles of one plane share a frame, since they share their kernels.
    even = count + count % 2 if pack else count
    by_plane = np.zeros((blocks, plan.planes, even, 2, 16), np.float32)
    by_plane[:, :, :count] = np.moveaxis(spectra.reshape(blocks, count, -1, 2, 16), 1, 2)
    flat = by_plane.reshape(blocks, -1, 2, 16)
    frames = np.empty((flat.shape[1] // (2 if pack else 1), plan.grid, plan.grid), np.complex64)
    scale = join(flat, frames, pack, threads).reshape(plan.planes, even)
    sizes = np.ascontiguousarray(scale[:, :count].T).reshape(count, plan.groups, -1)
    by_tile = np.moveaxis(frames.reshape(plan.planes, -1, plan.grid, plan.grid), 0, 1)
    sent = np.ascontiguousarray(by_tile).reshape(
        by_tile.shape[0], plan.groups, -1, plan.grid, plan.grid
    )
    options = plan.precision.products
    products = chip_products(device, sent, shown, sizes, options, pack=pack, through_spectra=True)
    result = products.reshape(-1, plan.grid, plan.grid)
    return result, np.ones(len(result), np.float32), aside
