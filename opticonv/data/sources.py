"""Which files of a folder are candidates for ingestion, and what a fetch knows of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nn.data import SUFFIXES
from opticonv.data.journal import MANIFEST, Journal, journal_kind
from opticonv.data.manifest import FETCHED, INGESTED, FetchedPicture
from opticonv.errors import CommandError

__all__ = ["fetched_by_sha1", "picture_files", "shown"]

_PICTURES = SUFFIXES | {
    ".apng", ".avif", ".gif", ".heic", ".heif", ".j2k", ".jfif", ".jp2", ".jpe", ".mpo", ".pgm",
    ".ppm", ".tga",
}  # fmt: skip
"""Suffixes of files that are tried; some can't be read everywhere, and are reported then."""


def picture_files(folder: Path, without: Path) -> tuple[list[Path], int]:
    """Files of `folder` and of those inside it that are called as pictures are, by name.

    Hidden ones and those in folder `without` are left out.

    Returns
    -------
    files : list of Path
    others : int
        Number of files that are called otherwise.
    """
    files, others = [], 0
    for path in _visible_files(folder, without.resolve()):
        if path.suffix.lower() in _PICTURES:
            files.append(path)
        else:
            others += path.name != MANIFEST
    return files, others


def _visible_files(folder: Path, without: Path) -> Iterator[Path]:
    for home, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (Path(home) / name).resolve() != without
        )
        yield from (Path(home) / name for name in sorted(names) if not name.startswith("."))


def fetched_by_sha1(folder: Path, without: Path) -> dict[str, FetchedPicture]:
    """What the manifests in `folder` and in those inside it say, by the SHA-1 of the content.

    Folder `without` is left out.

    Raises
    ------
    CommandError
        A manifest can't be read, or is one of pictures that have been ingested already.
    """
    known: dict[str, FetchedPicture] = {}
    for path in _visible_files(folder, without.resolve()):
        if path.name != MANIFEST:
            continue
        if journal_kind(path) == INGESTED:
            raise CommandError(f"{path.parent} has been ingested already: it has a manifest of it")
        for record in Journal(path, FETCHED, FetchedPicture).records:
            known[record.sha1] = record
    return known


def shown(path: Path) -> str:
    """`path` as text that can be printed and written, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "replace")
