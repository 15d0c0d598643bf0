"""Formats that can only be written whole: WebP and BMP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from opticonv.enlarging.picture import Codes
from opticonv.enlarging.writing.layout import Layout

__all__ = ["write_bmp", "write_webp"]

_MODE = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def write_webp(path: Path, bands: Iterator[Codes], layout: Layout) -> None:
    """Write a lossy WebP from bands (rows, width, 1 to 4), uint8."""
    image = _gathered(bands, layout)
    image.save(
        path,
        "WEBP",
        quality=layout.quality,
        icc_profile=layout.profile or b"",
        exif=layout.exif or b"",
    )


def write_bmp(path: Path, bands: Iterator[Codes], layout: Layout) -> None:
    """Write a BMP from bands (rows, width, 1 or 3), uint8."""
    _gathered(bands, layout).save(path, "BMP")


def _gathered(bands: Iterator[Codes], layout: Layout) -> Image.Image:
    image = Image.new(_MODE[layout.channels], (layout.width, layout.height))
    top = 0
    for band in bands:
        image.paste(Image.fromarray(np.squeeze(band, 2) if band.shape[2] == 1 else band), (0, top))
        top += len(band)
    return image
