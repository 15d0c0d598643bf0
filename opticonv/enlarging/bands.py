"""The enlarged picture as bands of finished rows, one for each row of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from opticonv.enlarging.network import scale_of
from opticonv.enlarging.picture import Codes, Picture, peak
from opticonv.enlarging.transparency import SmoothEnlargement, with_colour_everywhere
from opticonv.enlarging.windowed import enlarge_window, windows_for
from opticonv.enlarging.windows import TILE, Window

__all__ = ["enlarged_bands", "requantised"]


def _planes(codes: Codes) -> torch.Tensor:
    """(H, W, C) codes as (C, H, W) float32 in [0, 1]."""
    values = torch.from_numpy(codes.astype(np.float32)) / peak(codes)
    return values.permute(2, 0, 1).contiguous()


def _codes(planes: torch.Tensor, bits: int) -> Codes:
    """(C, H, W) in [0, 1] as (H, W, C) codes, clamped and rounded."""
    scaled = (planes.clamp(0.0, 1.0) * (2**bits - 1)).round().permute(1, 2, 0).numpy()
    return scaled.astype(np.uint8 if bits == 8 else np.uint16, order="C")


def enlarged_bands(
    model: nn.Module,
    picture: Picture,
    bits: int,
    *,
    tile: int = TILE,
    on_window: Callable[[int], None] | None = None,
) -> Iterator[Codes]:
    """Enlarge a picture and give it from top to bottom.

    Grey goes through the network as three equal channels, and their mean comes out.  Opacity is
    enlarged by bicubic interpolation aligned to the network's sampling.

    Parameters
    ----------
    model : torch.nn.Module
        A network, electronic or optical, with attributes `scale` and `halo`.
    picture : Picture
    bits : 8 or 16
        Of the result.
    tile : int
        Longest side of a window [input pixels].
    on_window : callable, optional
        Called after each window with its number of input pixels.

    Yields
    ------
    array, shape (rows, scale*W, C), uint8 or uint16
        C: 1 or 3 colours, and opacity last if the picture has it.
    """
    colour, alpha = picture.colour, picture.alpha
    if alpha is not None:
        colour = with_colour_everywhere(colour, alpha)
    grey = colour.shape[2] == 1
    planes = _planes(colour).expand(3, -1, -1)
    opacity = None if alpha is None else _planes(alpha[..., None])
    smooth = SmoothEnlargement(scale_of(model))

    def finished(window: Window) -> Codes:
        own = enlarge_window(model, planes, window)
        parts = [own.mean(0, keepdim=True) if grey else own]
        if opacity is not None:
            parts.append(enlarge_window(smooth, opacity, window))
        if on_window is not None:
            on_window(window.pixels)
        return _codes(torch.cat(parts), bits)

    for row in windows_for(model, picture.size, tile):
        yield np.concatenate([finished(window) for window in row], axis=1)


def requantised(bands: Iterator[Codes], bits: int) -> Iterator[Codes]:
    """Codes of 16 bits as those of 8 or 16."""
    for band in bands:
        yield band if bits == 16 else _eight_bits(band)


def _eight_bits(codes: Codes) -> Codes:
    # 65535 / 255 = 257; the sum stays below 2**16 + 128, hence in 32 bits.
    return ((codes.astype(np.uint32) + 128) // 257).astype(np.uint8)
