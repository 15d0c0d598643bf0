"""Dots at the sampling points: how much they show.

A network that is trained on a squared error knows one pixel of each block, the sample, and
estimates the others by a mean over all that they might be.  The mean is smooth, the sample is not,
and photographs' autocorrelation has a cusp at zero distance: the estimate falls off from a sample
like |distance|, which the eye sees as a grid of dots.
"""

from __future__ import annotations

import torch
from torch.nn import functional

__all__ = ["dot_index"]


def dot_index(picture: torch.Tensor, scale: int = 8, distance: int = 1) -> float:
    """How much more a picture stands out at the sampling points than elsewhere.

    Parameters
    ----------
    picture : torch.Tensor, shape (C, H, W), floating point
    scale : int
        Samples are at ``scale//2 + scale*i`` of both axes.
    distance : int
        Of the four neighbours that a pixel is compared with [pixels]: 1 measures the tip of a dot,
        more its width.

    Returns
    -------
    float
        Mean absolute Laplacian at the sampling points over that at all other pixels: 1 for a
        photograph, above 1 where samples show.

    Raises
    ------
    ValueError
        If the picture is a plane, which has no detail anywhere.
    """
    d = distance
    around = functional.pad(picture[None], (d, d, d, d), mode="replicate")[0]
    rows = around[:, : -2 * d, d:-d] + around[:, 2 * d :, d:-d]
    columns = around[:, d:-d, : -2 * d] + around[:, d:-d, 2 * d :]
    detail = (rows + columns - 4 * picture).abs().mean(0)
    sampled = torch.zeros_like(detail, dtype=torch.bool)
    sampled[scale // 2 :: scale, scale // 2 :: scale] = True
    elsewhere = detail[~sampled].mean().item()
    if elsewhere == 0.0:
        raise ValueError("a picture without any detail has no dot index")
    return detail[sampled].mean().item() / elsewhere
