"""A running mean of the weights: what a noisy descent circles around."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

__all__ = ["averaged", "decay_after"]


def decay_after(updates: int, decay: float) -> float:
    """Decay of the update after that many: ``min(decay, (1 + n)/(10 + n))``.

    The start is forgotten fast; the mean reaches over ``1/(1 - decay)`` steps once it has them.
    """
    return min(decay, (1 + updates) / (10 + updates))


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of `network` for the exponential mean of its weights, on the same device.

    ``update_parameters(network)`` after every step makes ``mean = d * mean + (1 - d) * weight``,
    with ``d`` of `decay_after`; the first one copies the weights.
    """

    def update(mean: Any, weights: Any, updates: torch.Tensor | int) -> None:
        get_ema_multi_avg_fn(decay_after(int(updates), decay))(mean, weights, updates)

    mean = AveragedModel(network, multi_avg_fn=update)
    mean.requires_grad_(False)
    return mean
