from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO

import commons_server as wiki
import pytest
from PIL import Image

from opticonv.data.decoding import UndecodableError, decoded, without_pillow_warnings


def _bytes(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "TGA"])
def test_pixel_formats_are_read(format: str) -> None:
    picture = decoded(_bytes(Image.new("RGB", (5, 4), "red"), format))
    assert picture.size == (5, 4)
    assert picture.convert("RGB").getpixel((2, 2))[0] > 240


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"\x00", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n", "not a picture"),
        (b"%PDF-1.7", "not a picture"),
        (wiki.jpeg(1)[:10], "damaged"),
        (wiki.jpeg(1)[:200], "damaged"),
        (wiki.jpeg(1)[:-2000], "damaged"),
        (_bytes(Image.new("RGB", (300, 300)), "PNG")[:-30], "damaged"),
        (_bytes(Image.new("RGB", (300, 255)), "PNG"), "too small"),
    ],
)
def test_the_reason_is_one_of_a_few(content: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError) as caught:
        decoded(content, shortest=256)
    assert caught.value.reason == reason
    assert caught.value.detail


@pytest.mark.parametrize("side", [20_000, 60_000])
def test_bombs_are_not_unpacked(side: int) -> None:
    """Beyond our limit, and beyond Pillow's own."""
    content = bytearray(_bytes(Image.new("1", (8, 8)), "PNG"))
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    with (
        without_pillow_warnings(),
        pytest.raises(UndecodableError) as caught,
    ):
        decoded(bytes(content))
    assert caught.value.reason == "too many pixels"


@pytest.mark.parametrize("seed", range(40))
def test_bytes_that_were_changed_give_a_picture_or_a_reason(seed: int) -> None:
    draw = random.Random(seed)
    kinds = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"]
    with Image.open(BytesIO(wiki.jpeg(seed, (64, 48)))) as picture:
        content = bytearray(_bytes(picture, kinds[seed % len(kinds)]))
    for _ in range(20):
        content[draw.randrange(len(content))] = draw.randrange(256)
    with without_pillow_warnings():
        try:
            reason = f"of {decoded(bytes(content)).width}"
        except UndecodableError as error:
            reason = error.reason
    assert reason.startswith("of ") or reason in {"damaged", "not a picture", "too many pixels"}
