"""Sixteen bits a channel out of Pillow, which itself keeps eight of colour pictures.

Pillow names how it unpacks raw pixels: "RGB;16B" takes the upper byte of each big-endian pair,
"RGB;16L" of each little-endian one.  So the same file unpacked in the other order gives the lower
bytes, and both together the whole value.  Grey with alpha has four bytes a pixel, as RGBA has:
unpacked as that it shows all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from opticonv.enlarging.picture import Codes

__all__ = ["sixteen_bit_mode", "sixteen_bit_values"]

_NATIVE = "L" if sys.byteorder == "little" else "B"
_OTHER = {"L": "B", "B": "L"}


def _raw_mode(image: Image.Image) -> str:
    for tile in getattr(image, "tile", ()):
        arguments = tile.args
        raw = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
        return raw if isinstance(raw, str) else ""
    return ""


def sixteen_bit_mode(image: Image.Image) -> str | None:
    """Of a file just opened: "RGB", "RGBA" or "LA" with 16 bits that Pillow would halve."""
    name, _, order = _raw_mode(image).partition(";16")
    if name in {"RGB", "RGBA"} and order in {"L", "B", "N"}:
        return name
    return name if name == "LA" and order == "B" else None


def _unpack(image: Image.Image, raw: str) -> Codes:
    """Decode a file just opened with another name for its raw pixels, upright."""
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in image.tile  # type: ignore[attr-defined]
    ]
    return np.asarray(ImageOps.exif_transpose(image))


def sixteen_bit_values(reopen: Callable[[], Image.Image]) -> Codes:
    """All values of a file for which `sixteen_bit_mode` named a mode.

    Parameters
    ----------
    reopen : callable
        Opens the file once more, not yet decoded.

    Returns
    -------
    numpy.ndarray, shape (H, W, 2, 3 or 4), uint16
        Upright.
    """
    with reopen() as image:
        name, _, order = _raw_mode(image).partition(";16")
        if name == "LA":
            pairs = _unpack(image, "RGBA").astype(np.uint16)
            return pairs[..., ::2] << 8 | pairs[..., 1::2]
        order = _NATIVE if order == "N" else order
        upper = _unpack(image, f"{name};16{order}").astype(np.uint16)
    with reopen() as image:
        return upper << 8 | _unpack(image, f"{name};16{_OTHER[order]}")
