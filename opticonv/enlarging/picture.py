"""A picture as it goes through: colours, transparency, and what came with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["Codes", "Picture", "peak"]

Codes = npt.NDArray[Any]
"""Values of 8 or 16 bits: uint8 or uint16."""


def peak(codes: Codes) -> int:
    """The code that means 1.0: 255 or 65535."""
    return int(np.iinfo(codes.dtype).max)


@dataclass(frozen=True)
class Picture:
    """One picture, upright.

    Attributes
    ----------
    colour : array, shape (H, W, 1) or (H, W, 3), uint8 or uint16
        Grey, or red, green, blue; not multiplied by `alpha`.
    alpha : array, shape (H, W), dtype of `colour`, or None
        Opacity; None where every pixel is opaque by its format.
    profile : bytes or None
        ICC profile of `colour`.
    exif : PIL.Image.Exif or None
        What the file said of its origin, with nothing that an enlargement makes untrue.
    notes : tuple of str
        What of the file was left out.
    """

    colour: Codes
    alpha: Codes | None = None
    profile: bytes | None = None
    exif: Image.Exif | None = None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width [pixels]."""
        return self.colour.shape[0], self.colour.shape[1]
