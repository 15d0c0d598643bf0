from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from opticonv.demo.samples import LARGE, SAMPLES, load_photos
from opticonv.errors import CommandError
from opticonv.report import photos
from opticonv.report.photos import choose_photos, shown_photos


def save(path: Path, side: int = 300) -> None:
    rows = np.linspace(0, 255, side * (side + 20)).reshape(side, side + 20)
    Image.fromarray(np.stack([rows] * 3, -1).astype(np.uint8)).save(path)


def test_samples_begin_with_the_one_that_is_enlarged_further() -> None:
    chosen = choose_photos(None)
    assert chosen.photos[0].name == LARGE
    assert len({photo.name for photo in chosen.photos}) == len(SAMPLES)


def test_a_folder_by_name_with_digests_and_what_is_left_out(tmp_path: Path) -> None:
    save(tmp_path / "b.png")
    save(tmp_path / "a.jpg")
    save(tmp_path / "a.png")
    save(tmp_path / "small.png", 100)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.warns(UserWarning, match="is left out"):
        chosen = choose_photos(tmp_path)
    assert [photo.name for photo in chosen.photos] == ["a", "a.png", "b"]
    assert all(photo.picture.shape == (3, 256, 256) for photo in chosen.photos)
    data = (tmp_path / "b.png").read_bytes()
    assert chosen.digests["b"] == hashlib.sha256(data).hexdigest()
    assert set(chosen.left_out) == {"broken.png", "small.png"}
    assert "120×100 pixels" in chosen.left_out["small.png"]


def test_no_more_than_the_page_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MOST", 1)
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    chosen = choose_photos(tmp_path)
    assert [photo.name for photo in chosen.photos] == ["a"]
    assert chosen.left_out == {"b.png": "the page shows 1"}


def test_samples_and_the_user_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "mine.png")
    save(tmp_path / "more.png")
    paths = [tmp_path / "mine.png", tmp_path / "more.png"]
    loaded = load_photos(paths)
    monkeypatch.setattr(photos, "MOST", len(SAMPLES) + 1)
    chosen = shown_photos(loaded, paths)
    assert [photo.name for photo in chosen.photos][-1] == "mine"
    digest = hashlib.sha256((tmp_path / "mine.png").read_bytes()).hexdigest()
    assert chosen.digests == {"mine": digest}
    assert chosen.left_out == {"more": f"the page shows {len(SAMPLES) + 1}"}


def test_a_folder_without_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="holds no picture"):
        choose_photos(tmp_path)
    save(tmp_path / "small.png", 50)
    with (
        pytest.warns(UserWarning, match="small.png"),
        pytest.raises(CommandError, match="none of 1 pictures of 256 or more"),
    ):
        choose_photos(tmp_path)
    with pytest.raises(CommandError, match="there is no folder"):
        choose_photos(tmp_path / "none")
