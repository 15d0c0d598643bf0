"""Enlargement by zeros between the pixels ("dilation" upsampling), beside the sub-pixel form."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch.nn import functional

from nn.super_resolution import SuperResolutionModel, UpsampleBlock
from nn.upsample import pad_within

__all__ = ["ZeroInsertionBlock", "ZeroInsertionModel"]


class ZeroInsertionBlock(UpsampleBlock):
    """`nn.UpsampleBlock` with zero insertion in place of its sub-pixel enlargement.

    ``length - 1`` convolutions (depth → 4·depth, then 4·depth → 4·depth) on the small picture, then
    a zero after every pixel in both directions, a convolution to ``depth`` channels on the large
    one with a kernel of ``2 * kernel_size - 1``, ELU, and the nearest-neighbour residual.  That
    kernel reaches as far as the sub-pixel form's and meets three zeros in every four taps: those
    products are made all the same, in electronics.  Parameters are those of `nn.UpsampleBlock`.
    """

    @staticmethod
    def layer_shapes(depth: int, length: int, kernel_size: int) -> list[tuple[int, int, int]]:
        """Channels in, channels out and kernel size of each convolution."""
        widths = [depth, *[4 * depth] * (length - 1), depth]
        sizes = [*[kernel_size] * (length - 1), 2 * kernel_size - 1]
        return [(*pair, size) for pair, size in zip(pairwise(widths), sizes, strict=True)]

    def _equalise_groups(self) -> None:
        """Nothing to do: no channels become sub-pixels here."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, depth, H, W) to (n, depth, 2H, 2W)."""
        hidden = input
        for convolution in self.conv_layers[:-1]:
            hidden = functional.elu(convolution(hidden))
        enlarged = functional.elu(self.conv_layers[-1](pad_within(hidden, 2)))
        nearest = input.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
        return enlarged + nearest


class ZeroInsertionModel(SuperResolutionModel):
    """`nn.SuperResolutionModel` with zero insertion; parameters and attributes are the same.

    The large kernel reaches as far as a small one of the picture before, so ``halo`` is the same,
    too.
    """

    block = ZeroInsertionBlock
