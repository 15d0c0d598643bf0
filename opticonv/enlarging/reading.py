"""Pictures out of files, whole and upright."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from opticonv.enlarging.colours import separated
from opticonv.enlarging.metadata import kept_exif, matching_profile
from opticonv.enlarging.picture import Picture
from opticonv.enlarging.sixteen_bits import sixteen_bit_mode, sixteen_bit_values
from opticonv.picture_files import opened_picture

__all__ = ["SUFFIXES", "Header", "read", "read_header"]

SUFFIXES = frozenset(
    {
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif",
        ".ppm", ".pgm", ".pbm", ".jp2", ".avif",
    }
)  # fmt: skip
"""What a folder is searched for."""


@dataclass(frozen=True)
class Header:
    """Of a file, without decoding it: format, and size (height, width) once upright."""

    format: str
    size: tuple[int, int]


def read_header(path: Path) -> Header:
    """What a file says of itself before its pixels.

    Raises
    ------
    CommandError
        There is no such file, or it is no picture.
    """
    with opened_picture(path) as image:
        width, height = image.size
        # Pillow gives a TIFF's size as it will be once turned.
        if image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation, 1) in range(
            5, 9
        ):
            width, height = height, width
        return Header(image.format or "", (height, width))


def read(path: Path) -> Picture:
    """Read a picture in any form that Pillow decodes.

    Upright as its EXIF tag says.  Grey stays grey and 16 bits stay 16; palettes become RGB, inks
    and Lab sRGB.  Of several frames or pages the first is taken, and noted.

    Raises
    ------
    CommandError
        There is no such file, or it is no picture, or a damaged one.
    """
    with opened_picture(path) as image:
        mode = sixteen_bit_mode(image)
        frames = getattr(image, "n_frames", 1)
        if mode is None:
            upright = ImageOps.exif_transpose(image)
            upright.info = {**image.info, **upright.info}
            colour, alpha, described = separated(upright)
        else:
            values = sixteen_bit_values(lambda: Image.open(path))
            has_alpha = mode.endswith("A")
            colour = values[..., :-1] if has_alpha else values
            alpha, described = (values[..., -1] if has_alpha else None), True
        profile = image.info.get("icc_profile") if described else None
        return Picture(
            colour=np.ascontiguousarray(colour),
            alpha=alpha,
            profile=matching_profile(profile, colour.shape[2]),
            exif=kept_exif(image),
            notes=(f"the first of {frames} frames",) if frames > 1 else (),
        )
