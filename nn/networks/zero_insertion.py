"""Enlargement by zeros between the pixels ("dilation" upsampling), beside the sub-pixel form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from nn.networks.layer import check_pictures, convolution_layer
from nn.upsample import pad_within

if TYPE_CHECKING:
    from nn.functional import PaddingMode
    from nn.optics import OpticsLike

__all__ = ["ZeroInsertionBlock", "ZeroInsertionModel"]


class ZeroInsertionBlock(nn.Module):
    """`nn.UpsampleBlock` with zero insertion in place of its sub-pixel enlargement.

    ``length - 1`` convolutions (depth → 4·depth, then 4·depth → 4·depth) on the small picture, then
    a zero after every pixel in both directions, a convolution to ``depth`` channels on the large
    one with a kernel of ``2 * kernel_size - 1``, ELU, and the nearest-neighbour residual.  That
    kernel reaches as far as the sub-pixel form's and meets three zeros in every four taps: those
    products are made all the same, in electronics.

    Parameters
    ----------
    depth, length, kernel_size, padding_mode, optical, optics
        As for `nn.UpsampleBlock`; `kernel_size` odd.
    """

    def __init__(
        self,
        depth: int,
        length: int,
        kernel_size: int,
        *,
        padding_mode: PaddingMode = "replicate",
        optical: bool = False,
        optics: OpticsLike = None,
    ) -> None:
        super().__init__()
        if length < 1:
            raise ValueError(f"an upsample block needs at least one convolution, got {length}")
        widths = [depth, *[4 * depth] * (length - 1), depth]
        sizes = [*[kernel_size] * (length - 1), 2 * kernel_size - 1]
        self.conv_layers = nn.ModuleList(
            convolution_layer(
                inputs,
                outputs,
                size,
                padding_mode=padding_mode,
                optical=optical,
                optics=optics,
            )
            for (inputs, outputs), size in zip(pairwise(widths), sizes, strict=True)
        )
        with torch.no_grad():
            for parameter in self.conv_layers[-1].parameters():
                parameter.mul_(0.1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, depth, H, W) to (n, depth, 2H, 2W)."""
        hidden = input
        for convolution in self.conv_layers[:-1]:
            hidden = functional.elu(convolution(hidden))
        enlarged = functional.elu(self.conv_layers[-1](pad_within(hidden, 2)))
        nearest = input.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
        return enlarged + nearest


class ZeroInsertionModel(nn.Module):
    """`nn.SuperResolutionModel` with zero insertion; parameters and attributes are the same."""

    def __init__(
        self,
        optical: bool = False,
        optics: OpticsLike = None,
        *,
        depth: int = 4,
        lengths: Sequence[int] = (4, 2, 1),
        kernel_size: int = 3,
        padding_mode: PaddingMode = "replicate",
    ) -> None:
        super().__init__()
        self.scale = 2 ** len(lengths)
        radius = kernel_size // 2
        # The large kernel reaches kernel_size - 1 pixels of the enlarged picture: as far as a small
        # one of the picture before.
        reach = sum(length * radius / 2**i for i, length in enumerate(lengths))
        self.halo = radius + math.ceil(reach)
        self.c1 = convolution_layer(
            3, depth, kernel_size, padding_mode=padding_mode, optical=optical, optics=optics
        )
        self.c_stem = nn.ModuleList(
            ZeroInsertionBlock(
                depth,
                length,
                kernel_size,
                padding_mode=padding_mode,
                optical=optical,
                optics=optics,
            )
            for length in lengths
        )
        self.cf = convolution_layer(
            depth, 3, 1, padding_mode=padding_mode, optical=optical, optics=optics
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, 3, H, W) in [0, 1] to (n, 3, scale*H, scale*W)."""
        check_pictures(input)
        hidden = functional.elu(self.c1(input))
        for block in self.c_stem:
            hidden = block(hidden)
        output: torch.Tensor = self.cf(hidden)
        return output
