from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from opticonv.data.attribution import ATTRIBUTION
from opticonv.data.journal import MANIFEST, Journal
from opticonv.data.manifest import FETCHED, INGESTED, FetchedPicture, IngestedPicture, Origin
from opticonv.data.show import show_folder
from opticonv.errors import CommandError


def _origin(**changes: Any) -> Origin:
    fields = {
        "title": "File:Leaf.jpg",
        "page_url": "https://x.example/wiki/File:Leaf.jpg",
        "original_url": "https://x.example/Leaf.jpg",
        "original_sha1": "0" * 40,
        "licence": "CC BY 4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0",
        "licence_group": "cc-by",
        "author": "Ada",
        "credit": "Own work",
    }
    return Origin(**(fields | changes))


def _fetched(file: str, **changes: Any) -> FetchedPicture:
    return FetchedPicture(
        file=file, sha1="0" * 40, bytes=3, width=300, height=280, url="https://x.example/0.jpg",
        keyword="leaves", fetched="2026-01-01T00:00:00+00:00", origin=_origin(**changes),
    )  # fmt: skip


def _folder(folder: Path, *pictures: FetchedPicture) -> Path:
    journal = Journal(folder / MANIFEST, FETCHED, FetchedPicture)
    for picture in pictures:
        journal.append(picture)
        (folder / picture.file).write_bytes(b"jpg")
    return folder


def _shown(folder: Path) -> str:
    text = StringIO()
    show_folder(folder, Console(file=text, width=100))
    return text.getvalue()


def test_licences_keywords_and_what_to_mind_are_counted(tmp_path: Path) -> None:
    _folder(
        tmp_path,
        _fetched("a.jpg"),
        _fetched("b.jpg", licence="CC0", licence_group="cc0", author=None),
        _fetched("c.jpg", restrictions="personality"),
    )
    text = _shown(tmp_path)
    assert "3 pictures, 0.0 MB" in text
    for name, number in {
        "leaves": 3, "CC BY 4.0": 2, "CC0": 1, "author not stated": 1, "rights beside copyright": 1,
    }.items():  # fmt: skip
        assert any(line.split() == [*name.split(), str(number)] for line in text.splitlines())


def test_the_attribution_has_all_that_licences_ask_for(tmp_path: Path) -> None:
    _folder(
        tmp_path,
        _fetched("a.jpg"),
        _fetched("b.jpg", attribution="Photo: Ada L."),
        _fetched("c.jpg", licence="CC0", licence_group="cc0", author=None, uploader="Bob"),
        _fetched("d.jpg", licence=None, licence_url=None, licence_group="unknown", credit=None),
    )
    _shown(tmp_path)
    text = (tmp_path / ATTRIBUTION).read_text()
    by = "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0)"
    page = "[Leaf.jpg](https://x.example/wiki/File:Leaf.jpg)"
    assert f"- `a.jpg`: {page}; Ada; Own work; {by}\n" in text
    assert f"- `b.jpg`: {page}; Photo: Ada L.; Own work; {by}\n" in text
    assert f"- `c.jpg`: {page}; author not stated, uploaded by Bob; Own work; [CC0]" in text
    assert f"- `d.jpg`: {page}; Ada; not stated\n" in text
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## CC0", "## CC BY", "## No licence stated"]


def test_names_from_the_archive_are_text_and_nothing_else(tmp_path: Path) -> None:
    _folder(
        tmp_path,
        _fetched(
            "a.jpg",
            title="File:x](javascript:alert(1)) [b](c.jpg",
            author="<script>alert(1)</script> # [click](http://evil.example)\n## CC0",
            licence_url="javascript:alert(1)",
            licence="[red]bold[/red]",
            page_url="https://x.example/wiki/a b)(c",
        ),
    )
    text = _shown(tmp_path)
    assert "[red]bold[/red]" in text  # and not in red
    lines = (tmp_path / ATTRIBUTION).read_text().splitlines()
    (entry,) = [line for line in lines if line.startswith("- ")]
    assert "<" not in entry.replace("\\<", "")
    assert "](javascript" not in entry.replace("\\](", "")
    assert "](http://evil" not in entry.replace("\\](", "")
    assert "(https://x.example/wiki/a%20b%29%28c)" in entry
    assert "## CC0" not in lines


def test_pictures_that_were_taken_out_are_not_told_of(tmp_path: Path) -> None:
    _folder(tmp_path, _fetched("a.jpg"), _fetched("b.jpg"))
    (tmp_path / "b.jpg").unlink()
    assert "1 picture, 0.0 MB; 1 of the manifest taken out" in _shown(tmp_path)
    assert "b.jpg" not in (tmp_path / ATTRIBUTION).read_text()


def test_a_picture_with_two_records_is_told_of_once(tmp_path: Path) -> None:
    _folder(tmp_path, _fetched("a.jpg", author="Old"), _fetched("a.jpg", author="New"))
    assert "1 picture," in _shown(tmp_path)
    text = (tmp_path / ATTRIBUTION).read_text()
    assert "New" in text
    assert "Old" not in text


def test_an_ingested_folder_says_that_pictures_were_changed(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    journal = Journal(
        tmp_path / MANIFEST, INGESTED, IngestedPicture, {"shorter_side": 256, "square": True}
    )
    for name, origin in [("a", _origin()), ("b", None)]:
        journal.append(
            IngestedPicture(
                name=name, file=f"training/{name}.png", split="training", width=256, height=256,
                source=f"{name}.jpg", source_sha1="0" * 40, source_width=300, source_height=300,
                origin=origin,
            )
        )  # fmt: skip
        (tmp_path / "training" / f"{name}.png").write_bytes(b"png")
    text = _shown(tmp_path)
    assert "2 pictures, 0.0 MB, 2 for training" in text
    assert any(line.split() == ["origin", "unknown", "1"] for line in text.splitlines())
    attribution = (tmp_path / ATTRIBUTION).read_text()
    assert "cropped to their centre square and reduced to 256 pixels" in attribution
    assert "1 pictures that no manifest lists" in attribution


def test_folders_of_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no folder"):
        _shown(tmp_path / "none")
    with pytest.raises(CommandError, match=r"has no manifest\.jsonl"):
        _shown(tmp_path)
    assert list(tmp_path.iterdir()) == []
