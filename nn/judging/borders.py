"""What is left out along the edges before measuring, by the names of the field's conventions."""

from __future__ import annotations

from typing import Literal

import torch

__all__ = ["BORDERS", "Border", "border_width", "crop_border"]

Border = Literal["none", "shave-scale", "shave-6+scale"]

BORDERS: dict[Border, str] = {
    "none": "nothing is left out",
    "shave-scale": "scale pixels along each edge are left out",
    "shave-6+scale": "6 + scale pixels along each edge are left out",
}
"""Conventions and what they say.  "shave-scale" is that of most papers on test sets such as Set5,
"shave-6+scale" that of papers that follow EDSR (arXiv 1707.02921) on DIV2K; "none" is ours, since
edges are what a reader sees too."""


def border_width(border: Border, scale: int = 8) -> int:
    """Pixels that a convention leaves out along each edge.

    Raises
    ------
    ValueError
        If there is no such convention.
    """
    widths = {"none": 0, "shave-scale": scale, "shave-6+scale": 6 + scale}
    if border not in widths:
        raise ValueError(f"no border convention {border!r}; there are {', '.join(BORDERS)}")
    return widths[border]


def crop_border(picture: torch.Tensor, border: Border, scale: int = 8) -> torch.Tensor:
    """The part (..., H', W') of a picture (..., H, W) that a convention measures.

    Raises
    ------
    ValueError
        If there is no such convention, or nothing of the picture is left.
    """
    width = border_width(border, scale)
    rows, columns = picture.shape[-2:]
    if min(rows, columns) <= 2 * width:
        raise ValueError(
            f"nothing of a picture of {columns}×{rows} pixels is left inside the border of "
            f"{border} ({width} pixels); choose another border"
        )
    return picture[..., width : rows - width, width : columns - width]
