"""Figures of longer studies, from a folder: charts that are drawn anew, and pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from opticonv.errors import CommandError
from opticonv.pages.embedding import Embedded, data_uri
from opticonv.report.charts import Chart, load_chart

__all__ = ["FigurePicture", "load_figures"]

MIME = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}

LIMIT_BYTES = 1_000_000
"""Of one picture's file."""
MOST = 12
"""Of figures in one page, so that its size stays bounded."""


@dataclass(frozen=True)
class FigurePicture:
    """A picture of a study, and what its caption file or its name says."""

    title: str
    picture: Embedded


def load_figures(folder: Path) -> list[Chart | FigurePicture]:
    """``*.json`` as `save_chart` writes it, and pictures with captions from ``NAME.txt``.

    Raises
    ------
    CommandError
        There is no such folder, nothing in it that can be shown, a file that is damaged or too
        large, or more than `MOST` of them.
    """
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".json", *MIME))
    if not paths:
        raise CommandError(f"{folder} holds no figure: no .json, {', '.join(MIME)}")
    if len(paths) > MOST:
        raise CommandError(f"{folder} holds {len(paths)} figures; a page takes {MOST}")
    return [load_chart(p) if p.suffix.lower() == ".json" else _picture(p) for p in paths]


def _picture(path: Path) -> FigurePicture:
    data = path.read_bytes()
    if len(data) > LIMIT_BYTES:
        raise CommandError(f"{path} has {len(data):,} bytes; a figure takes {LIMIT_BYTES:,}")
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            width, height = image.size
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise CommandError(f"{path} cannot be read as a picture: {error}") from None
    caption = path.with_suffix(".txt")
    title = caption.read_text(encoding="utf-8").strip() if caption.is_file() else ""
    uri = data_uri(data, MIME[path.suffix.lower()])
    return FigurePicture(title or path.stem.replace("_", " "), Embedded(uri, width, height))
