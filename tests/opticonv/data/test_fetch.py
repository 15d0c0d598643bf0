from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import commons_server as wiki
import pytest
from commons_server import CommonsServer
from PIL import Image

from nn.data import load_photos
from opticonv.data.client import Etiquette, ServerOverloadedError
from opticonv.data.fetch import FetchOrder, KeywordTally, fetch, preview
from opticonv.data.journal import MANIFEST, Journal
from opticonv.data.licences import chosen_groups
from opticonv.data.manifest import FETCHED, FetchedPicture
from opticonv.errors import CommandError

Order = Callable[..., FetchOrder]


@pytest.fixture
def order(commons: CommonsServer, tmp_path: Path) -> Order:
    def make(*keywords: str, **changes: Any) -> FetchOrder:
        fields: dict[str, Any] = {
            "keywords": keywords or ("leaves",),
            "count": 100,
            "out": tmp_path / "out",
            "licences": chosen_groups(None),
            "width": 500,
            "limit": 1_000_000,
            "shortest": 256,
            "api": commons.api,
            "etiquette": Etiquette(
                contact="ada@example.org", pause_s=0.0, bytes_per_s=1e12, attempts=3
            ),
        }
        return FetchOrder(**(fields | changes))

    return make


def _run(order: FetchOrder, notices: list[str] | None = None) -> list[KeywordTally]:
    tallies: list[KeywordTally] = []
    said = notices if notices is not None else []
    fetch(order, tallies, lambda tally: None, said.append)
    return tallies


def _records(folder: Path) -> list[FetchedPicture]:
    return Journal(folder / MANIFEST, FETCHED, FetchedPicture).records


def _pictures(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.jpg")}


def test_pictures_come_with_their_records(commons: CommonsServer, order: Order) -> None:
    large = commons.add("leaves", size=(1000, 700))
    commons.add("leaves", "lion", size=(400, 300))
    commons.add("lion", size=(600, 600))
    out = order().out
    leaves, lion = _run(order("leaves", "lion"))
    assert (leaves.taken, lion.taken) == (2, 1)
    assert lion.left == {"in the folder already": 1}
    records = _records(out)
    assert [r.keyword for r in records] == ["leaves", "leaves", "lion"]
    assert _pictures(out) == {r.file for r in records}
    for record in records:
        content = (out / record.file).read_bytes()
        assert hashlib.sha1(content).hexdigest() == record.sha1
        assert record.file == f"{record.sha1[:10]}.jpg"
        assert len(content) == record.bytes
        with Image.open(out / record.file) as picture:
            assert picture.size == (record.width, record.height)
        assert record.fetched.endswith("+00:00")
    assert (records[0].width, records[0].height) == (500, 350)
    assert records[0].origin.original_sha1 == hashlib.sha1(large.content).hexdigest()
    assert records[1].sha1 == records[1].origin.original_sha1  # no thumbnail is larger than it
    assert commons.most_open_requests == 1


def test_the_training_loader_reads_the_folder_by_the_same_names(
    commons: CommonsServer, order: Order
) -> None:
    for _ in range(4):
        commons.add("leaves")
    _run(order())
    assert set(load_photos(order().out).names) == {r.sha1[:10] for r in _records(order().out)}


def test_no_more_than_asked_for_and_a_second_run_adds_what_is_missing(
    commons: CommonsServer, order: Order
) -> None:
    files = [commons.add("leaves") for _ in range(6)]
    (tally,) = _run(order(count=2))
    assert (tally.had, tally.taken) == (0, 2)
    (tally,) = _run(order(count=5))
    assert (tally.had, tally.taken) == (2, 3)
    asked = len(commons.api_requests)
    (tally,) = _run(order(count=5))
    assert (tally.had, tally.taken) == (5, 0)
    assert len(commons.api_requests) == asked  # enough: nobody is bothered
    assert [file.requests for file in files] == [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": (600, 200)}, "shorter side under 256 pixels"),
        ({"size": (2000, 600)}, "shorter side under 256 pixels"),  # its thumbnail is 500×150
        ({"mime": "image/svg+xml"}, "not a JPEG"),
        ({"extmetadata": wiki.licence_fields("GFDL")}, "licence: GFDL"),
        ({"extmetadata": []}, "licence: not stated"),
        ({"info": {"size": 10**9}}, "over 1 MB"),
        ({"info": {"sha1": None}}, "no information on the file"),
    ],
)
def test_what_is_not_wanted_is_not_downloaded(
    commons: CommonsServer, order: Order, changes: dict[str, Any], reason: str
) -> None:
    file = commons.add("leaves", **changes)
    (tally,) = _run(order())
    assert tally.left == {reason: 1}
    assert file.requests == 0
    assert not _pictures(order().out)


def test_other_licences_if_they_are_asked_for(commons: CommonsServer, order: Order) -> None:
    commons.add("leaves", extmetadata=[])
    commons.add("leaves", extmetadata=wiki.licence_fields("CC0"))
    commons.add("leaves", extmetadata=wiki.licence_fields("CC BY 2.0"))
    (tally,) = _run(order(licences=chosen_groups(["cc0"])))
    assert tally.licences == {"CC0": 1}
    (tally,) = _run(order(licences=chosen_groups(["any"])))
    assert tally.licences == {"CC BY 2.0": 1, "not stated": 1}


def test_a_picture_without_an_author_is_taken_and_says_so(
    commons: CommonsServer, order: Order
) -> None:
    commons.add("leaves", extmetadata=wiki.licence_fields(Artist=""))
    _run(order())
    (record,) = _records(order().out)
    assert record.origin.author is None
    assert record.origin.uploader == "Uploader"
    line = (order().out / MANIFEST).read_text().splitlines()[1]
    assert "author" not in json.loads(line)["origin"]


def test_the_same_content_twice_is_kept_once(commons: CommonsServer, order: Order) -> None:
    commons.add("leaves", seed=1)
    commons.add("leaves", seed=1)  # the same original under two titles
    twin = commons.add("leaves", seed=2, size=(600, 500))
    copy = commons.add("leaves", seed=2, size=(600, 500))
    copy.info = {"sha1": "0" * 40}  # another original, whose thumbnail is the same
    (tally,) = _run(order())
    assert tally.taken == 2
    assert tally.left == {"in the folder already": 1, "the same picture as another": 1}
    assert (twin.requests, copy.requests) == (1, 1)


TRANSIENT: dict[str, Callable[[bytes], wiki.Misbehave]] = {
    "429": lambda content: wiki.status(429, Retry_After="1"),
    "503": lambda content: wiki.status(503),
    "reset": lambda content: wiki.reset,
    "too long a length": lambda content: wiki.body(content, length=len(content) + 99),
    "too short a length": lambda content: wiki.body(content, length=len(content) // 2),
    "truncated": lambda content: wiki.body(content[: len(content) // 2]),
    "empty": lambda content: wiki.body(b""),
    "other content": lambda content: wiki.body(wiki.jpeg(99)),
}


@pytest.mark.parametrize("fault", TRANSIENT)
def test_what_goes_wrong_once_is_asked_for_again(
    commons: CommonsServer, order: Order, waits: list[float], fault: str
) -> None:
    file = commons.add("leaves")
    file.misbehaviours = [TRANSIENT[fault](file.content)]
    (tally,) = _run(order())
    assert (tally.taken, tally.failed, len(waits)) == (1, {}, 1)
    (record,) = _records(order().out)
    assert (order().out / record.file).read_bytes() == file.content


FINAL: dict[str, tuple[Callable[[bytes], wiki.Misbehave], str]] = {
    "404": (lambda content: wiki.status(404), "status 404"),
    "HTML": (lambda content: wiki.body(b"<html>", "text/html"), "text/html, not a picture"),
    "HTML as JPEG": (lambda content: wiki.body(b"<html>"), "not a picture"),
    "huge": (lambda content: wiki.body(b"", length=10**9), "1000.0 MB, over the limit"),
    "endless": (lambda content: wiki.endless, "over the limit"),
    "small": (lambda content: wiki.body(wiki.jpeg(1, (300, 200))), "too small: 300×200"),
    "no type": (lambda content: wiki.body(content, ""), "no stated type"),
    "bomb": (lambda content: wiki.body(_bomb()), "too many pixels"),
    "GIF": (lambda content: wiki.body(_gif()), "it is a GIF"),
    "circle": (lambda content: wiki.redirect("/images/Picture_0.jpg"), "redirects"),
    "truncated": (lambda content: wiki.body(content[:5000]), "damaged"),
    "503": (lambda content: wiki.status(500), "status 500"),
}


def _bomb() -> bytes:
    """A JPEG that claims 65000×65000 pixels in a few bytes."""
    content = wiki.jpeg(1)
    at = content.index(b"\xff\xc0") + 5  # start of frame: length, precision, then height and width
    return content[:at] + b"\xfd\xe8\xfd\xe8" + content[at + 4 :]


def _gif() -> bytes:
    buffer = BytesIO()
    Image.new("L", (300, 300)).save(buffer, "GIF")
    return buffer.getvalue()


@pytest.mark.parametrize("fault", FINAL)
@pytest.mark.usefixtures("waits")
def test_what_stays_wrong_is_reported_and_the_rest_goes_on(
    commons: CommonsServer, order: Order, fault: str
) -> None:
    make, complaint = FINAL[fault]
    bad, good = commons.add("leaves"), commons.add("leaves")
    bad.misbehaviours = [make(bad.content) for _ in range(9)]
    notices: list[str] = []
    (tally,) = _run(order(), notices)
    assert tally.taken == 1
    assert complaint in tally.failed["File:Picture 0.jpg"]
    assert any(complaint in notice and bad.title in notice for notice in notices)
    assert [r.origin.title for r in _records(order().out)] == [good.title]
    assert len(_pictures(order().out)) == 1


def test_a_redirected_picture(commons: CommonsServer, order: Order) -> None:
    moved = commons.add("leaves")
    there = commons.add("elsewhere", content=moved.content)
    moved.misbehaviours = [wiki.redirect(commons.address + there.path)]
    (tally,) = _run(order())
    assert tally.taken == 1


@pytest.mark.usefixtures("waits")
def test_five_failures_in_a_row_end_the_run(commons: CommonsServer, order: Order) -> None:
    for number in range(9):
        file = commons.add("leaves")
        if number != 1:
            file.misbehaviours = [wiki.status(404)]
    with pytest.raises(CommandError, match="5 pictures in a row failed"):
        _run(order())
    assert len(_records(order().out)) == 1
    assert commons.files[7].requests == 0


@pytest.mark.usefixtures("waits")
def test_an_overloaded_server_ends_the_run_and_the_next_goes_on(
    commons: CommonsServer, order: Order
) -> None:
    for _ in range(4):
        commons.add("leaves")
    commons.files[2].misbehaviours = [wiki.status(429, Retry_After="4000")]
    with pytest.raises(ServerOverloadedError, match="4000 s"):
        _run(order())
    assert len(_records(order().out)) == 2
    (tally,) = _run(order())
    assert (tally.had, tally.taken) == (2, 2)
    assert [file.requests for file in commons.files] == [1, 1, 2, 1]


def test_an_interrupt_loses_nothing_that_was_finished(commons: CommonsServer, order: Order) -> None:
    for _ in range(5):
        commons.add("leaves")

    def interrupt(tally: KeywordTally) -> None:
        if tally.taken == 3:
            raise KeyboardInterrupt

    tallies: list[KeywordTally] = []
    with pytest.raises(KeyboardInterrupt):
        fetch(order(), tallies, interrupt, lambda notice: None)
    assert tallies[0].taken == 3
    assert len(_records(order().out)) == 3
    (tally,) = _run(order())
    assert (tally.had, tally.taken) == (3, 2)
    assert all(file.requests == 1 for file in commons.files)


def test_a_picture_that_was_cut_short_comes_again_and_one_taken_out_does_not(
    commons: CommonsServer, order: Order
) -> None:
    for _ in range(3):
        commons.add("leaves")
    _run(order())
    out = order().out
    first, second, _ = _records(out)
    (out / first.file).write_bytes(b"half")
    (out / second.file).unlink()
    (tally,) = _run(order())
    assert (tally.had, tally.taken) == (1, 1)
    assert (out / first.file).stat().st_size == first.bytes
    assert not (out / second.file).exists()


def test_a_manifest_that_cannot_be_read_stops_it_before_anything_is_asked(
    commons: CommonsServer, order: Order
) -> None:
    order().out.mkdir()
    (order().out / MANIFEST).write_text("my own list\n")
    with pytest.raises(CommandError, match="is not a manifest"):
        _run(order())
    assert commons.api_requests == []


def test_a_preview_downloads_and_writes_nothing(commons: CommonsServer, order: Order) -> None:
    for _ in range(3):
        commons.add("leaves", "lion", size=(1000, 800))
    tallies: list[KeywordTally] = []
    preview(order("leaves", "lion", count=2), tallies, lambda tally: None, print)
    leaves, lion = tallies
    assert (leaves.taken, lion.taken) == (2, 1)
    assert lion.left == {"in the folder already": 2}
    assert leaves.bytes == 2 * 500 * 400 // 4
    assert not order().out.exists()
    assert all(file.requests == 0 for file in commons.files)
