"""Which pictures are enlarged, and where each result goes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from opticonv.enlarging.formats import FORMATS, Format, format_of
from opticonv.enlarging.reading import SUFFIXES
from opticonv.errors import CommandError
from opticonv.files import check_writable

__all__ = ["Job", "Way", "jobs_for_folder", "jobs_for_one"]

Way = Literal["electronic", "optical"]


@dataclass(frozen=True)
class Job:
    """One picture, one way to enlarge it, one file for the result."""

    source: Path
    way: Way
    target: Path


def jobs_for_one(source: Path, out: Path, ways: Sequence[Way]) -> list[Job]:
    """One picture into a file of that name; two ways into two, told apart by their names.

    Raises
    ------
    CommandError
        `out` names no format, or lies where nothing can be written, or is `source`.
    """
    format_of(out)
    jobs = [Job(source, way, _named(out, way, ways)) for way in ways]
    for job in jobs:
        check_writable(job.target)
    _refuse_overwritten_sources(jobs)
    return jobs


def jobs_for_folder(
    sources: Sequence[Path],
    out: Path,
    ways: Sequence[Way],
    *,
    recursive: bool = False,
    suffix: str | None = None,
) -> list[Job]:
    """Pictures and folders of pictures into a folder, under their names.

    A folder's pictures are those whose suffix says so, in order of their names; names that begin
    with a dot are left out, and so is `out` itself.  Folders in folders (`recursive`) are kept
    apart in the result as they are in the source; links to folders are not followed.

    Parameters
    ----------
    sources : sequence of Path
    out : Path
        Need not exist.
    ways : sequence of "electronic", "optical"
    recursive : bool
    suffix : str or None
        Of all results, such as ".png"; None: that of the source, or .png where a source's format
        isn't written.

    Raises
    ------
    CommandError
        There is nothing to enlarge, `out` can't be written to, two results would be one file, or
        a result would replace a picture that is to be enlarged.
    """
    _check_folder(out)
    jobs = [
        Job(source, way, out / _named(place.with_suffix(_suffix(source, suffix)), way, ways))
        for source, place in _pictures(sources, out, recursive)
        for way in ways
    ]
    if not jobs:
        where = ", ".join(map(str, sources))
        deeper = "" if recursive else "; --recursive looks into folders inside"
        raise CommandError(f"there is no picture in {where}{deeper}")
    _refuse_collisions(jobs)
    _refuse_overwritten_sources(jobs)
    return jobs


def _named(path: Path, way: Way, ways: Sequence[Way]) -> Path:
    return path if len(ways) == 1 else path.with_name(f"{path.stem}_{way}{path.suffix}")


def _suffix(source: Path, wanted: str | None) -> str:
    if wanted is not None:
        return wanted
    written = {suffix for known in FORMATS for suffix in known.suffixes}
    return source.suffix if source.suffix.lower() in written else _default().suffixes[0]


def _default() -> Format:
    return FORMATS[0]


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise CommandError(f"{out} is a file; name a folder for several pictures")
    if not out.exists() and out.suffix.lower() in SUFFIXES:
        raise CommandError(
            f"{out} is the name of a picture; name a folder for a folder's pictures or several"
        )
    home = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        raise CommandError(f"folder {home} may not be written to")


def _pictures(sources: Sequence[Path], out: Path, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """Each picture and its place below the folder for results, without repetition."""
    seen: set[Path] = set()
    for source in sources:
        if source.is_dir():
            found = [(path, path.relative_to(source)) for path in _within(source, out, recursive)]
        else:
            found = [(source, Path(source.name))]
        for path, place in found:
            if path.absolute() not in seen:
                seen.add(path.absolute())
                yield path, place


def _within(folder: Path, out: Path, recursive: bool) -> list[Path]:
    if out.exists() and folder.samefile(out):
        raise CommandError(f"{out} is the folder of pictures to enlarge; write to another folder")
    found = []

    def refuse(error: OSError) -> None:
        raise CommandError(f"folder {error.filename} cannot be read: {error.strerror}")

    for here, folders, files in os.walk(folder, onerror=refuse):
        inside = [name for name in sorted(folders) if not name.startswith(".")]
        inside = [n for n in inside if not (out.exists() and Path(here, n).samefile(out))]
        folders[:] = inside if recursive else []
        found += [
            Path(here, name)
            for name in sorted(files)
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    return found


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    first: dict[Path, Path] = {}
    for job in jobs:
        other = first.setdefault(job.target, job.source)
        if other != job.source:
            raise CommandError(
                f"{other} and {job.source} would both become {job.target}; "
                "enlarge them into different folders"
            )


def _refuse_overwritten_sources(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in sources or (
            job.target.exists() and job.source.exists() and job.target.samefile(job.source)
        ):
            raise CommandError(f"{job.target} is a picture to enlarge; write to another file")
