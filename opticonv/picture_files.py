"""Pictures from and to files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError

from opticonv.data.normalising import upright_rgb
from opticonv.errors import CommandError
from opticonv.files import check_writable, whole_file

__all__ = ["check_picture_target", "opened_picture", "read_picture", "to_image", "write_picture"]

_DAMAGE = (
    OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's readers raise when bytes are not what their format promises."""

_SIDE_LIMIT = {"JPEG": 65500, "WEBP": 16383}
"""Longest side [pixels] of formats that have a limit in reach."""


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """An open picture file, to be decoded in the block; what is wrong with it is said in one way.

    Raises
    ------
    CommandError
        There is no such file, or it may not be read, or it is no picture, or a damaged one.
    """
    if path.is_dir():
        raise CommandError(f"{path} is a folder; name a picture")
    if not path.exists():
        what = f"{path} is a link to nothing" if path.is_symlink() else f"there is no file {path}"
        raise CommandError(what)
    if not path.is_file():
        raise CommandError(f"{path} is not a file but a pipe, a socket or a device")
    try:
        with Image.open(path) as picture:
            yield picture
    except UnidentifiedImageError:
        raise CommandError(f"{path} is not a picture that can be read") from None
    except Image.DecompressionBombError as error:
        raise CommandError(f"{path} is too large: {error}") from None
    except PermissionError:
        raise CommandError(f"{path} may not be read") from None
    except _DAMAGE as error:
        raise CommandError(f"{path} cannot be read as a picture: {error}") from None


def read_picture(path: Path) -> Image.Image:
    """Read a photograph as `opticonv.data.normalising.upright_rgb` makes it.

    Raises
    ------
    CommandError
        As for `opened_picture`.
    """
    with opened_picture(path) as picture:
        return upright_rgb(picture)[0]


def to_image(picture: torch.Tensor) -> Image.Image:
    """A uint8 tensor (3, H, W) as a PIL picture."""
    return Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())


def _format_of(path: Path) -> str:
    name = Image.registered_extensions().get(path.suffix.lower(), "")
    if name not in Image.SAVE:
        raise CommandError(
            f"{path}: pictures are written as .png, .jpg, .tif, .bmp or .webp, not '{path.suffix}'"
        )
    return name


def check_picture_target(path: Path, size: tuple[int, int]) -> None:
    """Make sure, before the work begins, that a picture of `size` can be written to `path`.

    Parameters
    ----------
    path : Path
    size : (int, int)
        Height and width [pixels].

    Raises
    ------
    CommandError
        Not a picture format, too small a format for `size`, or a place that can't be written to.
    """
    limit = _SIDE_LIMIT.get(_format_of(path), max(size))
    if max(size) > limit:
        raise CommandError(
            f"{path}: the result has {size[1]}×{size[0]} pixels, and {path.suffix} holds at most "
            f"{limit} a side: write a .png"
        )
    check_writable(path)


def write_picture(picture: torch.Tensor, path: Path) -> None:
    """Write a uint8 tensor (3, H, W), whole or not at all, in the format that the suffix names."""
    options = {"quality": 95, "subsampling": 0} if _format_of(path) == "JPEG" else {}
    with whole_file(path) as temporary:
        to_image(picture).save(temporary, format=_format_of(path), **options)
