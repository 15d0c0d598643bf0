"""One enlargement at the end: every convolution works on the small picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from nn.networks.layer import check_pictures, convolution_layer

if TYPE_CHECKING:
    from nn.functional import PaddingMode
    from nn.optics import OpticsLike

__all__ = ["SingleUpsampleModel"]


class SingleUpsampleModel(nn.Module):
    """`length` convolutions with ELU, one to 3·64 channels, and a sub-pixel enlargement ×8.

    The input is added to the 64 sub-pixels of its colour, so that training starts near a
    nearest-neighbour enlargement.  The form is ESPCN's (arXiv 1609.05158).

    Parameters
    ----------
    optical, optics, padding_mode
        As for `nn.SuperResolutionModel`.
    depth : int
        Channels between the convolutions.
    length : int
        Number of convolutions before the last.
    kernel_size : int
        Odd.
    """

    scale = 8

    def __init__(
        self,
        optical: bool = False,
        optics: OpticsLike = None,
        *,
        depth: int = 32,
        length: int = 4,
        kernel_size: int = 3,
        padding_mode: PaddingMode = "replicate",
    ) -> None:
        super().__init__()
        self.halo = (length + 1) * (kernel_size // 2)
        self.body = nn.ModuleList(
            convolution_layer(
                3 if index == 0 else depth,
                depth,
                kernel_size,
                padding_mode=padding_mode,
                optical=optical,
                optics=optics,
            )
            for index in range(length)
        )
        self.tail = convolution_layer(
            depth,
            3 * self.scale**2,
            kernel_size,
            padding_mode=padding_mode,
            optical=optical,
            optics=optics,
        )
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            assert self.tail.bias is not None
            self.tail.bias.zero_()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, 3, H, W) in [0, 1] to (n, 3, 8*H, 8*W)."""
        check_pictures(input)
        hidden = input
        for convolution in self.body:
            hidden = functional.elu(convolution(hidden))
        nearest = input.repeat_interleave(self.scale**2, dim=1)
        return functional.pixel_shuffle(self.tail(hidden) + nearest, self.scale)
