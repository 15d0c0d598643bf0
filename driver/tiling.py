"""How the pictures of a batch are cut into segments and laid out in the device's N×N tiles.

A tile is one picture on the chip. The Fourier transform convolves it circularly, so of a segment of
``h + keh - 1`` rows only ``h`` output rows are free of wrap-around (overlap-save; ``keh`` is the
kernel's extent, dilation included). Segments carry their own halo, hence any that do not overlap
may share a tile: large pictures fill whole tiles, and the remainder strips at their lower and right
rims, or pictures smaller than a tile, are packed together over the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout", "SegmentGroup", "lay_out"]

IntArray = NDArray[np.intp]

#: Into how many pieces a lower rim strip may be cut, to fit beside the right rim strips.
_RIM_CUTS = (1, 2, 3, 4)


@dataclass(frozen=True, eq=False)
class SegmentGroup:
    """All segments of one size, ordered by tile.

    Attributes
    ----------
    height, width : int
        Output pixels of each segment.
    tile, row, column : (n,) int
        Which tile the segment lies in, and where its upper left input pixel is.
    image, top, left : (n,) int
        Which picture of the batch it comes from, and its upper left output pixel there, which is
        also the upper left pixel of its input in the padded picture.
    """

    height: int
    width: int
    tile: IntArray
    row: IntArray
    column: IntArray
    image: IntArray
    top: IntArray
    left: IntArray

    def in_tiles(self, first: int, last: int) -> SegmentGroup:
        """Those segments that lie in tiles ``first <= tile < last``."""
        part = slice(*np.searchsorted(self.tile, (first, last)))
        return SegmentGroup(
            self.height,
            self.width,
            self.tile[part],
            self.row[part],
            self.column[part],
            self.image[part],
            self.top[part],
            self.left[part],
        )


@dataclass(frozen=True, eq=False)
class Layout:
    """The tiles of a batch.

    Attributes
    ----------
    grid : int
        N, pixels per side of a tile.
    tiles : int
        Tiles per channel.
    groups : tuple of SegmentGroup
        The segments, by size. Together they cover every output pixel once.
    """

    grid: int
    tiles: int
    groups: tuple[SegmentGroup, ...]


@dataclass(frozen=True)
class _Segment:
    image: int
    top: int
    left: int
    height: int
    width: int


class _Shelves:
    """Packs rectangles into square tiles, keeping the free space as disjoint rectangles."""

    def __init__(self, grid: int) -> None:
        self.grid = grid
        self.tiles = 0
        self._free: list[tuple[int, int, int, int, int]] = []  # tile, row, column, height, width

    def place(self, height: int, width: int) -> tuple[int, int, int]:
        """Find room for one rectangle, in a new tile if need be: (tile, row, column)."""
        room = [
            (min(h - height, w - width), i)
            for i, (_, _, _, h, w) in enumerate(self._free)
            if h >= height and w >= width
        ]
        if room:
            tile, row, column, h, w = self._free.pop(min(room)[1])
        else:
            tile, row, column, h, w = self.tiles, 0, 0, self.grid, self.grid
            self.tiles += 1
        below, beside = h - height, w - width
        # Cut so that the larger of the two remaining rectangles is as large as can be.
        if max(below * w, beside * height) >= max(beside * h, below * width):
            rest = [
                (tile, row + height, column, below, w),
                (tile, row, column + width, height, beside),
            ]
        else:
            rest = [
                (tile, row, column + width, h, beside),
                (tile, row + height, column, below, width),
            ]
        self._free += [r for r in rest if r[3] and r[4]]
        return tile, row, column


def _cuts(length: int, pieces: int) -> list[tuple[int, int]]:
    """Cut ``length`` into pieces of nearly equal length: [(start, length), ...]."""
    edges = [length * i // pieces for i in range(pieces + 1)]
    return [(a, b - a) for a, b in pairwise(edges) if b > a]


def _rim_segments(
    images: int, output: tuple[int, int], valid: tuple[int, int], pieces: int
) -> list[_Segment]:
    """What is left of each picture beside the whole tiles, the lower strips cut in pieces."""
    rows, bottom = divmod(output[0], valid[0])
    columns, right = divmod(output[1], valid[1])
    of_one: list[_Segment] = []
    if right:
        of_one += [
            _Segment(0, r * valid[0], columns * valid[1], valid[0], right) for r in range(rows)
        ]
    if bottom:
        of_one += [
            _Segment(0, rows * valid[0], c * valid[1] + start, bottom, width)
            for c in range(columns)
            for start, width in _cuts(valid[1], pieces)
        ]
    if bottom and right:
        of_one.append(_Segment(0, rows * valid[0], columns * valid[1], bottom, right))
    return [
        _Segment(image, s.top, s.left, s.height, s.width) for image in range(images) for s in of_one
    ]


def _group(
    placed: Sequence[tuple[_Segment, tuple[int, int, int]]],
) -> tuple[SegmentGroup, ...]:
    sizes = sorted({(s.height, s.width) for s, _ in placed}, reverse=True)
    groups = []
    for size in sizes:
        rows = sorted(
            (tile, row, column, s.image, s.top, s.left)
            for s, (tile, row, column) in placed
            if (s.height, s.width) == size
        )
        groups.append(SegmentGroup(*size, *np.asarray(rows, dtype=np.intp).T))
    return tuple(groups)


@lru_cache(maxsize=256)
def lay_out(grid: int, images: int, output: tuple[int, int], extent: tuple[int, int]) -> Layout:
    """Cut a batch's dense outputs into segments and find each a place in a tile.

    Parameters
    ----------
    grid
        N, pixels per side of a tile.
    images
        Pictures in the batch; all channels of a picture are laid out alike.
    output
        Rows and columns of the dense (stride 1) output.
    extent
        Rows and columns that the kernel reaches over, dilation included; at most ``grid``.

    Returns
    -------
    Layout
        With as few tiles as the tried cuts of the lower rims give.
    """
    valid = (grid - extent[0] + 1, grid - extent[1] + 1)
    rows, columns = output[0] // valid[0], output[1] // valid[1]
    whole = [
        (_Segment(image, r * valid[0], c * valid[1], *valid), (i, 0, 0))
        for i, (image, r, c) in enumerate(np.ndindex(images, rows, columns))
    ]
    best: tuple[int, list[tuple[_Segment, tuple[int, int, int]]]] | None = None
    for pieces in _RIM_CUTS:
        rim = _rim_segments(images, output, valid, pieces)
        rim.sort(key=lambda s: (-s.height, -s.width))
        shelves = _Shelves(grid)
        placed = []
        for s in rim:
            tile, row, column = shelves.place(s.height + extent[0] - 1, s.width + extent[1] - 1)
            placed.append((s, (len(whole) + tile, row, column)))
        if best is None or shelves.tiles < best[0]:
            best = (shelves.tiles, placed)
        if shelves.tiles <= 1:
            break
    assert best is not None
    return Layout(grid, len(whole) + best[0], _group(whole + best[1]))
