"""What enlarging a picture will take, known before it begins."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from torch import nn

from opticonv.enlarging.windowed import windows_for
from opticonv.enlarging.windows import TILE
from opticonv.metering import plan_network

__all__ = ["planned_frames"]


def planned_frames(
    model: nn.Module, size: tuple[int, int], *, grid: int, precision: str, tile: int = TILE
) -> int:
    """Data frames that a picture takes on an N×N device.

    Parameters
    ----------
    model : torch.nn.Module
        The network, electronic, with its attribute `halo`.
    size : (int, int)
        Height and width of the picture [pixels].
    grid : int
        N of the device.
    precision : "fast", "balanced" or "best"
    tile : int
        As for `enlarge`.
    """
    windows = chain.from_iterable(windows_for(model, size, tile))
    number = Counter(window.seen_size for window in windows)
    return sum(
        times * plan.frames
        for seen, times in number.items()
        for plan in plan_network(model, seen, grid=grid, precision=precision).values()
    )
