"""Pictures as data URIs, each within a number of bytes of its own."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from opticonv.picture_files import to_image

__all__ = ["Embedded", "data_uri", "embed"]

LOSSLESS_PIXELS = 512 * 512
"""Larger pictures are not tried without loss: they would not fit."""
QUALITIES = (95, 90, 85, 75, 60, 40, 20, 5)
"""Of WebP, from the best; the first that fits is taken."""


@dataclass(frozen=True)
class Embedded:
    """A picture in the page.

    Attributes
    ----------
    uri : str
        Its data URI.
    width, height : int
        Pixels.
    loss : str
        What compression took from it; empty: nothing.
    """

    uri: str
    width: int
    height: int
    loss: str = ""


def data_uri(data: bytes, mime: str) -> str:
    """Bytes as a data URI."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def embed(picture: torch.Tensor, limit_bytes: int) -> Embedded:
    """A picture (3, H, W), uint8, as WebP: without loss where that fits, else as good as fits.

    Parameters
    ----------
    picture : torch.Tensor
    limit_bytes : int
        Of the file; its data URI is 4/3 as long.

    Raises
    ------
    ValueError
        Not even the coarsest form fits.
    """
    image = to_image(picture)
    if image.width * image.height <= LOSSLESS_PIXELS:
        data = _webp(image, lossless=True, quality=50)
        if len(data) <= limit_bytes:
            return Embedded(data_uri(data, "image/webp"), image.width, image.height)
    for quality in QUALITIES:
        data = _webp(image, lossless=False, quality=quality)
        if len(data) <= limit_bytes:
            loss = f"WebP of quality {quality}, {_psnr_db(image, data):.1f} dB to what was computed"
            return Embedded(data_uri(data, "image/webp"), image.width, image.height, loss)
    raise ValueError(f"{image.width}×{image.height} pixels do not fit in {limit_bytes} bytes")


def _webp(image: Image.Image, *, lossless: bool, quality: int) -> bytes:
    file = io.BytesIO()
    # Method: how hard it tries. More takes twice the time and saves a few per cent.
    image.save(file, "WEBP", lossless=lossless, quality=quality, method=3 if lossless else 2)
    return file.getvalue()


def _psnr_db(image: Image.Image, data: bytes) -> float:
    with Image.open(io.BytesIO(data)) as kept:
        wrong = np.asarray(kept.convert("RGB"), np.float64) - np.asarray(image, np.float64)
    return float(10 * np.log10(255.0**2 / max(float(np.mean(wrong**2)), 1e-12)))
