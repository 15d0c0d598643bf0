"""TIFF, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tifffile
from PIL import ExifTags, Image

from opticonv.enlarging.picture import Codes
from opticonv.enlarging.writing.layout import Layout, portions

__all__ = ["write_tiff"]

TILE = 256
"""Side of a tile [pixels]."""

_LIMIT = 2**32 - 2**25
"""A file that may become longer than this [bytes] is a BigTIFF, whose offsets have 64 bits."""

_TEXT = 2
"""Data type ASCII."""


def write_tiff(path: Path, bands: Iterator[Codes], layout: Layout) -> None:
    """Write a TIFF of 8 or 16 bits, deflated, from bands (rows, width, channels)."""
    several = layout.channels > 1
    size = layout.height * layout.width * layout.channels * layout.bits // 8
    tifffile.imwrite(
        path,
        _tiles(bands),
        shape=(layout.height, layout.width, *([layout.channels] if several else [])),
        dtype=f"uint{layout.bits}",
        bigtiff=size > _LIMIT,
        tile=(TILE, TILE),
        photometric="minisblack" if layout.grey else "rgb",
        planarconfig="contig" if several else None,
        extrasamples=["unassalpha"] if layout.alpha else None,
        compression="adobe_deflate",
        predictor=True,
        iccprofile=layout.profile,
        extratags=_tags(layout.exif),
        software=False,
        metadata=None,
    )


def _tiles(bands: Iterator[Codes]) -> Iterator[Codes]:
    for band in portions(bands, TILE):
        for left in range(0, band.shape[1], TILE):
            tile = band[:, left : left + TILE]
            yield tile[..., 0] if tile.shape[2] == 1 else tile


def _tags(exif: Image.Exif | None) -> list[tuple[Any, ...]]:
    """What EXIF has in common with TIFF's own tags: texts; exposure and place are left out."""
    if exif is None:
        return []
    directories = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
    texts = {tag: str(value) for tag, value in exif.items() if tag not in directories}
    return [(tag, _TEXT, 0, text, True) for tag, text in sorted(texts.items())]
