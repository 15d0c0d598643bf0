"""Products that the chip forms: each pair of channels takes a pass of its own through both stages.

The first stage shows what stands for a picture, the second one the kernel's spectrum; sums over
input channels are electronic, behind the camera.  In layout 4f a lens lies between the stages
(`driver.one_pass`); in layout mft the first stage shows a spectrum (`driver.optical_product`).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from driver.kernels import Kernels
from driver.precision import PassOptions

__all__ = ["MultiplyingDevice", "chip_products", "operands", "packed", "unpacked"]

Complex = NDArray[np.complex64]
Float = NDArray[np.float32]


class MultiplyingDevice(Protocol):
    """What products on the chip need of a device."""

    @property
    def n(self) -> int:
        """N, pixels along one side of the grid."""
        ...

    def transform(
        self,
        x: Any,
        *,
        inverse: bool = False,
        operand: Any = None,
        exposure: str = "two_gain",
        residual: bool = False,
    ) -> Any:
        """Orthonormal F(x operand), in layout 4f F(operand F(x)), of frames (..., N, N)."""
        ...


def operands(kernels: Kernels) -> Complex:
    """What the second stage shows: ``conj(F w)``, (groups, out, in, N, N)."""
    grid, (down, right) = kernels.grid, kernels.dilation
    taps = np.zeros((*kernels.weight.shape[:3], grid, grid), np.float32)
    rows, columns = kernels.weight.shape[3:]
    taps[..., : (rows - 1) * down + 1 : down, : (columns - 1) * right + 1 : right] = kernels.weight
    spectra: Complex = np.conj(scipy.fft.fft2(taps))
    return spectra.astype(np.complex64, copy=False)


def chip_products(
    device: MultiplyingDevice,
    sent: Complex,
    shown: Complex,
    sizes: Float,
    options: PassOptions,
    *,
    pack: bool,
    through_spectra: bool,
) -> Complex:
    """Frames times operands through the device, summed over input channels.

    Parameters
    ----------
    device
    sent : (f, groups, in, N, N) complex64
        Frames of the first stage: a tile each, or two with `pack`.
    shown : (groups, out, in, N, N) complex64
        `operands`.
    sizes : (t, groups, in) float32
        What each tile's picture is to be multiplied by.
    options
        How the frames are exposed.
    pack
    through_spectra
        Frames are spectra, which one lens takes back; else pictures, and two lenses turn them about
        pixel (0, 0).

    Returns
    -------
    (t, groups, out, N, N) complex64
        Pictures, real.
    """
    count, (groups, outputs), grid = len(sizes), shown.shape[:2], sent.shape[-1]
    result = np.zeros((count, groups, outputs, grid, grid), np.complex64)
    for group in range(groups):
        for out in range(outputs):
            seen = device.transform(
                sent[:, group],
                operand=np.broadcast_to(shown[group, out], sent[:, group].shape),
                inverse=through_spectra,
                exposure=options.exposure,
                residual=options.residual,
            )
            if not through_spectra:
                seen = np.roll(seen[..., ::-1, ::-1], (1, 1), (-2, -1))  # index -r
            each = unpacked(seen, count) if pack else seen.real
            result[:, group, out].real = np.einsum("tiyx,ti->tyx", each, sizes[:, group])
    return result


def packed(pictures: Float) -> Complex:
    """Two tiles (t, ..., N, N) of one plane in each frame, as real and imaginary part."""
    frames = np.zeros(((len(pictures) + 1) // 2, *pictures.shape[1:]), np.complex64)
    frames.real = pictures[0::2]
    frames.imag[: len(pictures) // 2] = pictures[1::2]
    return frames


def unpacked(frames: Complex, count: int) -> Float:
    """The first `count` pictures of frames."""
    pictures = np.empty((2 * len(frames), *frames.shape[1:]), np.float32)
    pictures[0::2], pictures[1::2] = frames.real, frames.imag
    return pictures[:count]
