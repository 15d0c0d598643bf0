"""Softening the dots that a network leaves at the sampling points."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from opticonv.enlarging.network import grain_of, halo_of, scale_of

__all__ = ["SIGMA", "SoftenedSamples"]

SIGMA = 1.0
"""Of the Gaussian [output pixels]: the widest whose loss stays below 0.02 dB."""

RADIUS = 3
"""Where the Gaussian is cut off [output pixels]."""


class SoftenedSamples(nn.Module):
    """A network followed by a Gaussian blur around its sampling points, and only there.

    The blurred picture is mixed in with weight cos²(π r / scale) of the distance r to the sample,
    0 from half a block away on.

    Parameters
    ----------
    network : torch.nn.Module
        With attributes `scale` and `halo`; kept, with its weights.
    """

    bell: torch.Tensor
    share: torch.Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.scale = scale_of(network)
        self.coarsest = grain_of(network)
        # The blur looks into the neighbouring block.
        self.halo = halo_of(network) + self.coarsest
        bell = torch.exp(-((torch.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2) / 2)
        self.register_buffer("bell", bell / bell.sum(), persistent=False)
        offset = torch.arange(self.scale) - self.scale // 2
        away = (offset[:, None] ** 2 + offset**2).sqrt().clamp(max=self.scale / 2)
        share = torch.cos(math.pi * away / self.scale) ** 2
        self.register_buffer("share", share, persistent=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, C, H, W) as the network does, and soften."""
        sharp: torch.Tensor = self.network(input)
        bell, share = (part.to(sharp) for part in (self.bell, self.share))
        channels = sharp.shape[1]
        padded = functional.pad(sharp, (RADIUS,) * 4, mode="replicate")
        rows = bell.view(1, 1, -1, 1).expand(channels, -1, -1, -1)
        soft = functional.conv2d(padded, rows, groups=channels)
        soft = functional.conv2d(soft, rows.transpose(2, 3), groups=channels)
        return sharp.lerp(soft, share.repeat(*input.shape[-2:]))
