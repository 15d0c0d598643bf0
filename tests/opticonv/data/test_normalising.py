from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from opticonv.data.decoding import decoded
from opticonv.data.normalising import upright_rgb


def _through(picture: Image.Image, format: str, **options: Any) -> Image.Image:
    buffer = BytesIO()
    picture.save(buffer, format, **options)
    return decoded(buffer.getvalue())


def _halves(mode: str = "RGB") -> Image.Image:
    """20×10, its left half red and its right half blue."""
    picture = Image.new("RGB", (20, 10), (250, 10, 20))
    picture.paste((10, 20, 250), (10, 0, 20, 10))
    return picture.convert(mode)


@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [
        (1, (20, 10), (2, 5)),
        (2, (20, 10), (17, 5)),
        (3, (20, 10), (17, 5)),
        (4, (20, 10), (2, 5)),
        (5, (10, 20), (5, 2)),
        (6, (10, 20), (5, 2)),
        (7, (10, 20), (5, 17)),
        (8, (10, 20), (5, 17)),
    ],
)
def test_exif_orientation(orientation: int, size: tuple[int, int], red: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture, notes = upright_rgb(_through(_halves(), "PNG", exif=exif))
    assert picture.size == size
    assert picture.getpixel(red) == (250, 10, 20)
    assert notes == (() if orientation == 1 else (f"EXIF orientation {orientation}",))


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_orientations_that_do_not_exist_change_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture, notes = upright_rgb(_through(_halves(), "JPEG", exif=exif))
    assert (picture.size, notes) == ((20, 10), ())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_data_do_no_harm() -> None:
    picture, _ = upright_rgb(
        _through(_halves(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    )
    assert picture.size == (20, 10)


@pytest.mark.parametrize(("mode", "note"), [("L", "L to RGB"), ("1", "1 to RGB")])
def test_grey(mode: str, note: str) -> None:
    picture, notes = upright_rgb(_through(Image.new(mode, (4, 4), 1), "PNG"))
    assert picture.mode == "RGB"
    level = 255 if mode == "1" else 1
    assert picture.getpixel((1, 1)) == (level, level, level)
    assert notes == (note,)


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    picture, notes = upright_rgb(_through(Image.fromarray(values), "PNG"))
    assert [picture.getpixel((x, 0))[0] for x in range(4)] == [0, 1, 128, 255]
    assert "I;16 to 8 bits" in notes


def test_sixteen_bit_tiff_of_either_byte_order() -> None:
    values = np.array([[0, 32768, 65535]], dtype=np.uint16)
    for format, order in (("TIFF", "I;16"), ("TIFF", "I;16B")):
        stored = Image.frombytes(
            order, (3, 1), values.astype("<u2" if order == "I;16" else ">u2").tobytes()
        )
        picture, _ = upright_rgb(_through(stored, format))
        assert [picture.getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


def test_floats_with_what_is_no_number() -> None:
    values = np.array([[0.0, 0.5, 1.0, np.nan, np.inf, -3.0]], dtype=np.float32)
    picture, notes = upright_rgb(_through(Image.fromarray(values), "TIFF"))
    assert [picture.getpixel((x, 0))[0] for x in range(6)] == [0, 128, 255, 0, 0, 0]
    assert "F to 8 bits" in notes
    scaled, _ = upright_rgb(_through(Image.fromarray(values[:, :3] * 4000), "TIFF"))
    assert [scaled.getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


def test_transparency_is_over_white() -> None:
    above = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    above.putpixel((1, 1), (200, 0, 0, 255))
    above.putpixel((2, 2), (0, 0, 0, 128))
    picture, notes = upright_rgb(_through(above, "PNG"))
    assert picture.getpixel((0, 0)) == (255, 255, 255)
    assert picture.getpixel((1, 1)) == (200, 0, 0)
    assert picture.getpixel((2, 2)) == (127, 127, 127)
    assert notes == ("transparency over white",)


def test_an_alpha_channel_that_hides_nothing_is_no_news() -> None:
    picture, notes = upright_rgb(_through(_halves("RGBA"), "PNG"))
    assert picture.getpixel((2, 2)) == (250, 10, 20)
    assert notes == ()


def test_grey_with_alpha() -> None:
    picture, notes = upright_rgb(_through(Image.new("LA", (4, 4), (0, 0)), "PNG"))
    assert picture.getpixel((1, 1)) == (255, 255, 255)
    assert notes == ("transparency over white",)


def test_palettes_with_and_without_a_transparent_colour() -> None:
    palette = _halves().quantize(2)
    picture, _ = upright_rgb(_through(palette, "PNG"))
    assert picture.getpixel((2, 2)) == (250, 10, 20)
    hidden = palette.getpixel((2, 2))
    picture, notes = upright_rgb(_through(palette, "PNG", transparency=hidden))
    assert picture.getpixel((2, 2)) == (255, 255, 255)
    assert picture.getpixel((15, 5)) == (10, 20, 250)
    assert notes == ("transparency over white",)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_of_several_pictures(format: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    stored = _through(frames[0], format, save_all=True, append_images=frames[1:], **options)
    picture, notes = upright_rgb(stored)
    assert picture.getpixel((3, 3)) == (255, 0, 0)
    assert "first of 3 pictures" in notes


def test_the_first_picture_is_good_where_the_second_is_damaged() -> None:
    buffer = BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    content = bytearray(buffer.getvalue())
    (directory,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, directory)
    (second,) = struct.unpack_from("<I", content, directory + 2 + 12 * entries)
    content[second + 2 : second + 4] = b"\xff\xff"  # its width is called something else
    picture, _ = upright_rgb(decoded(bytes(content)))
    assert picture.getpixel((3, 3)) == (255, 0, 0)


def test_cmyk_without_a_profile() -> None:
    picture, notes = upright_rgb(_through(_halves("CMYK"), "TIFF"))
    assert np.abs(np.subtract(picture.getpixel((2, 2)), (250, 10, 20))).max() <= 1
    assert notes == ("CMYK to RGB",)


def test_cmyk_jpeg_is_not_inverted() -> None:
    picture, _ = upright_rgb(_through(_halves("CMYK"), "JPEG", quality=95))
    assert np.abs(np.subtract(picture.getpixel((2, 5)), (250, 10, 20))).max() <= 12


def _profile(space: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()


def test_a_profile_of_srgb_changes_nothing() -> None:
    picture, notes = upright_rgb(_through(_halves(), "PNG", icc_profile=_profile("sRGB")))
    assert picture.getpixel((2, 2)) == (250, 10, 20)
    assert notes == ()


def test_a_wide_gamut_comes_to_srgb() -> None:
    picture, notes = upright_rgb(
        _through(Image.new("RGB", (4, 4), (120, 160, 90)), "PNG", icc_profile=adobe_rgb())
    )
    # Adobe RGB (1998) to sRGB by the matrices and curves of the two standards, in floating point.
    assert np.abs(np.subtract(picture.getpixel((1, 1)), _adobe_in_srgb(120, 160, 90))).max() <= 1
    assert notes == ("colour profile Wide to sRGB",)


def _adobe_in_srgb(*values: int) -> list[float]:
    linear = (np.array(values) / 255.0) ** 2.19921875
    to_xyz = [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]
    from_xyz = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    light = np.clip(np.array(from_xyz) @ (np.array(to_xyz) @ linear), 0.0, 1.0)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return list(255.0 * coded)


def adobe_rgb() -> bytes:
    """A matrix profile with the primaries of Adobe RGB, adapted to D50, and gamma 563/256."""

    def fixed(*numbers: float) -> bytes:
        return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))

    def text(kind: bytes, string: str) -> bytes:
        ascii_form = string.encode() + b"\0"
        return kind + bytes(4) + struct.pack(">I", len(ascii_form)) + ascii_form + bytes(78)

    def xyz(*numbers: float) -> bytes:
        return b"XYZ " + bytes(4) + fixed(*numbers)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 563) + bytes(2)
    tags = {
        b"desc": text(b"desc", "Wide"),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, data, place = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", place + len(data), len(value))
        data += value
    head = struct.pack(">I", place + len(data)) + bytes(4) + struct.pack(">I", 0x02400000)
    head += b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head + bytes(128 - len(head)) + table + data


def test_profiles_that_do_not_fit_or_cannot_be_read_are_left_aside() -> None:
    picture, notes = upright_rgb(_through(_halves("CMYK"), "TIFF", icc_profile=_profile("sRGB")))
    assert notes == ("colour profile ignored: it is for RGB, not CMYK", "CMYK to RGB")
    assert picture.mode == "RGB"
    picture, notes = upright_rgb(_through(_halves(), "PNG", icc_profile=b"not a profile" * 20))
    assert notes == ("colour profile not readable",)
    assert picture.getpixel((2, 2)) == (250, 10, 20)


def test_lab_pictures() -> None:
    lab = ImageCms.profileToProfile(
        _halves(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    picture, notes = upright_rgb(_through(lab, "TIFF"))
    # Eight bits of L*a*b* are coarser than eight of RGB.
    assert np.abs(np.subtract(picture.getpixel((2, 2)), (250, 10, 20))).max() <= 6
    assert notes == ("colour profile Lab identity built-in to sRGB",)
