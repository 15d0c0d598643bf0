"""VGG-16 (Simonyan and Zisserman, arXiv 1409.1556, configuration D)."""

from __future__ import annotations

from torch import nn

__all__ = ["vgg16"]

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""(channels, convolutions) before each pooling."""


def vgg16() -> nn.Module:
    """Thirteen 3×3 convolutions and three linear layers; 138.4 M parameters."""
    layers: list[nn.Module] = []
    inputs = 3
    for channels, length in STAGES:
        for _ in range(length):
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()]
            inputs = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *layers,
        nn.AdaptiveAvgPool2d(7),
        nn.Flatten(),
        nn.Linear(512 * 7 * 7, 4096),
        nn.ReLU(),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Linear(4096, 1000),
    )
