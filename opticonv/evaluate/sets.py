"""Sets of pictures as the command line names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nn.judging import FolderSet, PictureSet, SplitSet
from opticonv.errors import CommandError

__all__ = ["batches", "open_sets", "parse_seeds"]

SPLITS = ("training", "validation", "all")

BATCH_PIXELS = 8 * 32 * 32
"""Pixels of the input that are enlarged at a time: eight pictures of 256×256, or one larger one."""

SCALE = 8


def open_sets(given: Sequence[str], limit: int | None) -> tuple[PictureSet, ...]:
    """Open sets named ``NAME=FOLDER`` or ``NAME=FOLDER:SPLIT``.

    A folder alone is judged as it is, each picture cropped to multiples of 8; of a split, the
    pictures are prepared as for training.

    Raises
    ------
    CommandError
        Nothing is given, a name is missing or given twice, a folder has no pictures.
    """
    if not given:
        raise CommandError("no pictures to judge on; name a set: --set Set5=FOLDER")
    sets: list[PictureSet] = []
    for text in given:
        name, equals, place = text.partition("=")
        if not (name and equals and place):
            raise CommandError(f"--set {text} is not NAME=FOLDER or NAME=FOLDER:SPLIT")
        if any(known.name == name for known in sets):
            raise CommandError(f"two sets are named {name!r}")
        folder, colon, split = place.rpartition(":")
        try:
            if colon and split in SPLITS:
                sets.append(SplitSet(name, Path(folder), split, limit))
            else:
                sets.append(FolderSet.open(name, Path(place), limit=limit))
        except (FileNotFoundError, ValueError) as error:
            raise CommandError(f"--set {name}: {error}") from None
    return tuple(sets)


def parse_seeds(text: str | None) -> tuple[int | None, ...]:
    """``7,8,9`` as a user writes it; None: the one device that the URI names.

    Raises
    ------
    CommandError
        Not whole numbers with commas between, or one of them twice.
    """
    if text is None:
        return (None,)
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts) or len({int(p) for p in parts}) < len(parts):
        raise CommandError(f"--seeds {text} is not a list of different seeds, such as 7,8,9")
    return tuple(int(part) for part in parts)


def batches(pictures: PictureSet, wanted: Sequence[int]) -> Iterator[list[int]]:
    """Indices of pictures to enlarge together: of one size, `BATCH_PIXELS` at most, or one."""
    by_size: dict[tuple[int, int], list[int]] = {}
    for index in wanted:
        by_size.setdefault(pictures.size(index), []).append(index)
    for (height, width), indices in by_size.items():
        pixels = max(1, height * width // SCALE**2)
        count = max(1, BATCH_PIXELS // pixels)
        for start in range(0, len(indices), count):
            yield indices[start : start + count]
