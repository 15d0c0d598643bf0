"""Bytes from anywhere to pixels, or a reason why not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image, UnidentifiedImageError

__all__ = ["MOST_PIXELS", "UndecodableError", "decoded", "without_pillow_warnings"]

MOST_PIXELS = 100_000_000
"""Of a picture that is decoded: 300 MB as RGB.  A small file may claim any size."""

_FORMATS = (
    "JPEG", "MPO", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "PPM", "TGA",
)  # fmt: skip
"""Pixel formats alone: what else Pillow opens may run other programs."""


class UndecodableError(Exception):
    """The bytes give no picture.

    Parameters
    ----------
    reason : str
        One of a few, to count by.
    detail : str
        What is wrong with this one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def decoded(content: bytes, *, shortest: int = 1) -> Image.Image:
    """The first picture in a file, all of its pixels read, in the mode that it's stored in.

    Parameters
    ----------
    content : bytes
    shortest : int
        Least length of the shorter side [pixels]; it is checked before pixels are read.

    Raises
    ------
    UndecodableError
        Empty, not a picture, too small, too large, cut off or damaged.
    """
    if not content:
        raise UndecodableError("empty file", "it has no bytes")
    Image.init()
    try:
        picture = Image.open(BytesIO(content), formats=[f for f in _FORMATS if f in Image.OPEN])
    except UnidentifiedImageError:
        raise UndecodableError("not a picture", "no picture format that is read here") from None
    except Image.DecompressionBombError as error:
        raise UndecodableError("too many pixels", str(error)) from None
    except Exception as error:  # decoders raise anything on a damaged file
        raise UndecodableError("damaged", _told(error)) from None
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise UndecodableError("too many pixels", f"{width}×{height}, over {MOST_PIXELS:,}")
    if min(width, height) < shortest:
        raise UndecodableError(
            "too small", f"{width}×{height}: the shorter side is under {shortest} pixels"
        )
    try:
        picture.load()
    except Exception as error:
        raise UndecodableError("damaged", _told(error)) from None
    return picture


def _told(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Silence Pillow on large pictures, which have a limit of our own, and on odd metadata.

    It is for the main thread to do this, around all that decodes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
