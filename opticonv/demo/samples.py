"""The photographs of the demonstration: those that come with scikit-image, and the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch

from nn.data import SIZE, prepare_photo
from opticonv.errors import CommandError
from opticonv.picture_files import read_picture

__all__ = ["LARGE", "SAMPLES", "Photo", "load_photos"]

SAMPLES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
"""Colour photographs in scikit-image's own package: no network is needed for them."""

LARGE = "chelsea"
"""The photograph that is enlarged from 256² to 2048² too."""


@dataclass(frozen=True)
class Photo:
    """A photograph, centre-cropped square and resized: uint8, (3, 256, 256)."""

    name: str
    picture: torch.Tensor


def load_photos(paths: Sequence[Path]) -> list[Photo]:
    """The samples, then the user's photographs, each under a name of its own.

    Raises
    ------
    CommandError
        A photograph can't be read, or its shorter side is under 256 pixels.
    """
    with resources.as_file(resources.files("skimage.data")) as folder:
        photos = [_load(folder / name, name.split(".")[0].split("_")[0]) for name in SAMPLES]
    for path in paths:
        photos.append(_load(path, _unused(path.stem, {photo.name for photo in photos})))
    return photos


def _load(path: Path, name: str) -> Photo:
    picture = read_picture(path)
    if min(picture.size) < SIZE:
        raise CommandError(
            f"{path} has {picture.width}×{picture.height} pixels; "
            f"the demo needs {SIZE} or more a side"
        )
    return Photo(name, prepare_photo(picture))


def _unused(name: str, taken: set[str]) -> str:
    candidates = (
        name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2)
    )
    return next(candidate for candidate in candidates if candidate not in taken)
