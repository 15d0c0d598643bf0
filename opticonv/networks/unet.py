"""U-Net (Ronneberger et al., arXiv 1505.04597) with padding, so that sizes are kept."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["UNet", "unet"]


def _pair(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """Two 3×3 convolutions a scale, 2×2 transposed convolutions between scales on the way up.

    Parameters
    ----------
    widths : tuple of int
        Channels at each scale, largest picture first.
    """

    def __init__(self, widths: tuple[int, ...] = (64, 128, 256, 512, 1024)) -> None:
        super().__init__()
        self.down = nn.ModuleList(map(_pair, (3, *widths), widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(deep, shallow, 2, 2)
            for shallow, deep in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.right = nn.ModuleList(_pair(2 * width, width) for width in widths[-2::-1])
        self.out = nn.Conv2d(widths[0], 2, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(n, 3, H, W) to (n, 2, H, W); H and W divisible by 2 for each scale but the first."""
        kept = []
        for index, pair in enumerate(self.down):
            input = pair(self.pool(input) if index else input)
            kept.append(input)
        for up, right, skip in zip(self.up, self.right, kept[-2::-1], strict=True):
            input = right(torch.cat([skip, up(input)], 1))
        output: torch.Tensor = self.out(input)
        return output


def unet() -> nn.Module:
    """Five scales, 64 to 1,024 channels; 31.0 M parameters."""
    return UNet()
