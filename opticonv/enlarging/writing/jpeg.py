"""Baseline JPEG, strip by strip (ITU-T T.81).

Pillow encodes whole pictures only.  But the entropy-coded data of a picture with restart markers
falls into intervals that don't depend on each other (T.81, E.1.4).  So strips are encoded as
pictures of their own, one interval a row of blocks, and their intervals put behind one another
under the first strip's header, with the picture's height in it.  Strips of a multiple of eight rows
of blocks start with marker number 0 again, so markers need not be changed either.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from opticonv.enlarging.picture import Codes
from opticonv.enlarging.writing.layout import Layout, portions

__all__ = ["write_jpeg"]

STRIP = 8 * 64
"""Rows of pixels: a multiple of eight rows of 8×8 blocks."""

START_OF_SCAN, END_OF_IMAGE, LAST_RESTART = 0xDA, b"\xff\xd9", b"\xff\xd7"
START_OF_FRAME = 0xC0


def write_jpeg(path: Path, bands: Iterator[Codes], layout: Layout) -> None:
    """Write a JPEG from bands (rows, width, 1 or 3), uint8, colour at full resolution (4:4:4)."""
    with path.open("wb") as file:
        for number, strip in enumerate(portions(bands, STRIP)):
            encoded = _encoded(strip, layout, with_metadata=number == 0)
            scan = _begin_of_scan(encoded)
            if number == 0:
                file.write(_with_height(encoded[:scan], layout.height))
            else:
                file.write(LAST_RESTART)
            file.write(encoded[scan : -len(END_OF_IMAGE)])
        file.write(END_OF_IMAGE)


def _encoded(strip: Codes, layout: Layout, *, with_metadata: bool) -> bytes:
    options: dict[str, object] = {}
    if with_metadata and layout.profile:
        options["icc_profile"] = layout.profile
    if with_metadata and layout.exif:
        options["exif"] = layout.exif
    result = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(strip[..., 0] if layout.grey else strip))
    image.save(
        result,
        "JPEG",
        quality=layout.quality,
        subsampling=0,
        restart_marker_rows=1,
        **options,
    )
    return result.getvalue()


def _segments(encoded: bytes) -> Iterator[tuple[int, int, int]]:
    """Code, begin and end of each marker segment from the first to the start of the scan."""
    at = 2
    while True:
        _, code, length = struct.unpack_from(">BBH", encoded, at)
        yield code, at, at + 2 + length
        if code == START_OF_SCAN:
            return
        at += 2 + length


def _begin_of_scan(encoded: bytes) -> int:
    """Where the entropy-coded data begins."""
    *_, (_, _, end) = _segments(encoded)
    return end


def _with_height(header: bytes, height: int) -> bytes:
    """The header with another number of lines in its frame header (T.81, B.2.2)."""
    begin = next(begin for code, begin, _ in _segments(header) if code == START_OF_FRAME)
    lines = begin + 5  # behind the marker, the segment's length and the precision
    return header[:lines] + struct.pack(">H", height) + header[lines + 2 :]
