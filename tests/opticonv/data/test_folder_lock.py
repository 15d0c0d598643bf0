from __future__ import annotations

import os
from pathlib import Path

import pytest

from opticonv.data.folder_lock import sole_writer
from opticonv.errors import CommandError


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with (
        sole_writer(folder),
        pytest.raises(CommandError, match="another command is writing"),
        sole_writer(folder),
    ):
        raise AssertionError
    with sole_writer(folder):
        pass


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    for name in (".a.123.part.png", "training/.b.9.part.jpg", "training/c.png", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    with sole_writer(tmp_path):
        left = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"c.png", ".hidden", ".lock"}


def test_files_and_closed_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CommandError, match="is a file"), sole_writer(tmp_path / "file"):
        raise AssertionError
    assert (tmp_path / "file").read_text() == "mine"
    if os.geteuid():  # root may write anywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(CommandError, match="may not be"), sole_writer(tmp_path / "closed"):
            raise AssertionError
