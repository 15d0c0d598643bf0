"""Enlargement by interpolation, on the sampling grid of `nn.sampling`.

Low-resolution pixel ``i`` lies at the high-resolution coordinate ``scale*i + scale//2``; output
pixel ``x`` so reads the input at ``s = (x - scale//2)/scale`` and is ``Σ_i w(s - i) in[i]``, along
rows and columns alike, edge pixels replicated.  Every kernel here is interpolating (``w(0) = 1``,
``w(i) = 0`` at the other whole numbers): the samples themselves come back unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch

__all__ = ["INTERPOLATIONS", "Interpolation", "interpolate"]

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos3"]

KEYS_A = -0.5
"""Slope of the cubic convolution kernel (Keys 1981; the value of Pillow and Matlab)."""


@dataclass(frozen=True)
class _Kernel:
    """Weight as a function of the distance ``s - i`` [low-resolution pixels], zero from `reach`."""

    reach: int
    weight: Callable[[torch.Tensor], torch.Tensor]


def _nearest(distance: torch.Tensor) -> torch.Tensor:
    # Half-open, so that a point between two samples belongs to one of them: the right one.
    return ((distance >= -0.5) & (distance < 0.5)).to(distance)


def _triangle(distance: torch.Tensor) -> torch.Tensor:
    return (1.0 - distance.abs()).clamp_min(0.0)


def _keys(distance: torch.Tensor) -> torch.Tensor:
    t = distance.abs()
    near = (KEYS_A + 2) * t**3 - (KEYS_A + 3) * t**2 + 1
    far = KEYS_A * (t**3 - 5 * t**2 + 8 * t - 4)
    return torch.where(t <= 1, near, torch.where(t < 2, far, 0.0))


def _lanczos3(distance: torch.Tensor) -> torch.Tensor:
    weight = torch.sinc(distance) * torch.sinc(distance / 3)
    return torch.where(distance.abs() < 3, weight, 0.0)


_KERNELS: dict[Interpolation, _Kernel] = {
    "nearest": _Kernel(1, _nearest),
    "bilinear": _Kernel(1, _triangle),
    "bicubic": _Kernel(2, _keys),
    "lanczos3": _Kernel(3, _lanczos3),
}

INTERPOLATIONS: tuple[Interpolation, ...] = tuple(_KERNELS)
"""Names that `interpolate` takes: nearest pixel, triangle, Keys's cubic with a = -1/2, and the sinc
windowed by its own third (Duchon 1979), its weights divided by their sum as everybody does."""


@lru_cache(maxsize=16)
def _matrix(kind: Interpolation, length: int, scale: int) -> torch.Tensor:
    """Interpolation matrix ``(scale*length, length)``, float64, rows of sum 1."""
    kernel = _KERNELS[kind]
    position = (torch.arange(scale * length, dtype=torch.float64) - scale // 2) / scale
    first = position.floor()
    matrix = torch.zeros(scale * length, length, dtype=torch.float64)
    for tap in range(1 - kernel.reach, kernel.reach + 1):
        weight = kernel.weight(position - (first + tap))
        column = (first.long() + tap).clamp(0, length - 1)
        matrix.scatter_add_(1, column[:, None], weight[:, None])
    return matrix / matrix.sum(dim=1, keepdim=True)


def interpolate(picture: torch.Tensor, kind: Interpolation, scale: int = 8) -> torch.Tensor:
    """Enlarge by interpolation, aligned to `nn.sampling.decimate`.

    ``decimate(interpolate(x, kind)) == x``, up to the rounding of the weights.

    Parameters
    ----------
    picture : torch.Tensor, shape (..., H, W), floating point
    kind : "nearest", "bilinear", "bicubic" or "lanczos3"
    scale : int

    Returns
    -------
    torch.Tensor, shape (..., scale*H, scale*W), dtype of `picture`
        Not clamped: bicubic and Lanczos overshoot at edges.

    Raises
    ------
    ValueError
        If there is no such interpolation.
    """
    if kind not in _KERNELS:
        raise ValueError(f"no interpolation {kind!r}; there are {', '.join(INTERPOLATIONS)}")
    height, width = picture.shape[-2:]
    rows = _matrix(kind, height, scale).to(picture)
    columns = _matrix(kind, width, scale).to(picture)
    return rows @ picture @ columns.T
