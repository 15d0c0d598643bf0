"""Colour under transparency, and how opacity is enlarged."""

from __future__ import annotations

import torch
from scipy import ndimage
from torch import nn

from nn import bicubic_upsample
from opticonv.enlarging.picture import Codes

__all__ = ["SmoothEnlargement", "with_colour_everywhere"]


def with_colour_everywhere(colour: Codes, alpha: Codes) -> Codes:
    """Give pixels that nobody sees the colour of the nearest that somebody does.

    A file may hold anything under full transparency, often black; enlarged, it would bleed into
    the edge of what is visible.  Colours stay as they are wherever `alpha` is above 0, so nothing
    is multiplied and divided again.

    Parameters
    ----------
    colour : array, shape (H, W, C)
    alpha : array, shape (H, W)

    Returns
    -------
    array, shape (H, W, C)
        `colour` itself if all or nothing of it is seen.
    """
    unseen = alpha == 0
    if not unseen.any() or unseen.all():
        return colour
    rows, columns = ndimage.distance_transform_edt(
        unseen, return_distances=False, return_indices=True
    )
    return colour[rows, columns]


class SmoothEnlargement(nn.Module):
    """Bicubic interpolation aligned to the network's sampling, in the network's place."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, C, H, W) to (n, C, scale*H, scale*W); see `nn.bicubic_upsample`."""
        return bicubic_upsample(input, self.scale)
