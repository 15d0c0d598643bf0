"""Files that appear whole or not at all, whatever interrupts their writing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opticonv.errors import CommandError

__all__ = ["check_writable", "whole_file", "whole_folder"]


def check_writable(path: Path) -> None:
    """Make sure, before the work begins, that `path` can be written.

    Raises
    ------
    CommandError
        `path` is a folder, or its folder does not exist or may not be written to.
    """
    if path.is_dir():
        raise CommandError(f"{path} is a folder; name a file")
    if not path.parent.is_dir():
        raise CommandError(f"there is no folder {path.parent} to write {path.name} to")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise CommandError(f"folder {path.parent} may not be written to")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to, that becomes `path` when the block succeeds.

    Yields
    ------
    Path
        With the suffix of `path`; removed if the block raises.
    """
    temporary = path.with_name(f".{path.stem[:40]}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder whose files move to folder `path` when the block succeeds.

    Files of the same names in `path` are replaced, others stay.

    Raises
    ------
    CommandError
        `path` is a file, or cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise CommandError(f"{path} is a file; name a folder")
    home = next(parent for parent in path.absolute().parents if parent.is_dir())
    if not os.access(path if path.is_dir() else home, os.W_OK | os.X_OK):
        raise CommandError(f"folder {path} may not be written to")
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=home))
    try:
        yield temporary
        path.mkdir(parents=True, exist_ok=True)
        for file in sorted(temporary.iterdir()):
            os.replace(file, path / file.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
