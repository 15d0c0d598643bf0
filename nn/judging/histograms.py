"""Histogram matching: give an enlargement the colour distribution of another picture."""

from __future__ import annotations

import torch
from skimage.exposure import match_histograms

from nn.judging.metrics import as_shown

__all__ = ["matched_to"]


def matched_to(output: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """`output` with each channel's histogram made that of `reference`.

    The low-resolution input as reference is what a user has.  The true picture as reference tells
    the method what it should find: figures of that are a leak, and stand apart.

    Parameters
    ----------
    output : torch.Tensor, shape (3, H, W), floating point
        Clamped to [0, 1] and rounded to 8 bits first.
    reference : torch.Tensor, shape (3, h, w), in [0, 1], of any size

    Returns
    -------
    torch.Tensor, shape (3, H, W), dtype of `output`

    Raises
    ------
    ValueError
        If one of them is not (3, H, W).
    """
    for picture in (output, reference):
        if picture.ndim != 3 or len(picture) != 3:
            raise ValueError(f"pictures must have shape (3, H, W), got {tuple(picture.shape)}")
    matched = match_histograms(
        as_shown(output).numpy(), as_shown(reference).numpy(), channel_axis=0
    )
    return torch.from_numpy(matched).to(output)
