from __future__ import annotations

import hashlib
import json
from pathlib import Path

import commons_server as wiki
import numpy as np
import pytest
import torch
from PIL import Image

from nn.data import load_photos, split_of
from opticonv.data.ingest import IngestReport, ingest
from opticonv.data.ingest_summary import REPORT, write_report
from opticonv.data.journal import MANIFEST, Journal
from opticonv.data.manifest import (
    FETCHED,
    INGESTED,
    FetchedPicture,
    IngestedPicture,
    Origin,
)
from opticonv.errors import CommandError


def _run(folder: Path, out: Path, *, keep_aspect: bool = False, threads: int = 2) -> IngestReport:
    report = IngestReport()
    ingest(
        folder,
        out,
        report,
        keep_aspect=keep_aspect,
        threads=threads,
        listen=lambda done, of: None,
    )
    return report


def _records(out: Path) -> list[IngestedPicture]:
    return Journal(out / MANIFEST, INGESTED, IngestedPicture).records


def _reasons(report: IngestReport) -> dict[str, str]:
    return {rejection.file: rejection.reason for rejection in report.rejected}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    for seed in range(10):
        (folder / f"{seed}.jpg").write_bytes(wiki.jpeg(seed, (300 + seed, 280)))
    (folder / "deeper" / "10.JPG").write_bytes(wiki.jpeg(10, (260, 500)))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_pictures_are_named_and_split_by_the_content_they_came_from(
    photos: Path, out: Path
) -> None:
    report = _run(photos, out)
    assert len(report.accepted) == 11
    records = {record.source: record for record in _records(out)}
    for file in [*(f"{seed}.jpg" for seed in range(10)), "deeper/10.JPG"]:
        digest = hashlib.sha1((photos / file).read_bytes()).hexdigest()
        record = records[file]
        assert record.source_sha1 == digest
        assert record.name == digest[:10]
        assert record.split == split_of(digest)
        assert record.file == f"{record.split}/{digest[:10]}.png"
        assert (record.width, record.height) == (256, 256)
        with Image.open(out / record.file) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (256, 256))
    assert {record.split for record in records.values()} == {"training", "validation"}


def test_the_loader_gets_from_the_result_what_it_gets_from_the_source(
    photos: Path, out: Path
) -> None:
    _run(photos, out)
    for split in ("training", "validation"):
        before, after = load_photos(photos, split), load_photos(out, split)  # type: ignore[arg-type]
        order = [before.names.index(name) for name in after.names]
        assert sorted(before.names) == sorted(after.names)
        assert torch.equal(before.pictures[order], after.pictures)
        assert not after.rejected
        assert {path.stem for path in (out / split).glob("*.png")} == set(after.names)


def test_additions_move_nothing(photos: Path, out: Path) -> None:
    _run(photos, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    for seed in range(20, 26):
        (photos / f"0{seed}.jpg").write_bytes(wiki.jpeg(seed, (300, 300)))
    report = _run(photos, out)
    assert (len(report.accepted), report.already) == (6, 11)
    after = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert before.items() <= after.items()
    assert len(after) == len(_records(out)) == 17


def test_files_that_are_no_pictures_are_told_with_the_reason(photos: Path, out: Path) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "text.png").write_text("not a picture")
    (photos / "cut.jpg").write_bytes(wiki.jpeg(1)[:-3000])
    (photos / "small.png").write_bytes(wiki.jpeg(1, (255, 900)))
    (photos / "copy.jpeg").write_bytes((photos / "3.jpg").read_bytes())
    (photos / "nothing.tif").symlink_to("nowhere")
    (photos / "folder.png").mkdir()
    (photos / "notes.txt").write_text("mine")
    (photos / ".hidden.jpg").write_bytes(wiki.jpeg(77))
    report = _run(photos, out)
    assert _reasons(report) == {
        "empty.jpg": "empty file",
        "text.png": "not a picture",
        "cut.jpg": "damaged",
        "small.png": "too small",
        "copy.jpeg": "duplicate",
        "nothing.tif": "not readable",
    }
    assert report.others == 1
    assert len(report.accepted) == 11
    assert "255×900: the shorter side is under 256" in str(report.rejected)
    write_report(report, photos, out)
    written = json.loads((out / REPORT).read_text())
    assert written["counts"]["accepted"] == 11
    assert written["counts"]["rejected"]["duplicate"] == 1
    assert {entry["file"] for entry in written["rejected"]} == set(_reasons(report))
    assert len(written["accepted"]) == 11


def test_the_centre_square(photos: Path, out: Path) -> None:
    pixels = np.zeros((256, 500, 3), np.uint8)
    pixels[:, 122:378] = 200
    Image.fromarray(pixels).save(photos / "wide.png")
    _run(photos, out)
    (record,) = [record for record in _records(out) if record.source == "wide.png"]
    with Image.open(out / record.file) as picture:
        assert (np.asarray(picture) == 200).all()
    assert (record.source_width, record.source_height) == (500, 256)


def test_nothing_is_lost_on_a_picture_of_the_right_size(photos: Path, out: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photos / "exact.png")
    _run(photos, out)
    (record,) = [record for record in _records(out) if record.source == "exact.png"]
    with Image.open(out / record.file) as picture:
        assert np.array_equal(np.asarray(picture), pixels)


def test_whole_pictures_if_asked_for(photos: Path, out: Path) -> None:
    (photos / "wide.jpg").write_bytes(wiki.jpeg(50, (1000, 512)))
    _run(photos, out, keep_aspect=True)
    sizes = {r.source: (r.width, r.height) for r in _records(out)}
    assert sizes["wide.jpg"] == (500, 256)
    assert sizes["deeper/10.JPG"] == (256, 492)
    assert load_photos(out).pictures.shape == (12, 3, 256, 256)
    with pytest.raises(CommandError, match="use another folder"):
        _run(photos, out)


def test_turned_and_transparent_pictures_are_noted(photos: Path, out: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGBA", (300, 400), (0, 0, 0, 0))
    picture.save(photos / "turned.png", exif=exif)
    _run(photos, out)
    (record,) = [record for record in _records(out) if record.source == "turned.png"]
    assert record.notes == ("EXIF orientation 6", "transparency over white")
    assert (record.source_width, record.source_height) == (400, 300)


def _fetched(file: Path) -> FetchedPicture:
    content = file.read_bytes()
    return FetchedPicture(
        file=file.name,
        sha1=hashlib.sha1(content).hexdigest(),
        bytes=len(content),
        width=300,
        height=280,
        url="https://x.example/0.jpg",
        keyword="leaves",
        fetched="2026-01-01T00:00:00+00:00",
        origin=Origin(
            title="File:Leaf.jpg",
            page_url="https://x.example/wiki/File:Leaf.jpg",
            original_url="https://x.example/Leaf.jpg",
            original_sha1="0" * 40,
            licence="CC BY 4.0",
            licence_group="cc-by",
            author="Ada",
        ),
    )


def test_licence_and_author_travel_with_a_fetched_picture_whatever_it_is_called(
    photos: Path, out: Path
) -> None:
    manifest = Journal(photos / "deeper" / MANIFEST, FETCHED, FetchedPicture)
    manifest.append(_fetched(photos / "0.jpg"))
    (photos / "0.jpg").rename(photos / "renamed.jpg")
    _run(photos, out)
    records = {record.source: record for record in _records(out)}
    origin = records["renamed.jpg"].origin
    assert origin is not None
    assert (origin.author, origin.licence) == ("Ada", "CC BY 4.0")
    assert records["renamed.jpg"].keyword == "leaves"
    assert records["1.jpg"].origin is None


def test_an_interrupt_loses_nothing_that_was_finished(photos: Path, out: Path) -> None:
    def interrupt(done: int, of: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    report = IngestReport()
    with pytest.raises(KeyboardInterrupt):
        ingest(photos, out, report, keep_aspect=False, threads=2, listen=interrupt)
    assert len(report.accepted) == len(_records(out)) == 4
    again = _run(photos, out)
    assert (len(again.accepted), again.already) == (7, 4)
    assert len(list(out.rglob("*.png"))) == 11
    assert not list(out.rglob("*.part.*"))


def test_a_picture_that_was_taken_out_stays_out(photos: Path, out: Path) -> None:
    _run(photos, out)
    record = _records(out)[0]
    (out / record.file).unlink()
    report = _run(photos, out)
    assert _reasons(report) == {record.source: "left out before"}
    assert not (out / record.file).exists()


def test_two_contents_of_one_name_are_told(photos: Path, out: Path) -> None:
    _run(photos, out)
    lines = (out / MANIFEST).read_text().splitlines()
    first = json.loads(lines[1])
    first["source_sha1"] = first["name"] + "0" * 30
    (out / MANIFEST).write_text("\n".join([lines[0], json.dumps(first), *lines[2:]]) + "\n")
    report = _run(photos, out)
    (rejection,) = report.rejected
    assert rejection.detail == f"another picture is called {first['name']}"


def test_one_thread_and_many_make_the_same(photos: Path, tmp_path: Path) -> None:
    made = []
    for threads in (1, 7):
        out = tmp_path / f"out{threads}"
        _run(photos, out, threads=threads)
        made.append({str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*.png")})
        made[-1][MANIFEST] = (out / MANIFEST).read_bytes()
    assert made[0] == made[1]


def test_the_result_may_be_inside_the_source_but_not_the_other_way(photos: Path) -> None:
    inside = photos / "prepared"
    assert len(_run(photos, inside).accepted) == 11
    assert _run(photos, inside).already == 11
    for folder, out in [(photos, photos), (photos / "deeper", photos)]:
        with pytest.raises(CommandError, match="write to a folder elsewhere"):
            _run(folder, out)


def test_an_ingested_folder_is_not_ingested_again(photos: Path, out: Path, tmp_path: Path) -> None:
    _run(photos, out)
    with pytest.raises(CommandError, match="ingested already"):
        _run(out, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_folders_without_pictures(tmp_path: Path, out: Path) -> None:
    with pytest.raises(CommandError, match="there is no folder"):
        _run(tmp_path / "none", out)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("x")
    with pytest.raises(CommandError, match=r"no picture in .*1 other files"):
        _run(tmp_path / "empty", out)
    assert not out.exists()


def test_names_that_are_not_text(photos: Path, out: Path) -> None:
    import os

    strange = os.fsdecode(bytes(photos / "strange") + b"\xff\xfe.jpg")
    Path(strange).write_bytes(wiki.jpeg(60, (300, 300)))
    report = _run(photos, out)
    assert len(report.accepted) == 12
    write_report(report, photos, out)
    assert "strange\ufffd\ufffd.jpg" in {record.source for record in _records(out)}
