"""A perceptual distance: how far two pictures are apart for the first layers of a VGG-16."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from nn.losses import VGGFeatureLoss

__all__ = ["PerceptualDistance"]

LAYERS = ("relu1_2", "relu2_2")
"""Where the features are taken: behind the ReLU of conv1_2 and of conv2_2."""

_EPSILON = 1e-10
"""Keeps the normalisation of an all-zero feature vector finite."""


class PerceptualDistance:
    """Distance of unit-normalised VGG-16 features, LPIPS's form without its learned weights.

    ``d = Σ_l mean_{h,w} |f̂_l(output) - f̂_l(target)|²`` with ``f̂ = f / |f|`` along channels, at
    relu1_2 and relu2_2 (equation 1 of arXiv 1801.03924 with all ``w_l = 1``, and two of its five
    layers).  So it is between 0 and 4 and cannot be compared with published LPIPS figures.

    Parameters
    ----------
    vgg : VGGFeatureLoss
        The frozen network; `PerceptualDistance.from_file` reads one.
    """

    def __init__(self, vgg: VGGFeatureLoss) -> None:
        self._vgg = vgg
        layers = list(vgg.features)
        # conv1_1, ReLU, conv1_2, ReLU | pool, conv2_1, ReLU, conv2_2, ReLU
        self._parts = (nn.Sequential(*layers[:4]), nn.Sequential(*layers[4:]))

    @classmethod
    def from_file(cls, path: Path | str) -> PerceptualDistance:
        """Read VGG-16 weights; files and errors as in `VGGFeatureLoss.from_file`."""
        return cls(VGGFeatureLoss.from_file(path))

    @torch.no_grad()
    def features(self, picture: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Unit feature vectors of a picture (3, H, W) in [0, 1], one tensor (C, h, w) a layer."""
        hidden = (picture[None].float() - self._vgg.mean) / self._vgg.std
        found = []
        for part in self._parts:
            hidden = part(hidden)
            found.append((hidden / (hidden.norm(dim=1, keepdim=True) + _EPSILON))[0])
        return tuple(found)

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> float:
        """Distance of two pictures (3, H, W) in [0, 1].

        Raises
        ------
        ValueError
            If the shapes differ or are not (3, H, W).
        """
        if output.shape != target.shape or output.ndim != 3 or len(output) != 3:
            raise ValueError(
                "two pictures (3, H, W) of one shape are needed, got "
                f"{tuple(output.shape)} and {tuple(target.shape)}"
            )
        return self.between(self.features(output), self.features(target))

    @staticmethod
    def between(found: tuple[torch.Tensor, ...], wanted: tuple[torch.Tensor, ...]) -> float:
        """Distance of two pictures of which `features` are known."""
        return sum(
            (ours - true).square().sum(dim=0).mean().item()
            for ours, true in zip(found, wanted, strict=True)
        )
