"""The learning rate as a function of how far a run has come: nothing to keep, nothing to resume."""

from __future__ import annotations

import math

from nn.training.config import OptimiserSection

__all__ = ["learning_rate"]


def learning_rate(optimiser: OptimiserSection, progress: float) -> float:
    """Learning rate at `progress`, in epochs from the start (fractions are within an epoch).

    "step": ``rate * step_factor ** floor(progress)``; "cosine": half a cosine from `rate` to
    ``final_fraction * rate`` at the last epoch's end; both times ``progress / warmup_epochs``
    while that is below 1.
    """
    warm = 1.0
    if progress < optimiser.warmup_epochs:
        warm = progress / optimiser.warmup_epochs
    if optimiser.schedule == "step":
        return warm * optimiser.rate * optimiser.step_factor ** math.floor(progress)
    if optimiser.schedule == "constant":
        return warm * optimiser.rate
    floor = optimiser.final_fraction * optimiser.rate
    phase = math.pi * min(progress / optimiser.epochs, 1.0)
    return warm * (floor + (optimiser.rate - floor) * (1.0 + math.cos(phase)) / 2.0)
