"""A kernel as one or more blocks of taps, each convolved by itself on tiles of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

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

    Light carries `halo` rows and columns of a segment's input beyond as many as it has outputs: all
    that these read, or none along an axis whose seams electronics close (`driver.cutting`).

    ``sources`` (planes, 3) uint32: channel of the input, and first row and column in the padded
    picture, of each plane, group by group, by phase, by channel.
    """

    first_row: int
    rows: int
    first_column: int
    columns: int
    extent: tuple[int, int]
    halo: tuple[int, int]
    layout: Layout
    sources: NDArray[np.uint32] = field(compare=False, repr=False)

    @property
    def has_seams(self) -> bool:
        """Whether light carries less than outputs read."""
        return self.halo != (self.extent[0] - 1, self.extent[1] - 1)

    @property
    def lead(self) -> tuple[int, int]:
        """Rows and columns that an output reads before those that light carries."""
        rows, columns = ((e - 1 - h) // 2 for e, h in zip(self.extent, self.halo, strict=True))
        return rows, columns

    @cached_property
    def first_seam(self) -> NDArray[np.uint64]:
        """(segments + 1,): where each segment's seam begins among a plane's, in floats."""
        sizes = self.layout.segments[:, 6:].astype(np.int64)
        floats = np.zeros(len(sizes), np.int64)
        for axis in (0, 1):
            along = 1 - axis
            # Rows are read in whole vectors of 16 outputs (C: odev_seam_pitch).
            length = _whole_vectors(sizes[:, along]) + self.extent[along] - 1
            floats += (self.extent[axis] - 1 - self.halo[axis]) * _whole_vectors(length)
        return np.concatenate([[0], np.cumsum(floats)]).astype(np.uint64)

    def chunks(self, inputs: int, outputs: int) -> list[tuple[int, int]]:
        """Runs of tiles ``[first, last)`` that are held in memory together."""
        tiles = self.layout.tiles
        each = channels_bytes(self.layout.grid, inputs + outputs)
        if self.has_seams:
            each += 4 * inputs * -(-int(self.first_seam[-1]) // tiles)
        return _runs(tiles, CHUNK_BYTES // each)


def _whole_vectors(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return (lengths + 15) // 16 * 16


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
    carried: tuple[bool, bool] = (True, True),
) -> tuple[KernelPart, ...]:
    """The blocks that a kernel is cut into, each with its tiles.

    ``size``: rows and columns of what is computed; ``padded``: of the padded picture; ``carried``:
    whether light carries halos, along rows and along columns.
    """
    (kernel_rows, kernel_columns), dilation = sampling.kernel, sampling.dilation
    channels = np.arange(inputs).reshape(groups, 1, -1)
    phases = np.array(sampling.phases)
    parts = []
    for first_row, rows in kernel_blocks(kernel_rows, dilation[0], grid):
        for first_column, columns in kernel_blocks(kernel_columns, dilation[1], grid):
            reach = ((rows - 1) * dilation[0] + 1, (columns - 1) * dilation[1] + 1)
            halo = (carried[0] * (reach[0] - 1), carried[1] * (reach[1] - 1))
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
                    halo,
                    lay_out(grid, batch, size, halo),
                    sources.reshape(-1, 3),
                )
            )
    return tuple(parts)
