from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from opticonv.enlarging.picture import Codes
from opticonv.enlarging.reading import read
from opticonv.enlarging.writing import Layout, over_white, tiff, write
from opticonv.enlarging.writing.layout import portions
from opticonv.errors import CommandError

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _waves(height: int, width: int, channels: int) -> Codes:
    y, x = np.mgrid[:height, :width]
    planes = [128 + 100 * np.sin(x / 20 + k) * np.cos(y / 30) for k in range(channels)]
    return np.stack(planes, -1).astype(np.uint8)


def _cut(picture: Codes, *rows: int) -> Iterator[Codes]:
    return iter(np.split(picture, rows))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_without_loss(tmp_path: Path, suffix: str, channels: int, bits: int) -> None:
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 2**bits, (150, 133, channels))
    smooth = np.cumsum(noise % 3, axis=0)
    picture = np.concatenate([noise, smooth]).astype(f"uint{bits}")
    layout = Layout(300, 133, channels, bits, profile=PROFILE if channels > 2 else None)
    write(path, _cut(picture, 1, 130, 131), layout)
    if (suffix, channels, bits) == (".tif", 2, 16):  # Pillow reads no such file
        assert np.array_equal(tifffile.imread(path), picture)
        return
    back = read(path)
    assert back.colour.dtype == picture.dtype
    assert np.array_equal(back.colour, picture[..., : channels - layout.alpha])
    if layout.alpha:
        assert back.alpha is not None
        assert np.array_equal(back.alpha, picture[..., -1])
    assert back.profile == layout.profile


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("height", [1, 8, 511, 512, 513, 1100])
def test_strips_make_the_jpeg_that_the_whole_picture_would(
    tmp_path: Path, channels: int, height: int
) -> None:
    picture = _waves(height, 75, channels)
    write(tmp_path / "a.jpg", _cut(picture, height // 3), Layout(height, 75, channels, quality=80))
    whole = BytesIO()
    plain = picture[..., 0] if channels == 1 else picture
    Image.fromarray(plain).save(whole, "JPEG", quality=80, subsampling=0)
    with Image.open(tmp_path / "a.jpg") as strips:
        assert np.array_equal(np.asarray(strips), np.asarray(Image.open(whole)))
        assert strips.mode == ("L" if channels == 1 else "RGB")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_what_the_file_says_goes_along(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x8298] = "Somebody's"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    exif[0x8769] = exif.get_ifd(0x8769)
    path = tmp_path / f"a{suffix}"
    write(path, _cut(_waves(600, 9, 3)), Layout(600, 9, 3, profile=PROFILE, exif=exif))
    back = read(path)
    assert back.profile == PROFILE
    assert back.exif is not None
    assert back.exif[0x8298] == "Somebody's"
    if suffix != ".tif":
        assert back.exif.get_ifd(0x8769) == {0x9003: "2020:01:01 00:00:00"}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_webp(tmp_path: Path, channels: int) -> None:
    picture = _waves(50, 40, channels)
    write(tmp_path / "a.webp", _cut(picture, 13), Layout(50, 40, channels))
    back = read(tmp_path / "a.webp")
    # Lossy: a few steps of 255 on a smooth picture.
    assert (
        np.abs(back.colour.astype(int) - picture[..., : channels - (channels % 2 == 0)]).mean() < 4
    )
    if channels % 2 == 0:
        assert back.alpha is not None
        assert np.array_equal(back.alpha, picture[..., -1])  # opacity is kept whole


def test_quality_is_passed_on(tmp_path: Path) -> None:
    for suffix in (".jpg", ".webp"):
        sizes = []
        for quality in (30, 95):
            path = tmp_path / f"{quality}{suffix}"
            write(path, _cut(_waves(64, 64, 3)), Layout(64, 64, 3, quality=quality))
            sizes.append(path.stat().st_size)
        assert sizes[0] < sizes[1]


def test_a_long_tiff_has_long_offsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff, "_LIMIT", 100)
    write(tmp_path / "a.tif", _cut(_waves(30, 40, 3)), Layout(30, 40, 3))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
    assert np.array_equal(read(tmp_path / "a.tif").colour, _waves(30, 40, 3))


def test_transparency_lies_over_white() -> None:
    band = np.array([[[10, 255], [10, 0], [0, 51]]], np.uint8)
    (mixed,) = over_white(iter([band]))
    assert mixed[..., 0].tolist() == [[10, 255, 204]]


def test_portions() -> None:
    rows = np.arange(20)[:, None, None]
    cut = list(portions(_cut(rows, 1, 2, 17), 6))
    assert [len(part) for part in cut] == [6, 6, 6, 2]
    assert np.array_equal(np.concatenate(cut), rows)


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("old")

    def bands() -> Iterator[Codes]:
        yield _waves(100, 9, 3)
        raise OSError(28, "No space left on device")

    with pytest.raises(CommandError, match=r"a\.png cannot be written: No space left"):
        write(path, bands(), Layout(200, 9, 3))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
