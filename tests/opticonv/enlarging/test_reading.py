from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from opticonv.enlarging.picture import Codes
from opticonv.enlarging.reading import read, read_header
from opticonv.errors import CommandError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (7, 5, 3), dtype=np.uint8)
ORIENTED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}
"""How a file lies whose upright picture is the argument, by its orientation (EXIF 2.32, 4.6.4)."""


def _png(values: Codes, interlaced: bool = False) -> bytes:
    """A plain 16-bit PNG, each of the five filters in turn."""
    height, width, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    data = b""
    above = np.zeros(2 * width * channels, int)
    for number, row in enumerate(values):
        now = np.frombuffer(row.astype(">u2").tobytes(), np.uint8).astype(int)
        shift = 2 * channels
        left = np.concatenate([np.zeros(shift, int), now[:-shift]])
        corner = np.concatenate([np.zeros(shift, int), above[:-shift]])
        away = [abs(left + above - corner - part) for part in (left, above, corner)]
        paeth = np.choose(np.argmin(away, axis=0), [left, above, corner])
        guess = (np.zeros_like(now), left, above, (left + above) // 2, paeth)[number % 5]
        data += bytes([number % 5]) + ((now - guess) % 256).astype(np.uint8).tobytes()
        above = now
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(data)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_of_a_png_all_arrive(tmp_path: Path, channels: int) -> None:
    values = RNG.integers(0, 65536, (11, 6, channels), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(_png(values))
    picture = read(tmp_path / "a.png")
    if channels % 2 == 0:
        assert picture.alpha is not None
        assert np.array_equal(picture.alpha, values[..., -1])
        values = values[..., :-1]
    else:
        assert picture.alpha is None
    assert np.array_equal(picture.colour, values)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "adobe_deflate"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_of_a_tiff_all_arrive(
    tmp_path: Path, order: str, compression: str | None, channels: int
) -> None:
    values = RNG.integers(0, 65536, (9, 6, channels), dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif",
        values[..., 0] if channels == 1 else values,
        byteorder=order,
        compression=compression,
        photometric="minisblack" if channels == 1 else "rgb",
        extrasamples=["unassalpha"] if channels == 4 else None,
    )
    picture = read(tmp_path / "a.tif")
    assert np.array_equal(picture.colour, values[..., :3])
    assert (picture.alpha is not None) == (channels == 4)


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", "16.tif"])
def test_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    lies = np.ascontiguousarray(ORIENTED[orientation](RGB))
    expected: Codes = RGB
    if suffix == "16.tif":
        tag: tuple[Any, ...] = (274, 3, 1, orientation, True)
        expected = RGB.astype(np.uint16) * 257
        tifffile.imwrite(
            path, lies.astype(np.uint16) * 257, photometric="rgb", extratags=[tag], metadata=None
        )
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(lies).save(path, exif=exif, **({"lossless": True} if "w" in suffix else {}))
    assert read_header(path).size == (7, 5)
    picture = read(path)
    assert np.array_equal(picture.colour, expected)
    assert picture.exif is None


@pytest.mark.parametrize(
    ("mode", "channels", "alpha"),
    [("1", 1, False), ("L", 1, False), ("LA", 1, True), ("RGB", 3, False), ("RGBA", 3, True),
     ("P", 3, False), ("CMYK", 3, False), ("YCbCr", 3, False)],
)  # fmt: skip
def test_modes(tmp_path: Path, mode: str, channels: int, alpha: bool) -> None:
    Image.fromarray(RGB).convert(mode).save(tmp_path / "a.tif")
    picture = read(tmp_path / "a.tif")
    assert picture.colour.shape == (7, 5, channels)
    assert (picture.alpha is not None) == alpha


def test_a_palette_of_greys_is_grey(tmp_path: Path) -> None:
    Image.fromarray(RGB[..., 0]).save(tmp_path / "a.gif")
    assert np.array_equal(read(tmp_path / "a.gif").colour, RGB[..., :1])


def test_a_transparent_colour_of_a_palette(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "a.png", transparency=1)
    picture = read(tmp_path / "a.png")
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0, 255]]
    assert picture.colour[0, 2].tolist() == [0, 0, 255]


def test_a_profile_goes_with_the_colours_it_describes(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(RGB)
    image.save(tmp_path / "rgb.png", icc_profile=profile)
    assert read(tmp_path / "rgb.png").profile == profile
    image.convert("L").save(tmp_path / "grey.png", icc_profile=profile)
    assert read(tmp_path / "grey.png").profile is None
    image.convert("CMYK").save(tmp_path / "inks.tif", icc_profile=b"no profile at all")
    inks = read(tmp_path / "inks.tif")
    assert inks.profile is None
    assert np.array_equal(inks.colour, np.asarray(image.convert("CMYK").convert("RGB")))


def test_of_exif_what_stays_true(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0131] = "An editor"
    exif[0x011A] = 300.0
    exif.get_ifd(0x8769).update({0x9003: "2020:01:01 00:00:00", 0x927C: b"note", 0xA002: 5})
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    kept = read(tmp_path / "a.jpg").exif
    assert kept is not None
    assert {tag: kept[tag] for tag in kept if tag < 0x8000} == {0x010F: "Maker"}
    assert kept.get_ifd(0x8769) == {0x9003: "2020:01:01 00:00:00"}
    assert kept.get_ifd(0x8825) == {1: "N"}


def test_floats_and_wide_integers(tmp_path: Path) -> None:
    values = np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert read(tmp_path / "a.tif").colour[..., 0].tolist() == [[0, 32768, 65535, 0]]
    Image.fromarray(np.array([[-5, 7, 99999]], np.int32)).save(tmp_path / "b.tif")
    assert read(tmp_path / "b.tif").colour[..., 0].tolist() == [[0, 7, 65535]]


def test_the_first_of_several_frames(tmp_path: Path) -> None:
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    picture = read(tmp_path / "a.tif")
    assert np.array_equal(picture.colour, RGB)
    assert picture.notes == ("the first of 2 frames",)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".gif"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_cut_short_anywhere_it_is_refused(tmp_path: Path, suffix: str) -> None:
    whole, cut = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    Image.fromarray(np.tile(RGB, (20, 20, 1))).save(whole)
    data = whole.read_bytes()
    read(whole)
    for length in (0, 1, 7, 20, len(data) // 3, len(data) // 2, 3 * len(data) // 4):
        cut.write_bytes(data[:length])
        with pytest.raises(CommandError, match=f"b{suffix}"):
            read(cut)
