"""Collect pictures by keyword into a folder, and go on where the last run stopped."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from nn.data import NAME_DIGITS
from opticonv.data.client import Etiquette, PoliteClient, UnobtainableError
from opticonv.data.commons import Candidate, CommonsSearch, Unusable
from opticonv.data.decoding import without_pillow_warnings
from opticonv.data.download import Download, download
from opticonv.data.folder_lock import sole_writer
from opticonv.data.journal import MANIFEST, Journal
from opticonv.data.licences import LicenceGroup
from opticonv.data.manifest import FETCHED, FetchedPicture
from opticonv.errors import CommandError
from opticonv.files import whole_file

__all__ = ["FetchOrder", "KeywordTally", "fetch", "preview"]

_FAILURES_IN_A_ROW = 5


@dataclass(frozen=True)
class FetchOrder:
    """What to fetch.

    Attributes
    ----------
    keywords : tuple of str
    count : int
        Pictures for each keyword, those from earlier runs included.
    out : Path
    licences : frozenset of str
        Groups of `opticonv.data.licences` that are taken.
    width : int or None
        Of thumbnails [pixels]; None for the originals.
    limit : int
        Bytes of a picture.
    shortest : int
        Least length of the shorter side [pixels].
    api : str
    etiquette : Etiquette
    """

    keywords: tuple[str, ...]
    count: int
    out: Path
    licences: frozenset[LicenceGroup]
    width: int | None
    limit: int
    shortest: int
    api: str
    etiquette: Etiquette


@dataclass
class KeywordTally:
    """What came of one keyword.

    Attributes
    ----------
    keyword : str
    had, taken : int
        Pictures from earlier runs, and from this one.
    bytes : int
        Of those taken.
    left : Counter
        Reason → pictures that were found and left.
    failed : dict
        Title → what went wrong while it was downloaded.
    licences : Counter
        Licence → pictures taken.
    """

    keyword: str
    had: int
    taken: int = 0
    bytes: int = 0
    left: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    licences: Counter[str] = field(default_factory=Counter)


Listener = Callable[[KeywordTally], None]


def fetch(
    order: FetchOrder,
    tallies: list[KeywordTally],
    listen: Listener,
    notice: Callable[[str], None],
) -> None:
    """Download what `order` says, a picture at a time.

    Each picture is in the manifest before the next is asked for: whatever ends the run, nothing
    that is finished is lost.

    Parameters
    ----------
    order : FetchOrder
    tallies : list
        Is filled with a tally a keyword, so that there is one after an exception too.
    listen : callable
        Gets a tally whenever it has changed.
    notice : callable
        Gets a sentence when there is a wait, or a picture failed.

    Raises
    ------
    CommandError
        The folder can't be used, or the server can't now.
    """
    with sole_writer(order.out), without_pillow_warnings(), _client(order, notice) as client:
        journal = Journal(order.out / MANIFEST, FETCHED, FetchedPicture)
        known = _Known(order.out, journal)
        in_a_row = 0
        for tally, candidate in _wanted(order, client, known, tallies, listen):
            try:
                got = download(client, candidate, limit=order.limit, shortest=order.shortest)
            except UnobtainableError as error:
                tally.failed[candidate.origin.title] = str(error)
                notice(f"{candidate.origin.title}: {error}")
                in_a_row += 1
                if in_a_row == _FAILURES_IN_A_ROW:
                    raise CommandError(
                        f"{in_a_row} pictures in a row failed, the last with: {error}"
                    ) from None
                continue
            in_a_row = 0
            if got.sha1[:NAME_DIGITS] in known.names:
                tally.left["the same picture as another"] += 1
                continue
            journal.append(_keep(order.out, tally.keyword, candidate, got))
            known.add(journal.records[-1])
            tally.taken += 1
            tally.bytes += len(got.content)
            tally.licences[candidate.origin.licence or "not stated"] += 1
            listen(tally)


def preview(
    order: FetchOrder,
    tallies: list[KeywordTally],
    listen: Listener,
    notice: Callable[[str], None],
) -> None:
    """As `fetch`, but pictures are looked up alone: nothing is downloaded or written.

    The bytes in the tallies are estimates: a JPEG of a photograph takes about 0.25 a pixel.
    """
    if order.out.exists() and not order.out.is_dir():
        raise CommandError(f"{order.out} is a file; name a folder")
    with _client(order, notice) as client:
        journal = Journal(order.out / MANIFEST, FETCHED, FetchedPicture)
        known = _Known(order.out, journal)
        for tally, candidate in _wanted(order, client, known, tallies, listen):
            known.originals.add(candidate.origin.original_sha1)
            tally.taken += 1
            tally.bytes += candidate.original_bytes or candidate.width * candidate.height // 4
            tally.licences[candidate.origin.licence or "not stated"] += 1
            listen(tally)


class _Known:
    """Pictures of the manifest, by what they are known by.

    One whose file somebody took out of the folder stays known, so that it doesn't come back; one
    whose file was cut short is forgotten, so that it does.
    """

    def __init__(self, folder: Path, journal: Journal[FetchedPicture]) -> None:
        self.originals: set[str] = set()
        self.names: set[str] = set()
        self.counts: Counter[str] = Counter()
        latest = {record.file: record for record in journal.records}
        for record in latest.values():
            path = folder / record.file
            there = path.exists()
            if there and path.stat().st_size != record.bytes:
                continue
            self.add(record)
            self.counts[record.keyword] += there

    def add(self, record: FetchedPicture) -> None:
        self.originals.add(record.origin.original_sha1)
        self.names.add(record.sha1[:NAME_DIGITS])


def _client(order: FetchOrder, notice: Callable[[str], None]) -> closing[PoliteClient]:
    return closing(PoliteClient(order.etiquette, notice))


def _wanted(
    order: FetchOrder,
    client: PoliteClient,
    known: _Known,
    tallies: list[KeywordTally],
    listen: Listener,
) -> Iterator[tuple[KeywordTally, Candidate]]:
    """Pictures to take, keyword after keyword, until each has enough of them."""
    search = CommonsSearch(client, order.api, order.width)
    tallies += [KeywordTally(keyword, known.counts[keyword]) for keyword in order.keywords]
    for tally in tallies:
        listen(tally)
        if tally.had >= order.count:
            continue
        for found in search.find(tally.keyword):
            reason = _why_not(order, known, found)
            if reason is not None:
                tally.left[reason] += 1
            elif isinstance(found, Candidate):
                yield tally, found
            if tally.had + tally.taken >= order.count:
                break


def _why_not(order: FetchOrder, known: _Known, found: Candidate | Unusable) -> str | None:
    if isinstance(found, Unusable):
        return found.reason
    if found.origin.original_sha1 in known.originals:
        return "in the folder already"
    if found.mime != "image/jpeg":
        return "not a JPEG"
    if found.origin.licence_group not in order.licences:
        return f"licence: {found.origin.licence or 'not stated'}"
    if min(found.width, found.height) < order.shortest:
        return f"shorter side under {order.shortest} pixels"
    if (found.original_bytes or 0) > order.limit:
        return f"over {order.limit / 1e6:g} MB"
    return None


def _keep(out: Path, keyword: str, candidate: Candidate, got: Download) -> FetchedPicture:
    file = out / f"{got.sha1[:NAME_DIGITS]}{got.suffix}"
    with whole_file(file) as temporary, open(temporary, "xb") as stream:
        stream.write(got.content)
        stream.flush()
        os.fsync(stream.fileno())
    return FetchedPicture(
        file=file.name,
        sha1=got.sha1,
        bytes=len(got.content),
        width=got.width,
        height=got.height,
        url=candidate.url,
        keyword=keyword,
        fetched=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        origin=candidate.origin,
    )
