"""A sheet of labelled pictures, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from opticonv.picture_files import to_image

__all__ = ["CELL", "Box", "Panel", "Row", "detailed_boxes", "draw_sheet"]

CELL = 512
"""Side of a panel [pixels]."""
MARGIN, GAP = 40, 16
TITLE, HEADING, NOTE = 40, 32, 26
INK, FAINT, FRAME = "#111111", "#666666", "#ffd400"


@dataclass(frozen=True)
class Box:
    """A square of a picture: its corner and side [pixels]."""

    top: int
    left: int
    side: int

    def of(self, picture: torch.Tensor) -> torch.Tensor:
        """That part of a picture (3, H, W)."""
        return picture[:, self.top : self.top + self.side, self.left : self.left + self.side]

    def reduced(self, scale: int) -> Box:
        """The same square of a picture `scale` times smaller."""
        return Box(self.top // scale, self.left // scale, self.side // scale)


@dataclass(frozen=True)
class Panel:
    """A square picture (3, S, S), uint8, shown as a panel, with squares of it framed."""

    picture: torch.Tensor
    frames: Sequence[Box] = ()


@dataclass(frozen=True)
class Row:
    """Panels side by side, below a line of text."""

    text: str
    panels: Sequence[Panel]


def draw_sheet(title: str, headings: Sequence[tuple[str, str]], rows: Sequence[Row]) -> Image.Image:
    """Rows of panels below their headings.

    Parameters
    ----------
    title : str
    headings : sequence of (str, str)
        Of each column: what it is, and a line of figures.
    rows : sequence of Row

    Returns
    -------
    PIL.Image.Image
        Enlarged pictures show their pixels as squares; larger ones are reduced smoothly.
    """
    width = 2 * MARGIN + len(headings) * (CELL + GAP) - GAP
    top = MARGIN + TITLE + 28
    row_height = NOTE + 14 + CELL + GAP
    below = top + HEADING + NOTE + 16
    sheet = Image.new("RGB", (width, below + len(rows) * row_height + MARGIN - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, _font(TITLE))
    for column, (name, figures) in enumerate(headings):
        left = MARGIN + column * (CELL + GAP)
        draw.text((left, top), name, INK, _font(HEADING))
        draw.text((left, top + HEADING + 6), figures, FAINT, _font(NOTE))
    for index, row in enumerate(rows):
        y = below + index * row_height
        draw.text((MARGIN, y), row.text, FAINT, _font(NOTE))
        for column, panel in enumerate(row.panels):
            x = MARGIN + column * (CELL + GAP)
            sheet.paste(_rendered(panel), (x, y + NOTE + 14))
    return sheet


def _rendered(panel: Panel) -> Image.Image:
    image = to_image(panel.picture)
    enlarge = image.width <= CELL
    way = Image.Resampling.NEAREST if enlarge else Image.Resampling.LANCZOS
    factor = CELL / image.width
    image = image.resize((CELL, CELL), way)
    draw = ImageDraw.Draw(image)
    for box in panel.frames:
        left, top = round(box.left * factor), round(box.top * factor)
        right, bottom = left + round(box.side * factor), top + round(box.side * factor)
        draw.rectangle((left - 1, top - 1, right, bottom), outline="black", width=1)
        draw.rectangle((left - 4, top - 4, right + 3, bottom + 3), outline=FRAME, width=3)
    return image


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and has × and ²."""
    import matplotlib

    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size
    )


def detailed_boxes(picture: torch.Tensor, side: int, step: int, number: int = 1) -> list[Box]:
    """The squares with most detail, apart from each other.

    Parameters
    ----------
    picture : torch.Tensor, shape (3, H, W), uint8
    side : int
        Of the squares [pixels].
    step : int
        Corners lie on multiples of it.
    number : int

    Returns
    -------
    list of Box
        By the mean gradient of the brightness within, strongest first.
    """
    grey = picture.float().mean(0)
    gradient = torch.zeros_like(grey)
    gradient[1:] += grey.diff(dim=0).abs()
    gradient[:, 1:] += grey.diff(dim=1).abs()
    score = torch.nn.functional.avg_pool2d(gradient[None], side, step)[0]
    rows = torch.arange(score.shape[0])[:, None] * step
    columns = torch.arange(score.shape[1])[None] * step
    boxes: list[Box] = []
    for _ in range(number):
        row, column = divmod(int(score.argmax()), score.shape[1])
        boxes.append(Box(row * step, column * step, side))
        near = ((rows - row * step).abs() < side) & ((columns - column * step).abs() < side)
        score = score.masked_fill(near, -1.0)
    return boxes
