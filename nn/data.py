"""Photographs for training: a folder of pictures, prepared once and kept in memory as uint8."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import torch
from PIL import Image, UnidentifiedImageError
from torch.utils.data import Dataset

from nn.sampling import decimate

__all__ = [
    "PhotoDataset",
    "Photos",
    "Split",
    "load_photos",
    "picture_name",
    "prepare_photo",
    "split_of",
    "to_tensor",
]

SIZE = 256
TRAINING_FRACTION = 0.7
NAME_DIGITS = 10
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


Split = Literal["training", "validation"]


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """RGB picture as uint8 tensor (3, H, W)."""
    rgb = picture.convert("RGB")
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
        If the shorter side is below `size`.
    """
    side = min(picture.size)
    if side < size:
        raise ValueError(f"shorter side {side} is under {size}")
    left = (picture.width - side) // 2
    top = (picture.height - side) // 2
    square = picture.convert("RGB").crop((left, top, left + side, top + side))
    return to_tensor(square.resize((size, size), Image.Resampling.BICUBIC))


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
    """Read a folder of photographs.

    A picture whose shorter side is under 256 is rejected; the others go through `prepare_photo`.
    The SHA-1 of the file's content names a picture, drops duplicates and decides its split, so
    training and validation never share a picture and neither depends on the others.  A file that
    is called by 10 hex digits keeps that name: `opticonv data ingest` names its files after the
    content that they were made from.

    Parameters
    ----------
    folder : path
        Its pictures, and those of folders inside it, are read in order of their names.
    split : "training", "validation" or "all"
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
    pictures: list[torch.Tensor] = []
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
                prepared = prepare_photo(picture)
        except (UnidentifiedImageError, OSError, ValueError) as error:
            rejected[path.name] = str(error)
            continue
        names.append(name)
        pictures.append(prepared)
    if not pictures:
        raise ValueError(f"no usable {split} picture in {root} ({len(rejected)} rejected)")
    return Photos(tuple(names), torch.stack(pictures), rejected)


_INGESTED = re.compile(f"[0-9a-f]{{{NAME_DIGITS}}}")


def _picture_files(root: Path) -> Iterable[Path]:
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)


class PhotoDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Pairs (input, target) of the super-resolution task, float32 in [0, 1].

    Without augmentation the target is the 256² picture and the input its 32² decimation.  With
    it, the target is a random 248² window (so that the decimation meets every pixel phase),
    flipped and transposed at random, and the input 31².

    Parameters
    ----------
    pictures : torch.Tensor, shape (n, 3, 256, 256), uint8
    augment : bool
        Draws come from torch's global generator.
    scale : int
    """

    def __init__(self, pictures: torch.Tensor, *, augment: bool = False, scale: int = 8) -> None:
        self.pictures = pictures
        self.augment = augment
        self.scale = scale

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        target = self.pictures[index]
        if self.augment:
            target = self._augmented(target)
        target = target.float() / 255.0
        return decimate(target, self.scale).contiguous(), target.contiguous()

    def _augmented(self, picture: torch.Tensor) -> torch.Tensor:
        size = picture.shape[-1] - self.scale
        draws = torch.randint(0, self.scale + 1, (2,)).tolist()
        picture = picture[:, draws[0] : draws[0] + size, draws[1] : draws[1] + size]
        flip_rows, flip_columns, transpose = torch.randint(0, 2, (3,)).tolist()
        axes = [axis for axis, flip in ((1, flip_rows), (2, flip_columns)) if flip]
        picture = picture.flip(axes) if axes else picture
        return picture.transpose(1, 2) if transpose else picture
