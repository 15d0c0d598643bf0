"""What a step sees of a photograph: a crop, turned; a function of seed, epoch and index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import Dataset

from nn.data import Photographs, read_photos, reduce_photo
from nn.training.config import DataSection
from nn.training.order import CROPS, random_stream

__all__ = ["Crops", "Sizes", "read_training_photographs"]

Sizes = tuple[torch.Tensor, ...]
"""One photograph at several sizes, each (3, H, W) uint8."""


def _at_sizes(picture: Image.Image, short_sides: Sequence[int]) -> Sizes:
    made: list[torch.Tensor] = []
    for short_side in short_sides:
        reduced = reduce_photo(picture, short_side)
        same = [other for other in made if other.shape == reduced.shape]
        made.append(same[0] if same else reduced)  # a small photograph is kept once
    return tuple(made)


def read_training_photographs(folder: Path, data: DataSection) -> Photographs[Sizes]:
    """The training split, each photograph at every size of ``data.short_sides``.

    Raises
    ------
    FileNotFoundError, ValueError
        As `nn.data.read_photos`.
    """
    prepare = partial(_at_sizes, short_sides=data.short_sides)
    return read_photos(folder, "training", prepare, limit=data.limit)


class Crops(Dataset[torch.Tensor]):
    """Crops by (epoch, index), (3, window, window) uint8.

    Parameters
    ----------
    photographs : sequence of Sizes
    data : DataSection
    seed : int
    """

    def __init__(self, photographs: Sequence[Sizes], data: DataSection, *, seed: int) -> None:
        self._photographs = photographs
        self._data = data
        self._seed = seed

    def __len__(self) -> int:
        return len(self._photographs) * self._data.repeats

    def __getitem__(self, key: tuple[int, int]) -> torch.Tensor:
        epoch, index = key
        sizes = self._photographs[index % len(self._photographs)]
        window = self._data.window
        random = random_stream(self._seed, CROPS, epoch, index)
        picture = sizes[random.integers(len(sizes))]
        free = [length - window for length in picture.shape[1:]]
        if self._data.crops == "random":
            top, left = (int(random.integers(length + 1)) for length in free)
        else:
            top, left = (length // 2 for length in free)
        crop = picture[:, top : top + window, left : left + window]
        return _turned(crop, int(random.integers(8)) if self._data.flips else 0)


def _turned(picture: torch.Tensor, orientation: int) -> torch.Tensor:
    """One of a square's eight orientations: bits for rows, columns and transposition."""
    axes = [axis for axis, bit in ((1, 1), (2, 2)) if orientation & bit]
    turned = picture.flip(axes) if axes else picture
    return (turned.transpose(1, 2) if orientation & 4 else turned).contiguous()
