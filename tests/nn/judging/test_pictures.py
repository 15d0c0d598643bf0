from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nn.judging import FolderSet, SplitSet, load_test_pictures


def _save(path: Path, height: int, width: int, seed: int = 0) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_pictures_of_any_size_keep_their_middle(tmp_path: Path) -> None:
    pixels = _save(tmp_path / "b.png", 27, 35)
    _save(tmp_path / "a.png", 16, 16)
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.bmp")
    (tmp_path / "notes.txt").write_text("no picture")
    found = FolderSet.open("mine", tmp_path)
    assert found.names == ("a", "b", "grey")
    assert found.size(1) == (24, 32)
    assert torch.equal(
        found.load(1), torch.from_numpy(pixels[1:25, 1:33]).permute(2, 0, 1).float() / 255
    )
    grey = found.load(2)
    assert torch.equal(grey[0], grey[1])
    assert torch.equal(grey[0], grey[2])
    assert [name for name, _ in load_test_pictures(tmp_path)] == ["a", "b", "grey"]


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    for name in "cab":
        _save(tmp_path / f"{name}.png", 8, 8)
    assert FolderSet.open("mine", tmp_path, limit=2).names == ("a", "b")


def test_a_split_is_the_trainings(tmp_path: Path) -> None:
    for seed in range(12):
        _save(tmp_path / f"{seed}.png", 256, 260, seed)
    validation = SplitSet("validation", tmp_path, "validation")
    training = SplitSet("training", tmp_path, "training")
    assert len(validation.names) + len(training.names) == 12
    assert not set(validation.names) & set(training.names)
    assert validation.size(0) == (256, 256)
    assert validation.load(0).shape == (3, 256, 256)
    with pytest.raises(ValueError, match="'test'; there are training, validation, all"):
        SplitSet("mine", tmp_path, "test")


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        FolderSet.open("mine", tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="no pictures"):
        FolderSet.open("mine", tmp_path)
    _save(tmp_path / "a.png", 8, 8)
    _save(tmp_path / "a.bmp", 8, 8)
    with pytest.raises(ValueError, match="named a"):
        FolderSet.open("mine", tmp_path)


def test_what_is_wrong_with_a_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "a_text.png").write_text("no picture")
    _save(tmp_path / "b_tiny.png", 8, 7)
    _save(tmp_path / "c_cut.png", 64, 64)
    whole = (tmp_path / "c_cut.png").read_bytes()
    (tmp_path / "c_cut.png").write_bytes(whole[: len(whole) // 2])
    # Pillow alone would clip these greys at 255 of 65535, and judge a white picture.
    Image.fromarray(np.full((16, 16), 30_000, np.uint16)).save(tmp_path / "d_deep.png")
    _save(tmp_path / "e_cut.jpg", 64, 64)
    whole = (tmp_path / "e_cut.jpg").read_bytes()
    (tmp_path / "e_cut.jpg").write_bytes(whole[:100])
    (tmp_path / "f_folder.png").mkdir()
    found = FolderSet.open("mine", tmp_path)
    faults = ["not a picture", "under 8 pixels", "cannot be read", "more than 8 bits",
              "cannot be read"]  # fmt: skip
    for index, fault in enumerate(faults):
        with pytest.raises(ValueError, match=rf"{found.names[index]}\..*{fault}"):
            found.load(index)
    with pytest.raises(ValueError, match=r"e_cut\.jpg cannot be read"):
        found.size(4)
    assert len(found.names) == len(faults)
