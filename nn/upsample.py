"""Rearrangements that turn channels or zeros into resolution, and the initialisation they need."""

from __future__ import annotations

import torch

__all__ = ["channel_upsample2d", "icnr_", "pad_within"]


def channel_upsample2d(input: torch.Tensor) -> torch.Tensor:
    """Sub-pixel upsampling ×2: four channels become one channel of twice the size.

    Channels ``4c+0, 4c+1, 4c+2, 4c+3`` go to the (row, column) offsets ``(0,0), (1,0), (0,1),
    (1,1)`` of output channel ``c``: ``torch.pixel_shuffle(input, 2)`` with sub-channels 1 and 2
    exchanged.

    Parameters
    ----------
    input : torch.Tensor, shape (..., 4*C, H, W), any dtype

    Returns
    -------
    torch.Tensor, shape (..., C, 2*H, 2*W), dtype of `input`

    Raises
    ------
    ValueError
        If `input` has fewer than three dimensions or a channel count that is no multiple of 4.
    """
    if input.ndim < 3 or input.shape[-3] % 4 != 0:
        raise ValueError(
            f"channel_upsample2d needs (..., 4*C, H, W), got shape {tuple(input.shape)}"
        )
    *batch, channels, height, width = input.shape
    grouped = input.reshape(*batch, channels // 4, 2, 2, height, width)
    # Axes from the right: W, H, row offset, column offset, C.
    rows_first = grouped.movedim((-2, -3, -1, -4), (-4, -3, -2, -1))
    return rows_first.reshape(*batch, channels // 4, 2 * height, 2 * width)


def pad_within(input: torch.Tensor, stride: int = 2) -> torch.Tensor:
    """Zero insertion ("dilation" upsampling): every pixel followed by ``stride - 1`` zeros.

    ``output[..., stride*i, stride*j] = input[..., i, j]``; all other pixels are 0.

    Parameters
    ----------
    input : torch.Tensor, shape (..., H, W), any dtype
    stride : int
        Enlargement per axis, at least 1.

    Returns
    -------
    torch.Tensor, shape (..., stride*H, stride*W), dtype of `input`

    Raises
    ------
    ValueError
        If `input` has fewer than two dimensions or `stride` is below 1.
    """
    if input.ndim < 2:
        raise ValueError(f"pad_within needs (..., H, W), got shape {tuple(input.shape)}")
    if stride < 1:
        raise ValueError(f"pad_within needs stride >= 1, got {stride}")
    *batch, height, width = input.shape
    output = input.new_zeros(*batch, stride * height, stride * width)
    output[..., ::stride, ::stride] = input
    return output


@torch.no_grad()
def icnr_(tensor: torch.Tensor) -> torch.Tensor:
    """Make the four entries of each output group equal, in place (ICNR, arXiv 1707.02937).

    With kernels and biases of channels ``4c .. 4c+3`` equal, a convolution followed by
    `channel_upsample2d` starts as a nearest-neighbour enlargement, free of checkerboards.

    Parameters
    ----------
    tensor : torch.Tensor, shape (4*C, ...)
        Weight or bias of the convolution before the upsampling; the first entry of each group is
        kept.

    Returns
    -------
    torch.Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If the first dimension is no multiple of 4.
    """
    if tensor.ndim < 1 or tensor.shape[0] % 4 != 0:
        raise ValueError(f"icnr_ needs shape (4*C, ...), got {tuple(tensor.shape)}")
    return tensor.copy_(tensor[::4].repeat_interleave(4, dim=0))
