"""Writing an enlarged picture as its bands come, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from opticonv.enlarging.formats import format_of
from opticonv.enlarging.picture import Codes, peak
from opticonv.enlarging.writing.jpeg import write_jpeg
from opticonv.enlarging.writing.layout import Layout
from opticonv.enlarging.writing.png import write_png
from opticonv.enlarging.writing.tiff import write_tiff
from opticonv.enlarging.writing.whole import write_bmp, write_webp
from opticonv.errors import CommandError
from opticonv.files import whole_file

__all__ = ["Layout", "over_white", "write"]

_WRITERS: dict[str, Callable[[Path, Iterator[Codes], Layout], None]] = {
    "PNG": write_png,
    "JPEG": write_jpeg,
    "TIFF": write_tiff,
    "WebP": write_webp,
    "BMP": write_bmp,
}


def write(path: Path, bands: Iterator[Codes], layout: Layout) -> None:
    """Write a picture in the format that the suffix names.

    Parameters
    ----------
    path : Path
        Replaced when the last row is written, and left alone if anything goes wrong before.
    bands : iterator of arrays (rows, width, channels)
        From top to bottom, ``layout.height`` rows in all.
    layout : Layout
        Its opacity and bits are such as the format holds (see `over_white`).

    Raises
    ------
    CommandError
        The file can't be written: a full disk, say.
    """
    try:
        with whole_file(path) as temporary:
            _WRITERS[format_of(path).name](temporary, bands, layout)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from None


def over_white(bands: Iterator[Codes]) -> Iterator[Codes]:
    """Bands with opacity last, laid over white for formats that have none."""
    for band in bands:
        most = peak(band)
        colour, alpha = band[..., :-1].astype(np.uint32), band[..., -1:].astype(np.uint32)
        mixed = (colour * alpha + most * (most - alpha) + most // 2) // most
        yield mixed.astype(band.dtype)
