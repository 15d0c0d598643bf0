"""The strong network: a linear filter, and residual blocks for what no linear filter can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from nn.networks.layer import check_pictures, convolution_layer
from nn.sampling import bicubic_upsample

if TYPE_CHECKING:
    from nn.functional import PaddingMode
    from nn.optics import OpticsLike

__all__ = ["ResidualBlock", "ResidualModel"]


class ResidualBlock(nn.Module):
    """Convolution, GELU, convolution, added to the input; no normalisation (arXiv 1707.02921).

    The second convolution starts at a tenth of torch's usual size, so that a deep stack starts near
    the identity.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        *,
        padding_mode: PaddingMode = "replicate",
        optical: bool = False,
        optics: OpticsLike = None,
    ) -> None:
        super().__init__()
        self.first, self.second = (
            convolution_layer(
                channels,
                channels,
                kernel_size,
                padding_mode=padding_mode,
                optical=optical,
                optics=optics,
            )
            for _ in range(2)
        )
        _start_small(self.second)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(n, channels, H, W) to the same shape."""
        output: torch.Tensor = input + self.second(functional.gelu(self.first(input)))
        return output


class ResidualModel(nn.Module):
    """Enlarge RGB pictures ×8: ``linear(x) + tail(body(head(x - 1/2)))``, shuffled to sub-pixels.

    ``linear`` is one filter for each of the 64 sub-pixels, without bias, and starts as the bicubic
    enlargement aligned to the sampling; large kernels cost light nothing more.  Everything works on
    the small picture.

    Parameters
    ----------
    optical, optics, padding_mode
        As for `nn.SuperResolutionModel`.
    channels : int
        Of the residual blocks.
    blocks : int
        Number of `ResidualBlock` s.
    linear_size : int
        Kernel of the linear filter, odd, at least 5 (the bicubic's support is 5 pixels).
    kernel_size : int
        Of all other convolutions, odd.
    """

    scale = 8

    def __init__(
        self,
        optical: bool = False,
        optics: OpticsLike = None,
        *,
        channels: int = 64,
        blocks: int = 8,
        linear_size: int = 7,
        kernel_size: int = 3,
        padding_mode: PaddingMode = "replicate",
    ) -> None:
        super().__init__()
        if linear_size < 5:
            raise ValueError(f"the linear filter needs at least 5×5 taps, got {linear_size}")
        self.halo = max(linear_size // 2, (2 * blocks + 2) * (kernel_size // 2))
        sub_pixels = 3 * self.scale**2

        def layer(inputs: int, outputs: int, size: int, bias: bool = True) -> nn.Conv2d:
            return convolution_layer(
                inputs,
                outputs,
                size,
                bias=bias,
                padding_mode=padding_mode,
                optical=optical,
                optics=optics,
            )

        self.linear = layer(3, sub_pixels, linear_size, bias=False)
        self.head = layer(3, channels, kernel_size)
        self.blocks = nn.ModuleList(
            ResidualBlock(
                channels,
                kernel_size,
                padding_mode=padding_mode,
                optical=optical,
                optics=optics,
            )
            for _ in range(blocks)
        )
        self.tail = layer(channels, sub_pixels, kernel_size)
        _start_small(self.tail)
        self._start_as_bicubic()

    @torch.no_grad()
    def _start_as_bicubic(self) -> None:
        size, scale = self.linear.kernel_size[0], self.scale
        taps = torch.eye(size * size).reshape(size * size, 1, size, size)
        centre = size // 2 * scale
        # What each tap's pixel contributes to the 64 sub-pixels of the pixel in the middle.
        pixel = slice(centre, centre + scale)
        response = bicubic_upsample(taps, scale)[:, 0, pixel, pixel]
        kernels = response.reshape(size, size, scale**2).permute(2, 0, 1)
        self.linear.weight.zero_()
        for colour in range(3):
            self.linear.weight[colour * scale**2 : (colour + 1) * scale**2, colour] = kernels

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, 3, H, W) in [0, 1] to (n, 3, 8*H, 8*W)."""
        check_pictures(input)
        head = self.head(input - 0.5)
        hidden = head
        for block in self.blocks:
            hidden = block(hidden)
        return functional.pixel_shuffle(self.linear(input) + self.tail(head + hidden), self.scale)


@torch.no_grad()
def _start_small(layer: nn.Conv2d) -> None:
    layer.weight.mul_(0.1)
    assert layer.bias is not None
    layer.bias.zero_()
