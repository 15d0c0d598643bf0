"""Photographs: a folder of pictures, split by their content, prepared and kept as uint8."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Generic, Literal, TypeVar

import torch
from PIL import Image

__all__ = [
    "Photographs",
    "Photos",
    "Split",
    "load_photos",
    "picture_name",
    "prepare_photo",
    "read_photos",
    "reduce_photo",
    "split_of",
    "to_tensor",
]

SIZE = 256
TRAINING_FRACTION = 0.7
NAME_DIGITS = 10
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises when a file is no picture, a damaged one, or one of too many pixels."""


Split = Literal["training", "validation"]
Prepared = TypeVar("Prepared")


def _rgb(picture: Image.Image) -> Image.Image:
    """As Pillow converts it, unless that would make white of nearly everything."""
    if picture.mode.startswith(("I", "F")):
        raise ValueError(
            f"its greys have more than 8 bits (mode {picture.mode}); opticonv data ingest, or any "
            "picture editor, reduces them"
        )
    return picture.convert("RGB")


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """RGB picture as uint8 tensor (3, H, W).

    Raises
    ------
    ValueError
        Its greys have more than 8 bits.
    """
    rgb = _rgb(picture)
    flat = torch.frombuffer(bytearray(rgb.tobytes()), dtype=torch.uint8)
    return flat.view(rgb.height, rgb.width, 3).permute(2, 0, 1).contiguous()


def prepare_photo(picture: Image.Image, size: int = SIZE) -> torch.Tensor:
    """RGB, centre-cropped square, resized to ``size``×``size`` (bicubic, antialiased).

    Returns
    -------
    torch.Tensor, shape (3, size, size), uint8

    Raises
    ------
    ValueError
        If the shorter side is below `size`, or greys have more than 8 bits.
    """
    side = _shorter_side(picture, size)
    left = (picture.width - side) // 2
    top = (picture.height - side) // 2
    square = _rgb(picture).crop((left, top, left + side, top + side))
    return to_tensor(square.resize((size, size), Image.Resampling.BICUBIC))


def reduce_photo(picture: Image.Image, short_side: int) -> torch.Tensor:
    """RGB, whole, reduced to that shorter side (bicubic, antialiased), never enlarged.

    Returns
    -------
    torch.Tensor, shape (3, H, W), uint8

    Raises
    ------
    ValueError
        If the shorter side is below 256, or greys have more than 8 bits.
    """
    side = _shorter_side(picture, SIZE)
    rgb = _rgb(picture)
    if side > short_side:
        size = (round(length * short_side / side) for length in picture.size)
        width, height = (max(length, short_side) for length in size)
        rgb = rgb.resize((width, height), Image.Resampling.BICUBIC)
    return to_tensor(rgb)


def _shorter_side(picture: Image.Image, least: int) -> int:
    side = min(picture.size)
    if side < least:
        raise ValueError(f"shorter side {side} is under {least}")
    return side


@dataclass(frozen=True)
class Photos:
    """Prepared photographs of one split.

    Attributes
    ----------
    names : tuple of str
        First 10 hex digits of each file's SHA-1.
    pictures : torch.Tensor, shape (n, 3, 256, 256), uint8
    rejected : dict
        File name → reason, of the files that were left out.
    """

    names: tuple[str, ...]
    pictures: torch.Tensor
    rejected: dict[str, str]


@dataclass(frozen=True)
class Photographs(Generic[Prepared]):
    """Photographs of one split, each as it was asked for; as `Photos` else."""

    names: tuple[str, ...]
    pictures: tuple[Prepared, ...]
    rejected: dict[str, str]


def picture_name(content: bytes) -> str:
    """First 10 hex digits of the SHA-1 of a file's content."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()[:NAME_DIGITS]


def split_of(name: str) -> Split:
    """Split of a picture by the leading 32 bits of its name, whatever other pictures there are.

    Parameters
    ----------
    name : str
        What `picture_name` returns, or a longer digest; 70 % of all are for training.
    """
    return "training" if int(name[:8], 16) < TRAINING_FRACTION * 2**32 else "validation"


def load_photos(
    folder: Path | str,
    split: Literal["training", "validation", "all"] = "all",
    *,
    limit: int | None = None,
) -> Photos:
    """Read a folder of photographs, each through `prepare_photo`.

    Parameters and errors as for `read_photos`.
    """
    read = read_photos(folder, split, prepare_photo, limit=limit)
    return Photos(read.names, torch.stack(read.pictures), read.rejected)


def read_photos(
    folder: Path | str,
    split: Literal["training", "validation", "all"],
    prepare: Callable[[Image.Image], Prepared],
    *,
    limit: int | None = None,
) -> Photographs[Prepared]:
    """Read a folder of photographs, each as `prepare` makes it.

    A picture whose shorter side is under 256 is rejected.  The SHA-1 of the file's content names a
    picture, drops duplicates and decides its split, so training and validation never share a
    picture and neither depends on the others.  A file that is called by 10 hex digits keeps that
    name: `opticonv data ingest` names its files after the content that they were made from.

    Parameters
    ----------
    folder : path
        Its pictures, and those of folders inside it, are read in order of their names.
    split : "training", "validation" or "all"
    prepare : callable
        Raises ValueError for a picture that it rejects.
    limit : int or None
        Stop after that many pictures of the split.

    Raises
    ------
    FileNotFoundError
        If `folder` is not a folder.
    ValueError
        If no usable picture of the split is in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"no folder of photographs at {root}")
    names: list[str] = []
    pictures: list[Prepared] = []
    rejected: dict[str, str] = {}
    seen: set[str] = set()
    for path in _picture_files(root):
        if limit is not None and len(names) >= limit:
            break
        content = path.read_bytes()
        name = path.stem if _INGESTED.fullmatch(path.stem) else picture_name(content)
        if name in seen:
            rejected[path.name] = "duplicate"
            continue
        seen.add(name)
        if split not in ("all", split_of(name)):
            continue
        try:
            with Image.open(BytesIO(content)) as picture:
                prepared = prepare(picture)
        except UNREADABLE as error:
            rejected[path.name] = str(error)
            continue
        names.append(name)
        pictures.append(prepared)
    if not pictures:
        raise ValueError(f"no usable {split} picture in {root} ({len(rejected)} rejected)")
    return Photographs(tuple(names), tuple(pictures), rejected)


_INGESTED = re.compile(f"[0-9a-f]{{{NAME_DIGITS}}}")


def _picture_files(root: Path) -> Iterable[Path]:
    return sorted(
        path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
    )
