"""Which photographs the page shows."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nn.data import SIZE, prepare_photo
from opticonv.demo.samples import LARGE, Photo, load_photos
from opticonv.errors import CommandError
from opticonv.picture_files import read_picture

__all__ = ["MOST", "Chosen", "choose_photos", "sample_photos", "shown_photos"]

MOST = 12
"""Photographs on a page: more would not fit in its size."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class Chosen:
    """Photographs, and what is to be said of their origin.

    Attributes
    ----------
    photos : tuple of Photo
        One at least; the first is enlarged further and stands in the table of losses.
    origin : str
    digests : dict
        SHA-256 of the file by name of the photograph; empty for samples.
    left_out : dict
        Reason by name of a file that is not shown.
    """

    photos: tuple[Photo, ...]
    origin: str
    digests: dict[str, str]
    left_out: dict[str, str]


def choose_photos(folder: Path | None) -> Chosen:
    """The first pictures of a folder, by name; without one scikit-image's samples.

    Raises
    ------
    CommandError
        There is no such folder, or no picture in it that can be shown.
    """
    return sample_photos() if folder is None else _folder_photos(folder)


def sample_photos() -> Chosen:
    """Of scikit-image."""
    photos = sorted(load_photos([]), key=lambda photo: photo.name != LARGE)
    return Chosen(tuple(photos), "sample photographs of scikit-image", {}, {})


def shown_photos(photos: Sequence[Photo], paths: Sequence[Path]) -> Chosen:
    """Samples, and photographs of those files after them; those beyond `MOST` are left out."""
    digests = {
        photo.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for photo, path in zip(photos[len(photos) - len(paths) : MOST], paths, strict=False)
    }
    left_out = {photo.name: f"the page shows {MOST}" for photo in photos[MOST:]}
    origin = "sample photographs of scikit-image" + (", and the user's" if paths else "")
    return Chosen(tuple(photos[:MOST]), origin, digests, left_out)


def _folder_photos(folder: Path) -> Chosen:
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    photos: list[Photo] = []
    digests: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for path in paths:
        if len(photos) == MOST:
            left_out[path.name] = f"the page shows {MOST}"
            continue
        try:
            picture = read_picture(path)
            if min(picture.size) < SIZE:
                raise CommandError(
                    f"{picture.width}×{picture.height} pixels; {SIZE} or more a side are needed"
                )
        except CommandError as error:
            left_out[path.name] = str(error).removeprefix(f"{path} ").removeprefix(f"{path}: ")
            warnings.warn(f"{path.name} is left out: {left_out[path.name]}", stacklevel=2)
            continue
        name = path.stem if path.stem not in digests else path.name
        photos.append(Photo(name, prepare_photo(picture)))
        digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    if not photos:
        found = f"none of {len(paths)} pictures" if paths else "no picture"
        raise CommandError(f"{folder} holds {found} of {SIZE} or more pixels a side")
    return Chosen(tuple(photos), f"folder {folder.name}", digests, left_out)
