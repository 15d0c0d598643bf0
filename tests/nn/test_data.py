from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nn.data import load_photos, prepare_photo, reduce_photo, split_of, to_tensor


def _write(path: Path, size: tuple[int, int], seed: int, mode: str = "RGB") -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(12):
        _write(tmp_path / f"photo{seed:02d}.png", (260, 300), seed)
    _write(tmp_path / "small.png", (255, 600), 100)
    _write(tmp_path / "grey.png", (256, 256), 101, "L")
    (tmp_path / "copy.png").write_bytes((tmp_path / "photo03.png").read_bytes())
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    (tmp_path / "notes.txt").write_text("not a picture either")
    return tmp_path


def test_small_broken_and_duplicate_pictures_are_left_out_with_a_reason(folder: Path) -> None:
    photos = load_photos(folder)
    assert len(photos.names) == 13
    assert photos.pictures.shape == (13, 3, 256, 256)
    assert photos.pictures.dtype == torch.uint8
    assert set(photos.rejected) == {"small.png", "broken.jpg", "photo03.png"}
    assert "255 is under 256" in photos.rejected["small.png"]
    digest = hashlib.sha1((folder / "grey.png").read_bytes()).hexdigest()
    assert digest[:10] in photos.names


def test_the_split_is_by_content_and_disjoint(folder: Path) -> None:
    training, validation = load_photos(folder, "training"), load_photos(folder, "validation")
    assert set(training.names) | set(validation.names) == set(load_photos(folder).names)
    assert not set(training.names) & set(validation.names)
    assert all(int(name[:8], 16) / 2**32 < 0.7 for name in training.names)
    assert all(int(name[:8], 16) / 2**32 >= 0.7 for name in validation.names)
    (folder / "photo00.png").rename(folder / "renamed.png")
    assert set(load_photos(folder, "training").names) == set(training.names)


def test_limit_and_empty_folders(folder: Path, tmp_path: Path) -> None:
    assert len(load_photos(folder, limit=2).names) == 2
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_photos(folder / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no usable"):
        load_photos(tmp_path / "empty")


def test_a_photo_is_cropped_to_its_centre_before_it_is_resized() -> None:
    pixels = np.zeros((256, 400, 3), np.uint8)
    pixels[:, 72:328] = 200
    prepared = prepare_photo(Image.fromarray(pixels))
    assert prepared.shape == (3, 256, 256)
    assert (prepared == 200).all()


def test_tensor_keeps_rows_columns_and_channels() -> None:
    pixels = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    assert torch.equal(
        to_tensor(Image.fromarray(pixels)), torch.from_numpy(pixels).permute(2, 0, 1)
    )


def test_a_whole_photo_is_reduced_to_its_shorter_side_and_never_enlarged() -> None:
    picture = Image.fromarray(np.full((512, 700, 3), 9, np.uint8))
    assert reduce_photo(picture, 256).shape == (3, 256, 350)
    assert reduce_photo(picture, 100_000).shape == (3, 512, 700)
    with pytest.raises(ValueError, match="255 is under 256"):
        reduce_photo(Image.fromarray(np.zeros((255, 700, 3), np.uint8)), 100)


def test_the_split_is_one_function_of_a_name(folder: Path) -> None:
    for split in ("training", "validation"):
        assert {split_of(name) for name in load_photos(folder, split).names} == {split}


def test_an_ingested_picture_keeps_its_name(tmp_path: Path) -> None:
    """It is called after the file that it was made from, and stays in that file's split."""
    _write(tmp_path / "00000000aa.png", (256, 256), 1)
    _write(tmp_path / "ffffffffaa.png", (256, 256), 2)
    assert load_photos(tmp_path, "training").names == ("00000000aa",)
    assert load_photos(tmp_path, "validation").names == ("ffffffffaa",)
