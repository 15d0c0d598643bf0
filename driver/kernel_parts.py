"""A kernel as one or more blocks of taps, each convolved by itself on tiles of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from driver.convolution_shapes import kernel_blocks
from driver.sampling import Sampling
from driver.tiling import Layout, lay_out

__all__ = ["KernelPart", "kernel_parts"]

#: Working memory of one chunk of tiles [bytes]: enough frames to keep threads busy, few enough to
#: stay near the cache (four times as much takes half as long again).
CHUNK_BYTES = 24 << 20


@dataclass(frozen=True)
class KernelPart:
    """A block of a kernel's taps that is convolved by itself; a small kernel is one block.

    ``sources`` (planes, 3) uint32: channel of the input, and first row and column in the padded
    picture, of each plane, group by group, by phase, by channel.
    """

    first_row: int
    rows: int
    first_column: int
    columns: int
    extent: tuple[int, int]
    layout: Layout
    sources: NDArray[np.uint32] = field(compare=False, repr=False)

    def chunks(self, channels: int) -> list[tuple[int, int]]:
        """Runs of tiles ``[first, last)`` that are held in memory together."""
        return _runs(self.layout.tiles, CHUNK_BYTES // channels_bytes(self.layout.grid, channels))


@lru_cache
def _runs(tiles: int, most: int) -> list[tuple[int, int]]:
    """All tiles in runs of at most so many, made even; of two where fewer would fit."""
    step = max(2, most // 2 * 2)
    return [(first, min(first + step, tiles)) for first in range(0, tiles, step)]


def channels_bytes(grid: int, channels: int) -> int:
    """Working memory of one tile of all input and output channels [bytes].

    Six float32 planes each: picture, remainder, packed frame, spectrum of it, half plane, its copy.
    """
    return 24 * grid * grid * channels


def kernel_parts(
    grid: int,
    batch: int,
    inputs: int,
    groups: int,
    sampling: Sampling,
    size: tuple[int, int],
    padded: tuple[int, int],
) -> tuple[KernelPart, ...]:
    """The blocks that a kernel is cut into, each with its tiles.

    ``size``: rows and columns of what is computed; ``padded``: of the padded picture.
    """
    (kernel_rows, kernel_columns), dilation = sampling.kernel, sampling.dilation
    channels = np.arange(inputs).reshape(groups, 1, -1)
    phases = np.array(sampling.phases)
    parts = []
    for first_row, rows in kernel_blocks(kernel_rows, dilation[0], grid):
        for first_column, columns in kernel_blocks(kernel_columns, dilation[1], grid):
            reach = ((rows - 1) * dilation[0] + 1, (columns - 1) * dilation[1] + 1)
            offset = (first_row * dilation[0], first_column * dilation[1])
            # A phase with fewer taps than others has zeros beyond the picture's end.
            starts = np.minimum(phases + np.multiply(offset, sampling.step), np.array(padded) - 1)
            sources = np.empty((groups, len(phases), inputs // groups, 3), np.uint32)
            sources[..., 0] = channels
            sources[..., 1:] = starts[:, None]
            parts.append(
                KernelPart(
                    first_row,
                    rows,
                    first_column,
                    columns,
                    reach,
                    lay_out(grid, batch, size, reach),
                    sources.reshape(-1, 3),
                )
            )
    return tuple(parts)
