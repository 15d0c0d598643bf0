"""One writer a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opticonv.errors import CommandError

__all__ = ["sole_writer"]


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Make `folder` where it does not exist, and keep other commands from writing to it meanwhile.

    What a killed writer left half-written under a temporary name is removed.

    Raises
    ------
    CommandError
        `folder` is a file, can't be made or written to, or another command is writing to it.
    """
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is a file; name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(f"folder {folder} may not be written to")
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"another command is writing to {folder}") from None
        for leftover in folder.rglob(".*.part.*"):
            leftover.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)
