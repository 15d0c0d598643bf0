"""What an enlargement keeps of what a file says beside its pixels.

Kept: the ICC profile, while the colours are those it describes; of EXIF the description, camera,
artist, copyright, date, exposure and place.  Left out: what an enlargement makes untrue
(orientation, sizes, resolution, thumbnail), the maker's note (its offsets point into the old
file), XMP, IPTC, comments and animation.
"""

from __future__ import annotations

from PIL import ExifTags, Image

__all__ = ["kept_exif", "matching_profile"]

_KEPT = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
_UNTRUE = (
    ExifTags.Base.ExifImageWidth,
    ExifTags.Base.ExifImageHeight,
    ExifTags.Base.MakerNote,
    ExifTags.Base.ExifInteroperabilityOffset,
    ExifTags.Base.FocalPlaneXResolution,
    ExifTags.Base.FocalPlaneYResolution,
    ExifTags.Base.FocalPlaneResolutionUnit,
)
_SPACE = {1: b"GRAY", 3: b"RGB "}
"""Colour space in bytes 16 to 19 of a profile, by number of channels (ICC.1:2022, 7.2.8)."""


def kept_exif(image: Image.Image) -> Image.Exif | None:
    """The part of a file's EXIF that stays true; None where there is none, or a damaged one."""
    kept = Image.Exif()
    try:
        found = image.getexif()
        for tag in _KEPT:
            if tag in found:
                kept[tag] = found[tag]
        for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            values = {t: v for t, v in found.get_ifd(directory).items() if t not in _UNTRUE}
            if values:
                kept.get_ifd(directory).update(values)
                kept[directory] = kept.get_ifd(directory)
        return kept if kept.tobytes() and len(kept) else None
    except Exception:  # Pillow reads damaged EXIF lazily and raises whatever its parser met.
        return None


def matching_profile(profile: bytes | None, channels: int) -> bytes | None:
    """A profile if it describes colours of that many channels, else None."""
    return profile if profile and profile[16:20] == _SPACE[channels] else None
