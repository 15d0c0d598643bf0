"""A U-Net form: convolution and pooling on the way down, upsample blocks on the way up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from nn.networks.layer import check_pictures, convolution_layer
from nn.super_resolution import UpsampleBlock

if TYPE_CHECKING:
    from nn.functional import PaddingMode
    from nn.optics import OpticsLike

__all__ = ["UNetModel"]


class UNetModel(nn.Module):
    """Enlarge RGB pictures: down by `levels` poolings, up again, and on to ``2 ** len(lengths)``.

    On the way down a convolution with ELU and a 2×2 mean; on the way up an `UpsampleBlock` of
    length 1, to which the picture of the same size on the way down is added (the form of arXiv
    1505.04597 with sums in place of concatenations); then an `UpsampleBlock` for each of `lengths`.
    All have `depth` channels.  A picture whose size is no multiple of ``2 ** levels`` is continued
    by its last rows and columns, and the output cropped.

    Parameters
    ----------
    optical, optics, padding_mode
        As for `nn.SuperResolutionModel`.
    depth : int
        Channels, at least 3.
    levels : int
        Poolings.
    lengths : sequence of int
        Convolutions of each enlarging block.
    kernel_size : int
        Odd.
    """

    def __init__(
        self,
        optical: bool = False,
        optics: OpticsLike = None,
        *,
        depth: int = 8,
        levels: int = 2,
        lengths: Sequence[int] = (2, 1, 1),
        kernel_size: int = 3,
        padding_mode: PaddingMode = "replicate",
    ) -> None:
        super().__init__()
        if depth < 3:
            raise ValueError(f"red, green and blue pass through: depth must be >= 3, got {depth}")
        radius = kernel_size // 2
        self.scale = 2 ** len(lengths)
        self.coarsest = 2**levels
        # Each level's convolution down and block up reach `radius` of its pixels; rounded up to a
        # multiple of the coarsest pixel, so that tiles that are cut there pool alike.
        reach = radius * (1 + sum(2**i + 2 ** (i + 1) for i in range(levels)))
        reach += math.ceil(sum(n * radius / 2**i for i, n in enumerate(lengths)))
        self.halo = self.coarsest * math.ceil((reach + self.coarsest - 1) / self.coarsest)

        def layer(inputs: int, outputs: int, size: int) -> nn.Conv2d:
            return convolution_layer(
                inputs, outputs, size, padding_mode=padding_mode, optical=optical, optics=optics
            )

        def block(length: int) -> UpsampleBlock:
            made = UpsampleBlock(depth, length, kernel_size, radius, optical, padding_mode, optics)
            made.scale_start(0.1)
            return made

        self.c1 = layer(3, depth, kernel_size)
        self.down = nn.ModuleList(layer(depth, depth, kernel_size) for _ in range(levels))
        self.up = nn.ModuleList(block(1) for _ in range(levels))
        self.c_stem = nn.ModuleList(block(length) for length in lengths)
        self.cf = layer(depth, 3, 1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, 3, H, W) in [0, 1] to (n, 3, scale*H, scale*W)."""
        check_pictures(input)
        height, width = input.shape[-2:]
        missing = (0, -width % self.coarsest, 0, -height % self.coarsest)
        if any(missing):
            input = functional.pad(input, missing, mode="replicate")
        hidden = functional.elu(self.c1(input))
        kept = []
        for convolution in self.down:
            kept.append(hidden)
            hidden = functional.avg_pool2d(functional.elu(convolution(hidden)), 2)
        for block, skipped in zip(self.up, reversed(kept), strict=True):
            hidden = block(hidden) + skipped
        for block in self.c_stem:
            hidden = block(hidden)
        output: torch.Tensor = self.cf(hidden)
        return output[..., : self.scale * height, : self.scale * width]
