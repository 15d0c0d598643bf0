from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from opticonv.errors import CommandError
from opticonv.picture_files import check_picture_target, read_picture, write_picture


def test_what_is_written_is_read(tmp_path: Path) -> None:
    picture = torch.arange(3 * 4 * 5, dtype=torch.uint8).reshape(3, 4, 5)
    write_picture(picture, tmp_path / "a.png")
    back = np.asarray(read_picture(tmp_path / "a.png"))
    assert np.array_equal(back, picture.permute(1, 2, 0).numpy())


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    write_picture(torch.zeros(3, 2, 2, dtype=torch.uint8), tmp_path / "a.png")
    (tmp_path / "b").touch()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_turned_camera(tmp_path: Path) -> None:
    upright = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate 90 degrees clockwise to view"
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(np.asarray(read_picture(tmp_path / "a.png")), np.asarray(upright))


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    picture = np.zeros((1, 2, 4), np.uint8)
    picture[0, 0] = 10, 20, 30, 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert np.asarray(read_picture(tmp_path / "a.png")).tolist() == [[[10, 20, 30], [255] * 3]]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert np.asarray(read_picture(tmp_path / "a.png"))[..., 1].tolist() == [[0, 1, 255]]


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 77]], np.uint8)).save(tmp_path / "a.png")
    assert np.asarray(read_picture(tmp_path / "a.png")).tolist() == [[[0] * 3, [77] * 3]]


def test_a_format_too_small_is_refused_beforehand(tmp_path: Path) -> None:
    check_picture_target(tmp_path / "a.png", (65536, 8))
    check_picture_target(tmp_path / "a.jpg", (65500, 8))
    with pytest.raises(CommandError, match="65501"):
        check_picture_target(tmp_path / "a.jpg", (65501, 8))
