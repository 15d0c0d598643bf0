"""How the pictures of a batch are cut into segments and laid out in the device's N×N tiles.

A tile is one picture on the chip. The Fourier transform convolves it circularly, so of a segment of
``h + keh - 1`` rows only ``h`` output rows are free of wrap-around (overlap-save; ``keh`` is the
kernel's extent, dilation included). Segments carry their own halo of ``keh - 1`` rows, or none,
where electronics correct what wraps around (`driver.cutting`). Any that do not overlap may share a
tile: large pictures fill whole tiles, and the remainder strips at their lower and right rims, or
pictures smaller than a tile, are packed together over the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIELDS", "Layout", "lay_out"]

UintArray = NDArray[np.uint32]

#: Into how many pieces a lower rim strip may be cut, to fit beside the right rim strips.
_RIM_CUTS = (1, 2, 3, 4)


#: Columns of a table of segments, C's `odev_segment`.
FIELDS = ("tile", "row", "column", "image", "top", "left", "height", "width")


@dataclass(frozen=True, eq=False)
class Layout:
    """The tiles of a batch.

    Attributes
    ----------
    grid : int
        N, pixels per side of a tile.
    tiles : int
        Tiles per channel.
    segments : (n, 8) uint32
        By tile; columns `FIELDS`: which tile the segment lies in, and where its upper left input
        pixel is, of those that light carries; which picture of the batch it comes from, and its
        upper left output pixel there, which is also the first pixel of the padded picture that it
        reads; its output pixels.
        Together they cover every output pixel once.
    first : (tiles + 1,) uint32
        The segments of tile t are ``segments[first[t]:first[t + 1]]``.
    """

    grid: int
    tiles: int
    segments: UintArray
    first: UintArray

    def sizes(self) -> list[tuple[int, int, int]]:
        """Output rows and columns of segments, and how many there are of each such size."""
        sizes, counts = np.unique(self.segments[:, 6:], axis=0, return_counts=True)
        return [(int(h), int(w), int(n)) for (h, w), n in zip(sizes, counts, strict=True)]


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


def _table(
    placed: Sequence[tuple[_Segment, tuple[int, int, int]]], tiles: int
) -> tuple[UintArray, UintArray]:
    rows = sorted((*place, s.image, s.top, s.left, s.height, s.width) for s, place in placed)
    segments = np.array(rows, dtype=np.uint32).reshape(-1, len(FIELDS))
    first = np.searchsorted(segments[:, 0], np.arange(tiles + 1)).astype(np.uint32)
    return segments, first


@lru_cache(maxsize=256)
def lay_out(grid: int, images: int, output: tuple[int, int], halo: tuple[int, int]) -> Layout:
    """Cut a batch's dense outputs into segments and find each a place in a tile.

    Parameters
    ----------
    grid
        N, pixels per side of a tile.
    images
        Pictures in the batch; all channels of a picture are laid out alike.
    output
        Rows and columns of the dense (stride 1) output.
    halo
        Rows and columns of a segment's input beyond its output's; less than ``grid``.

    Returns
    -------
    Layout
        With as few tiles as the tried cuts of the lower rims give.
    """
    valid = (grid - halo[0], grid - halo[1])
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
            tile, row, column = shelves.place(s.height + halo[0], s.width + halo[1])
            placed.append((s, (len(whole) + tile, row, column)))
        if best is None or shelves.tiles < best[0]:
            best = (shelves.tiles, placed)
        if shelves.tiles <= 1:
            break
    assert best is not None
    tiles = len(whole) + best[0]
    return Layout(grid, tiles, *_table(whole + best[1], tiles))
