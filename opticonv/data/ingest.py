"""A folder of pictures to 256² photographs for training, in two splits."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from nn.data import NAME_DIGITS, SIZE, prepare_photo, split_of
from opticonv.data.decoding import UndecodableError, decoded, without_pillow_warnings
from opticonv.data.folder_lock import sole_writer
from opticonv.data.journal import MANIFEST, Journal
from opticonv.data.manifest import INGESTED, FetchedPicture, IngestedPicture
from opticonv.data.normalising import upright_rgb
from opticonv.data.sources import fetched_by_sha1, picture_files, shown
from opticonv.errors import CommandError
from opticonv.files import whole_file
from opticonv.picture_files import to_image

__all__ = ["IngestReport", "Rejection", "ingest", "settings_of"]

_LARGEST = 256_000_000
"""Bytes of a file that is read."""


@dataclass(frozen=True)
class Rejection:
    """A file that gave no picture.

    Attributes
    ----------
    file : str
        Relative to the ingested folder.
    reason : str
        One of a few, to count by.
    detail : str
    """

    file: str
    reason: str
    detail: str


@dataclass
class IngestReport:
    """What came of an ingestion.

    Attributes
    ----------
    accepted : list of IngestedPicture
        By this run.
    already : int
        Files whose pictures were there before.
    rejected : list of Rejection
        Duplicates included.
    others : int
        Files whose names are no pictures' names.
    """

    accepted: list[IngestedPicture] = field(default_factory=list)
    already: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    others: int = 0


def settings_of(*, keep_aspect: bool) -> dict[str, int | bool]:
    """What all pictures of an ingested folder have in common."""
    return {"shorter_side": SIZE, "square": not keep_aspect}


def ingest(
    folder: Path,
    out: Path,
    report: IngestReport,
    *,
    keep_aspect: bool,
    threads: int,
    listen: Callable[[int, int], None],
) -> None:
    """Write every usable picture of `folder` to ``out/SPLIT/NAME.png``.

    NAME, and with it the split, is by the SHA-1 of the file's content: copies fall together and
    adding pictures moves none.  Each picture is in the manifest once it is on the disk: what is
    finished is kept whatever ends the run, and the next one goes on.

    Parameters
    ----------
    folder, out : Path
    report : IngestReport
        Is filled, so that there is one after an exception too.
    keep_aspect : bool
        Keep all of a picture, its shorter side reduced to 256, instead of its centre square.
    threads : int
    listen : callable
        Gets the number of files that are done, and of all.

    Raises
    ------
    CommandError
        A folder can't be used.
    """
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}")
    if folder.resolve() == out.resolve() or out.resolve() in folder.resolve().parents:
        raise CommandError(f"{folder} is in {out}: write to a folder elsewhere")
    files, report.others = picture_files(folder, out)
    if not files:
        raise CommandError(f"there is no picture in {folder} ({report.others} other files)")
    fetched = fetched_by_sha1(folder, out)
    with sole_writer(out), without_pillow_warnings():
        journal = Journal(
            out / MANIFEST, INGESTED, IngestedPicture, settings_of(keep_aspect=keep_aspect)
        )
        for split in ("training", "validation"):
            (out / split).mkdir(exist_ok=True)
        jobs = _new_jobs(folder, files, _Known(out, journal), fetched, report)
        with closing(_in_threads(lambda job: _make(job, out, keep_aspect), jobs, threads)) as made:
            for outcome in made:
                if isinstance(outcome, Rejection):
                    report.rejected.append(outcome)
                else:
                    journal.append(outcome)
                    report.accepted.append(outcome)
                listen(len(report.accepted) + len(report.rejected) + report.already, len(files))
        listen(len(files), len(files))


@dataclass(frozen=True)
class _Job:
    file: str
    content: bytes
    sha1: str
    fetched: FetchedPicture | None


class _Known:
    """Pictures of the manifest by name, and which of them are still there."""

    def __init__(self, out: Path, journal: Journal[IngestedPicture]) -> None:
        self._sha1 = {record.name: record.source_sha1 for record in journal.records}
        self._there = {r.name for r in journal.records if (out / r.file).exists()}

    def has(self, sha1: str) -> bool:
        name = sha1[:NAME_DIGITS]
        return name in self._there and self._sha1[name] == sha1

    def why_not(self, sha1: str) -> str | None:
        """Why a picture that isn't there may not be made."""
        name = sha1[:NAME_DIGITS]
        if self._sha1.get(name, sha1) != sha1:
            return f"another picture is called {name}"
        if name in self._sha1 and name not in self._there:
            return f"{name} is in the manifest, but its picture was taken out of the folder"
        return None


def _new_jobs(
    folder: Path,
    files: list[Path],
    known: _Known,
    fetched: dict[str, FetchedPicture],
    report: IngestReport,
) -> Iterator[_Job]:
    """Files that have no picture yet; the report gets those that need none."""
    seen: dict[str, str] = {}
    for path in files:
        file = shown(path.relative_to(folder))
        try:
            content = _content(path)
        except UndecodableError as error:
            report.rejected.append(Rejection(file, error.reason, error.detail))
            continue
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        first = seen.setdefault(sha1[:NAME_DIGITS], file)
        why_not = known.why_not(sha1)
        if first != file:
            report.rejected.append(Rejection(file, "duplicate", f"the same as {first}"))
        elif known.has(sha1):
            report.already += 1
        elif why_not is not None:
            report.rejected.append(Rejection(file, "left out before", why_not))
        else:
            yield _Job(file, content, sha1, fetched.get(sha1))


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UndecodableError("not readable", "it is not a file, or a link to none")
        size = path.stat().st_size
        if size > _LARGEST:
            raise UndecodableError("too large", f"{size / 1e6:.0f} MB, over {_LARGEST / 1e6:.0f}")
        return path.read_bytes()
    except OSError as error:
        raise UndecodableError("not readable", error.strerror or str(error)) from None


def _make(job: _Job, out: Path, keep_aspect: bool) -> IngestedPicture | Rejection:
    try:
        picture, notes = upright_rgb(decoded(job.content, shortest=SIZE))
    except UndecodableError as error:
        return Rejection(job.file, error.reason, error.detail)
    except MemoryError:
        return Rejection(job.file, "too many pixels", "there is no memory for them")
    except Exception as error:  # one odd file in thousands is no reason to end
        return Rejection(job.file, "not convertible", f"{type(error).__name__}: {error}")
    made = _reduced(picture) if keep_aspect else to_image(prepare_photo(picture))
    name = job.sha1[:NAME_DIGITS]
    split = split_of(name)
    file = out / split / f"{name}.png"
    with whole_file(file) as temporary, open(temporary, "xb") as stream:
        made.save(stream, format="PNG")
        stream.flush()
        os.fsync(stream.fileno())
    return IngestedPicture(
        name=name,
        file=f"{split}/{file.name}",
        split=split,
        width=made.width,
        height=made.height,
        source=job.file,
        source_sha1=job.sha1,
        source_width=picture.width,
        source_height=picture.height,
        notes=notes,
        keyword=job.fetched.keyword if job.fetched else None,
        origin=job.fetched.origin if job.fetched else None,
    )


def _reduced(picture: Image.Image) -> Image.Image:
    """All of a picture, its shorter side reduced to `SIZE`."""
    factor = SIZE / min(picture.size)
    width, height = (max(SIZE, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _in_threads(
    make: Callable[[_Job], IngestedPicture | Rejection], jobs: Iterator[_Job], threads: int
) -> Generator[IngestedPicture | Rejection, None, None]:
    """Results in the order of the jobs, of which few are taken before they are needed."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[IngestedPicture | Rejection]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(make, job))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
