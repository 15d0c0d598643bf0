"""PNG, row by row (W3C Portable Network Graphics, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from opticonv.enlarging.picture import Codes
from opticonv.enlarging.writing.layout import Layout, portions

__all__ = ["write_png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}
"""By number of channels: grey, grey and alpha, RGB, RGB and alpha."""

ROWS = 64
"""Rows filtered and compressed at a time."""

Bytes = npt.NDArray[np.uint8]


def write_png(path: Path, bands: Iterator[Codes], layout: Layout) -> None:
    """Write a PNG of 8 or 16 bits from bands (rows, width, channels), in memory for some rows."""
    pixel = layout.channels * layout.bits // 8
    squeezed = zlib.compressobj(6, strategy=zlib.Z_FILTERED)
    above: Bytes = np.zeros(layout.width * pixel, np.uint8)
    with path.open("wb") as file:
        file.write(SIGNATURE)
        _chunk(file, b"IHDR", _header(layout))
        if layout.profile:
            _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(layout.profile))
        if layout.exif:
            _chunk(file, b"eXIf", layout.exif.tobytes().removeprefix(b"Exif\0\0"))
        for band in portions(bands, ROWS):
            rows = _row_bytes(band)
            _data(file, squeezed.compress(_filtered(rows, above, pixel).data))
            above = rows[-1]
        _data(file, squeezed.flush())
        _chunk(file, b"IEND", b"")


def _header(layout: Layout) -> bytes:
    return struct.pack(
        ">IIBBBBB", layout.width, layout.height, layout.bits, COLOUR_TYPE[layout.channels], 0, 0, 0
    )


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    check = zlib.crc32(content, zlib.crc32(kind))
    file.write(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check))


def _data(file: BinaryIO, content: bytes) -> None:
    if content:
        _chunk(file, b"IDAT", content)


def _row_bytes(band: Codes) -> Bytes:
    """Rows as bytes, 16-bit values with the upper one first."""
    ordered = band if band.dtype == np.uint8 else band.astype(">u2")
    return np.ascontiguousarray(ordered).reshape(len(band), -1).view(np.uint8)


def _filtered(rows: Bytes, above: Bytes, pixel: int) -> Bytes:
    """Each row's filter type and what it leaves: the one with the smallest sum of differences.

    Of the standard's filters, Sub, Up and Paeth are tried (§9.2, and §12.7 for the choice).
    """
    up = np.concatenate([above[None], rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, pixel:], corner[:, pixel:] = rows[:, :-pixel], up[:, :-pixel]
    tried = {1: rows - left, 2: rows - up, 4: rows - _paeth(left, up, corner)}
    # Differences count as signed: 255 is −1.
    size = [np.abs(tries.view(np.int8).astype(np.int16)).sum(1) for tries in tried.values()]
    best = np.array(list(tried))[np.argmin(size, axis=0)]
    result = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    result[:, 0] = best
    for kind, tries in tried.items():
        result[best == kind, 1:] = tries[best == kind]
    return result


def _paeth(left: Bytes, up: Bytes, corner: Bytes) -> Bytes:
    """Whichever of the three is nearest to ``left + up - corner`` (§9.4)."""
    a, b, c = (part.astype(np.int16) for part in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where(
        (to_left <= to_up) & (to_left <= to_corner),
        left,
        np.where(to_up <= to_corner, up, corner),
    )
