"""From the many ways in which files keep colour to grey or RGB, and opacity."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from opticonv.enlarging.picture import Codes

__all__ = ["separated"]

_GREY = {"L", "1", "LA", "La"}
"""Modes whose colour is grey; of all others it is RGB."""


def separated(image: Image.Image) -> tuple[Codes, Codes | None, bool]:
    """Colour, opacity, and whether the file's ICC profile still describes the colour.

    Parameters
    ----------
    image : PIL.Image.Image
        Decoded and upright; any mode.

    Returns
    -------
    colour : (H, W, 1) or (H, W, 3), uint8 or uint16
    alpha : (H, W) or None
    described : bool

    Raises
    ------
    ValueError
        Pillow knows no way to RGB.
    """
    if image.mode.startswith(("I", "F")):
        return *_numbers(image), True
    if image.mode in {"CMYK", "LAB"}:
        return np.asarray(_through_profiles(image)), None, False
    if image.mode in _GREY:
        colour = image.convert("LA") if image.has_transparency_data else image.convert("L")
    else:
        colour = image.convert("RGBA" if image.has_transparency_data else "RGB")
    values = np.asarray(colour)
    if values.ndim == 2:
        return values[..., None], None, True
    if image.mode in {"P", "PA"} and np.ptp(values[..., :3], axis=2).max(initial=0) == 0:
        values = values[..., 2:]  # a palette of greys
    if values.shape[2] % 2:
        return values, None, True
    return values[..., :-1], values[..., -1], True


def _numbers(image: Image.Image) -> tuple[Codes, Codes | None]:
    """Greys of more than 8 bits: integers as of 16, floats of [0, 1] or up to their largest."""
    values = np.asarray(image)
    if image.mode == "F":
        finite = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
        values = finite / max(1.0, float(finite.max(initial=0.0))) * 65535.0
    codes = np.rint(np.clip(values, 0, 65535)).astype(np.uint16)
    key = image.info.get("transparency")
    alpha = np.where(codes == key, 0, 65535).astype(np.uint16) if isinstance(key, int) else None
    return codes[..., None], alpha


def _through_profiles(image: Image.Image) -> Image.Image:
    """Inks or Lab as sRGB, by the picture's own profile where it has a sound one."""
    source: Any
    try:
        if image.mode == "LAB":
            source = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.getOpenProfile(BytesIO(image.info["icc_profile"]))
        result = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (KeyError, OSError, ImageCms.PyCMSError):
        return image.convert("RGB")
    assert result is not None
    return result
