"""The low-resolution input and the bicubic baseline, on one and the same sampling grid.

**Convention.**  A picture is reduced by ``scale`` by keeping the pixels ``scale//2 + scale*i``
(4, 12, 20, … for ×8): what Pillow's NEAREST and torch's "nearest-exact" pick.  (torch's "nearest"
would pick 0, 8, 16, ….)  Low-resolution pixel ``i`` so lies at the high-resolution coordinate
``scale*i + scale//2``, half a pixel beyond the centre of its block; an enlargement that believes
in centred pixels is shifted by half a pixel.  `bicubic_upsample` samples at the true place, so
that a network isn't compared with a shifted baseline.
"""

from __future__ import annotations

import torch

from nn.interpolation import interpolate

__all__ = ["bicubic_upsample", "decimate"]


def decimate(picture: torch.Tensor, scale: int = 8) -> torch.Tensor:
    """Nearest-neighbour reduction: pixels ``scale//2 + scale*i`` of both axes.

    Parameters
    ----------
    picture : torch.Tensor, shape (..., H, W)
        H and W multiples of `scale`.
    scale : int

    Returns
    -------
    torch.Tensor, shape (..., H/scale, W/scale)

    Raises
    ------
    ValueError
        If a size is no multiple of `scale`.
    """
    height, width = picture.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"size {height}×{width} is no multiple of {scale}")
    return picture[..., scale // 2 :: scale, scale // 2 :: scale]


def bicubic_upsample(picture: torch.Tensor, scale: int = 8) -> torch.Tensor:
    """Bicubic enlargement aligned to `decimate`: ``decimate(bicubic_upsample(x)) == x``.

    Parameters
    ----------
    picture : torch.Tensor, shape (..., H, W), floating point
    scale : int

    Returns
    -------
    torch.Tensor, shape (..., scale*H, scale*W), dtype of `picture`
        Not clamped: cubic interpolation overshoots at edges.
    """
    return interpolate(picture, "bicubic", scale)
