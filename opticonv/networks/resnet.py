"""ResNet-18, -34 and -50 (He et al., arXiv 1512.03385), and ResNet-34 with 7×7 kernels.

In ResNet-50 the 3×3 convolution of a bottleneck carries the stride, as is usual by now.
"""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["resnet18", "resnet34", "resnet34_7x7", "resnet50"]

CHANNELS = (64, 128, 256, 512)


class _Block(nn.Module):
    """Convolutions of (outputs, kernel, stride) around which the input is added."""

    def __init__(self, inputs: int, convolutions: list[tuple[int, int, int]]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, stride = inputs, 1
        for outputs, kernel, step in convolutions:
            layers += [
                nn.Conv2d(channels, outputs, kernel, step, kernel // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
            channels, stride = outputs, stride * step
        self.body = nn.Sequential(*layers[:-1])
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(input) + self.shortcut(input))


def _resnet(lengths: tuple[int, ...], *, bottleneck: bool = False, kernel: int = 3) -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = 64
    for stage, (channels, length) in enumerate(zip(CHANNELS, lengths, strict=True)):
        for index in range(length):
            stride = 2 if stage and index == 0 else 1
            if bottleneck:
                convolutions = [
                    (channels, 1, 1), (channels, kernel, stride), (4 * channels, 1, 1)
                ]  # fmt: skip
            else:
                convolutions = [(channels, kernel, stride), (channels, kernel, 1)]
            layers.append(_Block(inputs, convolutions))
            inputs = convolutions[-1][0]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


def resnet18() -> nn.Module:
    """11.7 M parameters."""
    return _resnet((2, 2, 2, 2))


def resnet34() -> nn.Module:
    """21.8 M parameters."""
    return _resnet((3, 4, 6, 3))


def resnet50() -> nn.Module:
    """Bottlenecks; 25.6 M parameters."""
    return _resnet((3, 4, 6, 3), bottleneck=True)


def resnet34_7x7() -> nn.Module:
    """ResNet-34 whose 3×3 kernels are 7×7, at the same sizes."""
    return _resnet((3, 4, 6, 3), kernel=7)
