"""Sets of true pictures to judge enlargements on, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image, UnidentifiedImageError

from nn.data import SUFFIXES, UNREADABLE, load_photos, to_tensor

__all__ = ["FolderSet", "PictureSet", "SplitSet", "cropped_to_multiples", "load_test_pictures"]

SCALE = 8


class PictureSet(Protocol):
    """True pictures in a fixed order."""

    @property
    def name(self) -> str:
        """Of the set."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Of the pictures; unique."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a picture, multiples of 8."""
        ...

    def load(self, index: int) -> torch.Tensor:
        """A picture, (3, H, W), float32 in [0, 1]."""
        ...


def cropped_to_multiples(picture: torch.Tensor, scale: int = SCALE) -> torch.Tensor:
    """The middle of a picture (..., H, W) with sides that are multiples of `scale`."""
    height, width = (size - size % scale for size in picture.shape[-2:])
    top = (picture.shape[-2] - height) // 2
    left = (picture.shape[-1] - width) // 2
    return picture[..., top : top + height, left : left + width].contiguous()


@dataclass(frozen=True)
class FolderSet:
    """The pictures of a folder as they are, centre-cropped to multiples of 8.

    Grey pictures become RGB of three equal channels.

    Attributes
    ----------
    name : str
    names : tuple of str
        File names without suffix.
    paths : tuple of Path
    """

    name: str
    names: tuple[str, ...]
    paths: tuple[Path, ...]

    @classmethod
    def open(cls, name: str, folder: Path | str, *, limit: int | None = None) -> FolderSet:
        """All pictures of a folder, or the first `limit`, in the order of their file names.

        Raises
        ------
        FileNotFoundError
            There is no such folder, or no picture in it.
        ValueError
            Two pictures have the same name up to the suffix.
        """
        root = Path(folder)
        if not root.is_dir():
            raise FileNotFoundError(f"there is no folder {root}")
        found = sorted(p for p in root.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        paths = tuple(found if limit is None else found[:limit])
        if not paths:
            raise FileNotFoundError(f"no pictures in {root}")
        names = tuple(path.stem for path in paths)
        twice = sorted({stem for stem in names if names.count(stem) > 1})
        if twice:
            raise ValueError(f"two pictures in {root} are named {twice[0]}")
        return cls(name, names, paths)

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a picture, cropped."""
        with self._reading(index), Image.open(self.paths[index]) as picture:
            return picture.height - picture.height % SCALE, picture.width - picture.width % SCALE

    def load(self, index: int) -> torch.Tensor:
        """A picture, (3, H, W), float32 in [0, 1].

        Raises
        ------
        ValueError
            The file cannot be read, or a side is under 8 pixels.
        """
        with self._reading(index), Image.open(self.paths[index]) as picture:
            full = to_tensor(picture)
        if min(full.shape[-2:]) < SCALE:
            raise ValueError(f"{self.paths[index]}: a side is under {SCALE} pixels")
        return cropped_to_multiples(full).float() / 255.0

    @contextmanager
    def _reading(self, index: int) -> Iterator[None]:
        try:
            yield
        except UnidentifiedImageError:
            raise ValueError(f"{self.paths[index]} is not a picture that can be read") from None
        except UNREADABLE as error:
            raise ValueError(f"{self.paths[index]} cannot be read: {error}") from None


class SplitSet:
    """One split of a folder of photographs, prepared as for training: 256², named by SHA-1.

    Parameters, and errors, as for `nn.data.load_photos`.
    """

    def __init__(self, name: str, folder: Path | str, split: str, limit: int | None = None) -> None:
        if split not in ("training", "validation", "all"):
            raise ValueError(f"no split {split!r}; there are training, validation, all")
        photos = load_photos(folder, split, limit=limit)  # type: ignore[arg-type]
        self.name = name
        self.names: tuple[str, ...] = photos.names
        self._pictures = photos.pictures

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a picture."""
        height, width = self._pictures[index].shape[-2:]
        return height, width

    def load(self, index: int) -> torch.Tensor:
        """A picture, (3, 256, 256), float32 in [0, 1]."""
        return self._pictures[index].float() / 255.0


def load_test_pictures(folder: Path | str) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and picture (3, H, W), float32 in [0, 1], of each picture of a folder; see `FolderSet`.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no picture in it.
    """
    pictures = FolderSet.open(Path(folder).name, folder)
    for index, name in enumerate(pictures.names):
        yield name, pictures.load(index)
