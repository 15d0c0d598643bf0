"""Cutting a picture into windows that are enlarged one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["TILE", "Window", "rows_of_windows"]

TILE = 128
"""Pixels of the input along a side of a window, at most; bounds the working memory."""

Span = tuple[int, int]
"""Rows or columns [from, to)."""


@dataclass(frozen=True)
class Window:
    """Its own rows and columns of the input, and those seen: its own and a rim around them."""

    rows: Span
    columns: Span
    seen_rows: Span
    seen_columns: Span

    @property
    def pixels(self) -> int:
        """Number of its own pixels."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])

    @property
    def seen_size(self) -> tuple[int, int]:
        """Height and width of what is seen [pixels]."""
        top, bottom = self.seen_rows
        left, right = self.seen_columns
        return bottom - top, right - left

    @property
    def seen(self) -> tuple[slice, slice]:
        """What is seen, as indices of the input."""
        return slice(*self.seen_rows), slice(*self.seen_columns)

    def own(self, scale: int) -> tuple[slice, slice]:
        """Its own part of what was seen, `scale` times enlarged, as indices."""
        return (
            _scaled(self.rows, self.seen_rows[0], scale),
            _scaled(self.columns, self.seen_columns[0], scale),
        )


def _scaled(span: Span, origin: int, scale: int) -> slice:
    return slice(scale * (span[0] - origin), scale * (span[1] - origin))


def _spans(length: int, tile: int, grain: int) -> list[Span]:
    """Nearly equal parts of at most `tile` pixels, cut at multiples of `grain`."""
    grains, most = -(-length // grain), max(tile // grain, 1)
    parts = -(-grains // most)
    cuts = [grain * round(grains * part / parts) for part in range(parts)]
    return list(pairwise([*cuts, length]))


def _with_rim(span: Span, halo: int, length: int) -> Span:
    return max(span[0] - halo, 0), min(span[1] + halo, length)


def rows_of_windows(
    height: int, width: int, *, halo: int, tile: int, grain: int = 1
) -> Iterator[list[Window]]:
    """Windows that cover a picture once, row by row, left to right.

    Parameters
    ----------
    height, width : int
        Of the picture [pixels].
    halo : int
        Rim of a window, cut off at the picture's edges [pixels].
    tile : int
        Longest side of a window without its rim [pixels].
    grain : int
        Windows begin at multiples of it, their rims too if `halo` is one.
    """
    for rows in _spans(height, tile, grain):
        yield [
            Window(rows, columns, _with_rim(rows, halo, height), _with_rim(columns, halo, width))
            for columns in _spans(width, tile, grain)
        ]
