from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from opticonv.data.journal import Journal, journal_kind
from opticonv.errors import CommandError


class Entry(BaseModel):
    name: str
    size: int


SETTINGS = {"square": True}


def _journal(path: Path, settings: dict[str, bool] | None = None) -> Journal[Entry]:
    return Journal(path, "tested", Entry, settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    journal = _journal(tmp_path / "manifest.jsonl", SETTINGS)
    for name, size in [("a", 1), ("ü “quoted”\n", 2), ("c", 3)]:
        journal.append(Entry(name=name, size=size))
    return journal.path


def test_records_come_back_in_order(path: Path) -> None:
    journal = _journal(path)
    assert [(e.name, e.size) for e in journal.records] == [("a", 1), ("ü “quoted”\n", 2), ("c", 3)]
    assert journal.settings == SETTINGS
    assert journal_kind(path) == "tested"


def test_nothing_is_written_before_the_first_record(tmp_path: Path) -> None:
    assert _journal(tmp_path / "none.jsonl").records == []
    assert list(tmp_path.iterdir()) == []
    assert journal_kind(tmp_path / "none.jsonl") is None


def test_a_file_that_is_cut_anywhere_loses_its_last_record_alone(path: Path) -> None:
    whole = path.read_bytes()
    starts = [0]
    for line in whole.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        journal = _journal(path, SETTINGS)
        complete = sum(start <= length for start in starts) - 1  # lines, the header included
        assert len(journal.records) == max(0, complete - 1)
        journal.append(Entry(name="next", size=9))
        assert [e.name for e in _journal(path, SETTINGS).records][-1] == "next"
        assert len(_journal(path).records) == max(0, complete - 1) + 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a list of mine\n", "is not a manifest"),
        ("a list of mine", "is not a manifest"),
        ("[]\n", "is not a manifest"),
        ('{"format": "other"}\n', "is not a manifest"),
        ('{"format": "opticonv-pictures", "version": 2, "kind": "tested"}\n', "version 2"),
        ('{"format": "opticonv-pictures", "version": 1, "kind": "eaten"}\n', "eaten pictures"),
    ],
)
def test_other_files_are_refused_and_kept(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(content)
    with pytest.raises(CommandError, match=complaint):
        _journal(path)
    assert path.read_text() == content


@pytest.mark.parametrize("line", ["{}", "nonsense", '{"name": "x", "size": "many"}', ""])
def test_a_line_that_is_no_record_is_named(path: Path, line: str) -> None:
    lines = path.read_text().splitlines()
    lines[2] = line
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(CommandError, match="line 3 is not a record"):
        _journal(path)


def test_other_settings_are_refused(path: Path) -> None:
    with pytest.raises(CommandError, match=r"begun with .*True.* not .*False.*another folder"):
        _journal(path, {"square": False})
