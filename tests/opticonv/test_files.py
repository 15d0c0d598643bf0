from __future__ import annotations

from pathlib import Path

import pytest

from opticonv.errors import CommandError
from opticonv.files import whole_file, whole_folder


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "a.txt").exists()
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "whole"}


def test_a_folder_gains_its_files_at_once(tmp_path: Path) -> None:
    target = tmp_path / "new" / "demo"
    with whole_folder(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()
    with whole_folder(target) as folder:
        (folder / "b").write_text("2")
        (folder / "a").write_text("3")
    assert {p.name: p.read_text() for p in target.iterdir()} == {"a": "3", "b": "2"}
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_an_interrupted_folder_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "demo"
    target.mkdir()
    (target / "a").write_text("old")

    def interrupted() -> None:
        with whole_folder(target) as folder:
            (folder / "a").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (target / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").touch()
    with pytest.raises(CommandError, match="demo"), whole_folder(tmp_path / "demo"):
        pass
