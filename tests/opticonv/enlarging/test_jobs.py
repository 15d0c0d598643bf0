from __future__ import annotations

from pathlib import Path

import pytest

from opticonv.enlarging.jobs import jobs_for_folder, jobs_for_one
from opticonv.errors import CommandError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files with these names; what is in them matters to nobody here."""
    for name in ("b.png", "a.JPG", "c.gif", "notes.txt", ".hidden.png", "sub/d.png", ".git/e.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _targets(*arguments: object, **options: object) -> list[str]:
    return [str(job.target) for job in jobs_for_folder(*arguments, **options)]  # type: ignore[arg-type]


@pytest.mark.usefixtures("folder")
def test_a_folders_pictures_in_order() -> None:
    found = _targets([Path("in")], Path("out"), ["optical"])
    assert found == ["out/a.JPG", "out/b.png", "out/c.png"]


@pytest.mark.usefixtures("folder")
def test_folders_inside_folders() -> None:
    found = _targets([Path("in")], Path("out"), ["optical"], recursive=True, suffix=".webp")
    assert found == ["out/a.webp", "out/b.webp", "out/c.webp", "out/sub/d.webp"]


@pytest.mark.usefixtures("folder")
def test_both_ways_are_told_apart() -> None:
    ways = ["electronic", "optical"]
    found = _targets([Path("in/b.png")], Path("out"), ways)
    assert found == ["out/b_electronic.png", "out/b_optical.png"]
    jobs = jobs_for_one(Path("in/b.png"), Path("x.tif"), ["electronic", "optical"])
    assert [str(job.target) for job in jobs] == ["x_electronic.tif", "x_optical.tif"]


def test_results_inside_the_folder_are_no_input(folder: Path) -> None:
    (folder / "in/out").mkdir()
    (folder / "in/out/b.png").touch()
    found = _targets([Path("in")], Path("in/out"), ["optical"], recursive=True)
    assert "in/out/out/b.png" not in found
    assert "in/out/b.png" in found


@pytest.mark.usefixtures("folder")
def test_a_picture_named_twice_is_enlarged_once() -> None:
    assert len(_targets([Path("in"), Path("in/b.png")], Path("out"), ["optical"])) == 3


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "in/sub/loop").symlink_to(folder / "in")
    found = _targets([Path("in")], Path("out"), ["optical"], recursive=True)
    assert len(found) == 4


def test_one_name_for_two_pictures_is_refused(folder: Path) -> None:
    (folder / "in/b.bmp").touch()
    with pytest.raises(CommandError, match=r"in/b\.bmp and in/b\.png would both become out/b\.png"):
        _targets([Path("in")], Path("out"), ["optical"], suffix=".png")
    assert len(_targets([Path("in")], Path("out"), ["optical"])) == 4


@pytest.mark.parametrize(
    ("sources", "out", "message"),
    [
        (["in"], "in", "in is the folder of pictures"),
        (["in"], "out.png", r"out\.png is the name of a picture"),
        (["in"], "in/notes.txt", r"notes\.txt is a file"),
        (["in/.git/.."], "in/../in", "is the folder of pictures"),
        (["empty"], "out", "no picture in empty; --recursive"),
        (["in/b.png", "in/a.JPG"], "in", r"in/b\.png is a picture to enlarge"),
    ],
)
def test_refusals(folder: Path, sources: list[str], out: str, message: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(CommandError, match=message):
        _targets([Path(s) for s in sources], Path(out), ["optical"])


def test_a_link_to_the_source_is_the_source(folder: Path) -> None:
    (folder / "link.png").symlink_to(folder / "in/b.png")
    (folder / "hard.png").hardlink_to(folder / "in/b.png")
    for name in ("link.png", "hard.png"):
        with pytest.raises(CommandError, match="a picture to enlarge"):
            jobs_for_one(Path("in/b.png"), Path(name), ["optical"])
