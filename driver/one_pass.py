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

from typing import Any, Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from driver.cutting import cut
from driver.kernels import Kernels
from driver.plan import ConvolutionPlan, KernelPart
from driver.scratch import scratch

__all__ = ["OnePassDevice", "convolved_tiles", "operands"]

Complex = NDArray[np.complex64]
Float = NDArray[np.float32]

PEDESTAL = 0.08
"""Of a picture's largest magnitude.  25 dB of extinction end at 0.056; between 0.06 and 0.1 the
error of photographs on `lab4f` stays within a tenth (0.05 leaves some pixels dark)."""


class OnePassDevice(Protocol):
    """What a convolution in one pass needs of a device."""

    def transform(self, x: Any, *, operand: Any = None, exposure: str = "two_gain") -> Any:
        """Orthonormal F(operand F(x)) of frames (..., N, N)."""
        ...


def operands(kernels: Kernels) -> Complex:
    """What the second chip shows: ``conj(F w)``, (groups, out, in, N, N)."""
    grid, (down, right) = kernels.grid, kernels.dilation
    taps = np.zeros((*kernels.weight.shape[:3], grid, grid), np.float32)
    rows, columns = kernels.weight.shape[3:]
    taps[..., : (rows - 1) * down + 1 : down, : (columns - 1) * right + 1 : right] = kernels.weight
    spectra: Complex = np.conj(scipy.fft.fft2(taps))
    return spectra.astype(np.complex64, copy=False)


def convolved_tiles(
    device: OnePassDevice,
    plan: ConvolutionPlan,
    part: KernelPart,
    tiles: tuple[int, int],
    x: Float,
    shown: Complex,
    threads: int,
) -> tuple[Complex, Float, Float]:
    """Some tiles of all output channels, and the polynomials that were left out.

    Parameters
    ----------
    device, plan, part, tiles
    x : (B, Cin, H, W) float32
    shown : (groups, out, in, N, N) complex64
        `operands`.
    threads

    Returns
    -------
    frames : (tiles * Cout, N, N) complex64
        Real parts are pictures, in the order in which `driver.cutting.put` takes them.
    scale : (tiles * Cout,) float32
        Ones.
    polynomials : (segments, 6, planes) float32
    """
    count, grid = tiles[1] - tiles[0], plan.grid
    groups, outputs, inputs = shown.shape[:3]
    cut_frames = scratch("frames", (count * plan.planes, grid, grid), np.complex64)
    size, polynomials = cut(plan.unpacked, part, tiles, x, cut_frames, threads)
    pictures = cut_frames.reshape(count, groups, inputs, grid, grid).real
    sizes = size.reshape(count, groups, inputs)
    sent = _packed(pictures) if plan.precision.pack else _on_pedestal(pictures)
    result = np.zeros((count, groups, outputs, grid, grid), np.complex64)
    for group in range(groups):
        for out in range(outputs):
            seen = device.transform(
                sent[:, group],
                operand=np.broadcast_to(shown[group, out], sent[:, group].shape),
                exposure=plan.precision.pictures.exposure,
            )
            # Index -r: the lenses turn the picture about pixel (0, 0).
            upright = np.roll(seen[..., ::-1, ::-1], (1, 1), (-2, -1))
            each = _unpacked(upright, count) if plan.precision.pack else upright.real
            result[:, group, out].real = np.einsum("tiyx,ti->tyx", each, sizes[:, group])
    frames = result.reshape(-1, grid, grid)
    return frames, np.ones(len(frames), np.float32), polynomials


def _packed(pictures: Float) -> Complex:
    """Two tiles of a plane in each frame, as real and imaginary part."""
    frames = np.zeros(((len(pictures) + 1) // 2, *pictures.shape[1:]), np.complex64)
    frames.real = pictures[0::2]
    frames.imag[: len(pictures) // 2] = pictures[1::2]
    return frames


def _unpacked(frames: Complex, count: int) -> Float:
    pictures = np.empty((2 * len(frames), *frames.shape[1:]), np.float32)
    pictures[0::2], pictures[1::2] = frames.real, frames.imag
    return pictures[:count]


def _on_pedestal(pictures: Float) -> Complex:
    frames = pictures.astype(np.complex64)
    largest = np.max(np.abs(pictures), (-2, -1), keepdims=True)
    frames.imag = PEDESTAL * largest
    return frames
