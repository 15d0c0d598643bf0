"""What a writer is told before the first row, and rows in the portions it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from opticonv.enlarging.picture import Codes

__all__ = ["Layout", "portions"]


@dataclass(frozen=True)
class Layout:
    """Of a picture to be written.

    Attributes
    ----------
    height, width : int
        [pixels].
    channels : int
        1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity.
    bits : 8 or 16
    quality : int
        1 to 100, of formats that lose something.
    profile : bytes or None
        ICC profile.
    exif : PIL.Image.Exif or None
    """

    height: int
    width: int
    channels: int
    bits: int = 8
    quality: int = 95
    profile: bytes | None = None
    exif: Image.Exif | None = None

    @property
    def grey(self) -> bool:
        """Whether there is one channel beside opacity."""
        return self.channels < 3

    @property
    def alpha(self) -> bool:
        """Whether the last channel is opacity."""
        return self.channels % 2 == 0


def portions(bands: Iterator[Codes], rows: int) -> Iterator[Codes]:
    """Bands of any height, as bands of `rows` rows and a shorter last one."""
    waiting: list[Codes] = []
    have = 0
    for band in bands:
        while have + len(band) >= rows:
            part, band = band[: rows - have], band[rows - have :]
            yield np.concatenate([*waiting, part]) if waiting else part
            waiting, have = [], 0
        if len(band):
            waiting.append(band)
            have += len(band)
    if waiting:
        yield np.concatenate(waiting)
