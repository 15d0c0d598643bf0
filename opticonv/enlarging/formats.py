"""The formats that pictures are written in, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opticonv.errors import CommandError

__all__ = ["FORMATS", "Format", "check_size", "format_of"]


@dataclass(frozen=True)
class Format:
    """What a picture format can hold.

    Attributes
    ----------
    name : str
        As people write it.
    suffixes : tuple of str
        The first is what a new file gets.
    side_limit : int
        Longest side [pixels].
    alpha, sixteen_bits, grey : bool
        Whether it holds opacity, 16 bits a channel, a single channel.
    """

    name: str
    suffixes: tuple[str, ...]
    side_limit: int
    alpha: bool
    sixteen_bits: bool
    grey: bool = True


FORMATS = (
    Format("PNG", (".png",), 2**31 - 1, alpha=True, sixteen_bits=True),
    # The file's field holds 65535; libjpeg, which nearly everything reads with, takes 65500.
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), 65500, alpha=False, sixteen_bits=False),
    Format("WebP", (".webp",), 16383, alpha=True, sixteen_bits=False, grey=False),
    Format("TIFF", (".tif", ".tiff"), 2**31 - 1, alpha=True, sixteen_bits=True),
    # Longer sides are allowed, but the file's length has 32 bits: 3 · 32767² stays below 4 GiB.
    Format("BMP", (".bmp",), 32767, alpha=False, sixteen_bits=False),
)
"""All of them; the first is what pictures of any other format become."""


def format_of(path: Path) -> Format:
    """The format that a file's suffix names.

    Raises
    ------
    CommandError
        The suffix names none that can be written.
    """
    for known in FORMATS:
        if path.suffix.lower() in known.suffixes:
            return known
    suffix = f"'{path.suffix}'" if path.suffix else "without a suffix"
    raise CommandError(
        f"{path}: pictures are written as .png, .jpg, .tif, .webp or .bmp, not {suffix}"
    )


def check_size(path: Path, size: tuple[int, int]) -> None:
    """Make sure that `path`'s format can hold a picture of `size` (height, width).

    Raises
    ------
    CommandError
        It can't; the message says what it holds at most.
    """
    limit = format_of(path).side_limit
    if max(size) > limit:
        raise CommandError(
            f"{path}: the result would have {size[1]}×{size[0]} pixels, and {path.suffix} holds "
            f"at most {limit} a side: write a .png or .tif"
        )
