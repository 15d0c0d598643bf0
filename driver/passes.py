"""The two passes of a convolution through the lens, with what the electronics do around them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from driver.cutting import Aside, cut, cut_cotangent
from driver.plan import ConvolutionPlan, KernelPart
from driver.precision import PassOptions
from driver.scratch import scratch
from driver.spectral import bin_blocks, join, separate

__all__ = ["FourierDevice", "cotangent_spectra", "picture_spectra", "product_frames"]

Complex = NDArray[np.complex64]
Float = NDArray[np.float32]


class FourierDevice(Protocol):
    """What a convolution needs of a device."""

    @property
    def n(self) -> int:
        """N, pixels along one side of the grid."""
        ...

    def transform(
        self,
        x: Any,
        *,
        inverse: bool = False,
        exposure: str = "two_gain",
        residual: bool = False,
    ) -> Any:
        """Orthonormal N×N Fourier transforms of frames (f, N, N)."""
        ...


def picture_spectra(
    device: FourierDevice,
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    x: Float,
    threads: int,
) -> tuple[Float, Aside]:
    """Pass 1 for some tiles: the planes' spectra, and what was left out.

    Returns
    -------
    spectra : (blocks, tiles, groups, in, 2, 16) float32
        Scratch of this thread.
    aside : Aside
    """
    frames = _frames(plan, (tiles[1] - tiles[0]) * plan.planes)
    scale, aside = cut(plan, part, tiles, x, frames, threads)
    spectra = _measured(device, plan, "spectra", frames, scale, threads)
    return _grouped(spectra, plan, tiles), aside


def cotangent_spectra(
    device: FourierDevice,
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    dy: Float,
    threads: int,
) -> tuple[Float, Float]:
    """Pass 1 for an output's cotangent: its spectra, and its segments' moments.

    Returns
    -------
    spectra : (blocks, tiles, groups, out, 2, 16) float32
        Scratch of this thread.
    moments : (segments, 6, Cout) float32
    """
    frames = _frames(plan, (tiles[1] - tiles[0]) * plan.outputs)
    scale, moments = cut_cotangent(plan, part, tiles, dy, frames, threads)
    spectra = _measured(device, plan, "cotangents", frames, scale, threads)
    return _grouped(spectra, plan, tiles), moments


def product_frames(
    device: FourierDevice, plan: ConvolutionPlan, products: Float, threads: int
) -> tuple[Complex, Float]:
    """Pass 2: spectra (blocks, tiles, groups, channels, 2, 16) to pictures in frames.

    Returns
    -------
    frames : (f, N, N) complex64
    scale : (tiles * groups * channels,) float32
        What each picture of them is to be multiplied by.
    """
    flat = products.reshape(len(products), -1, 2, 16)
    frames = _frames(plan, flat.shape[1])
    scale = join(flat, frames, plan.precision.pack, threads)
    return _through(device, frames, plan.precision.products, inverse=True), scale


def _measured(
    device: FourierDevice,
    plan: ConvolutionPlan,
    name: str,
    frames: Complex,
    scale: Float,
    threads: int,
) -> Float:
    seen = _through(device, frames, plan.precision.pictures, inverse=False)
    spectra = scratch(name, (bin_blocks(plan.grid), len(scale), 2, 16), np.float32)
    return separate(seen, scale, plan.precision.pack, spectra, threads)


def _grouped(spectra: Float, plan: ConvolutionPlan, tiles: tuple[int, int]) -> Float:
    return spectra.reshape(len(spectra), tiles[1] - tiles[0], plan.groups, -1, 2, 16)


def _frames(plan: ConvolutionPlan, pictures: int) -> Complex:
    count = (pictures + 1) // 2 if plan.precision.pack else pictures
    return scratch("frames", (count, plan.grid, plan.grid), np.complex64)


def _through(
    device: FourierDevice, frames: Complex, options: PassOptions, *, inverse: bool
) -> Complex:
    result: Complex = device.transform(
        frames, inverse=inverse, exposure=options.exposure, residual=options.residual
    )
    return np.ascontiguousarray(result)
