"""A picture as it was stored, to upright 8-bit sRGB."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, ImageOps

__all__ = ["upright_rgb"]

_COLOUR_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
"""Picture modes that a colour profile can be of → what the profile calls them."""


def upright_rgb(picture: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """RGB, turned as EXIF says, opaque, in sRGB.

    In this order: the first picture of several; EXIF orientation; 16 and 32 bits, and floats, to
    8; a palette to its colours; transparency over white; an embedded colour profile to sRGB
    (relative colorimetric), else Pillow's conversion, which for CMYK is the naive one.

    Parameters
    ----------
    picture : Image
        Decoded, in any mode.

    Returns
    -------
    picture : Image
        Mode "RGB".
    notes : tuple of str
        What was done to it.
    """
    notes: list[str] = []
    pictures = _pictures(picture)
    if pictures > 1:
        notes.append(f"first of {pictures} pictures")
    profile = picture.info.get("icc_profile")
    picture = _upright(picture, notes)
    picture = _eight_bits(picture, notes)
    picture = _opaque(picture, notes)
    picture = _in_srgb(picture, profile, notes)
    if picture.mode != "RGB":
        notes.append(f"{picture.mode} to RGB")
        picture = picture.convert("RGB")
    return picture, tuple(notes)


def _pictures(picture: Image.Image) -> int:
    try:
        return getattr(picture, "n_frames", 1)
    except Exception:  # the first is good, one behind it is damaged
        return 1


def _upright(picture: Image.Image, notes: list[str]) -> Image.Image:
    try:
        turned = ImageOps.exif_transpose(picture)
        orientation = picture.getexif().get(0x0112, 1)
    except Exception:  # EXIF data is as often damaged as it is odd, and the pixels are good
        notes.append("EXIF not readable")
        return picture
    if orientation in range(2, 9):
        notes.append(f"EXIF orientation {orientation}")
    return turned


def _eight_bits(picture: Image.Image, notes: list[str]) -> Image.Image:
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture, dtype=np.float32)
    values = np.where(np.isfinite(values), values, 0.0)
    # Integers come as I;16 or, from some formats, as 32-bit ones that hold 16; floats either as
    # parts of one or in a scale of their own.
    top = float(values.max(initial=0.0))
    peak = 65535.0 if picture.mode.startswith("I") else 1.0
    if top > peak:
        peak = top
    notes.append(f"{picture.mode} to 8 bits")
    return Image.fromarray(np.rint(np.clip(values / peak, 0.0, 1.0) * 255.0).astype(np.uint8))


def _opaque(picture: Image.Image, notes: list[str]) -> Image.Image:
    if picture.has_transparency_data:
        above = picture.convert("RGBA")
        if above.getchannel("A").getextrema() != (255, 255):
            notes.append("transparency over white")
        below = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(below, above).convert("RGB")
    return picture.convert("RGB") if picture.mode == "P" else picture


def _in_srgb(picture: Image.Image, profile: object, notes: list[str]) -> Image.Image:
    source: ImageCms.ImageCmsProfile | None = None
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            name = ImageCms.getProfileDescription(source).strip()
        except (ImageCms.PyCMSError, OSError, ValueError):
            notes.append("colour profile not readable")
            source = None
        else:
            if space != _COLOUR_SPACES.get(picture.mode):
                notes.append(f"colour profile ignored: it is for {space}, not {picture.mode}")
                source = None
            elif "srgb" in name.lower():
                return picture
    if source is None and picture.mode == "LAB":
        source, name = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB"
    if source is None:
        return picture
    try:
        converted = ImageCms.profileToProfile(
            picture,
            source,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except ImageCms.PyCMSError:
        notes.append("colour profile not usable")
        return picture
    assert converted is not None  # only a conversion in place returns nothing
    notes.append(f"colour profile {name} to sRGB")
    return converted
