"""A sheet of labelled pictures, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn import functional

from opticonv.picture_files import to_image

__all__ = ["CELL", "Box", "Heading", "Panel", "Row", "detailed_boxes", "draw_sheet"]

CELL = 480
"""Side of a panel [pixels]: a multiple of 32, and of close-ups of 12, 30, 96 and 240 pixels."""
MARGIN, GAP, ROW_GAP = 40, 16, 28
BLUR = 5
"""Detail finer than this many pixels does not decide what is shown close up."""
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
class Heading:
    """Of a column: what it is, and two lines about it."""

    name: str
    notes: tuple[str, str]


@dataclass(frozen=True)
class Row:
    """Panels side by side, below a line of text."""

    text: str
    panels: Sequence[Panel]


def draw_sheet(title: str, headings: Sequence[Heading], rows: Sequence[Row]) -> Image.Image:
    """Rows of panels below their headings.

    Parameters
    ----------
    title : str
    headings : sequence of Heading
    rows : sequence of Row

    Returns
    -------
    PIL.Image.Image
        A picture that fits a whole number of times shows its pixels as squares; others are
        resized smoothly.
    """
    width = 2 * MARGIN + len(headings) * (CELL + GAP) - GAP
    top = MARGIN + TITLE + 28
    row_height = NOTE + 14 + CELL + ROW_GAP
    below = top + HEADING + 2 * (NOTE + 8) + ROW_GAP
    sheet = Image.new("RGB", (width, below + len(rows) * row_height + MARGIN - ROW_GAP), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, _font(TITLE))
    for column, heading in enumerate(headings):
        left = MARGIN + column * (CELL + GAP)
        draw.text((left, top), heading.name, INK, _font(HEADING))
        for line, note in enumerate(heading.notes):
            y = top + HEADING + 10 + line * (NOTE + 8)
            draw.text((left, y), note, FAINT, _font(NOTE))
    for index, row in enumerate(rows):
        y = below + index * row_height
        draw.text((MARGIN, y), row.text, FAINT, _font(NOTE))
        for column, panel in enumerate(row.panels):
            x = MARGIN + column * (CELL + GAP)
            sheet.paste(_rendered(panel), (x, y + NOTE + 14))
    return sheet


def _rendered(panel: Panel) -> Image.Image:
    image = to_image(panel.picture)
    whole = CELL % image.width == 0
    way = Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS
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
        By the mean gradient within, strongest first.
    """
    soft = functional.avg_pool2d(picture.float(), BLUR, 1, BLUR // 2, count_include_pad=False)
    gradient = torch.zeros_like(soft)
    gradient[:, 1:] += soft.diff(dim=1).abs()
    gradient[:, :, 1:] += soft.diff(dim=2).abs()
    score = functional.avg_pool2d(gradient, side, step).sum(0)
    rows = torch.arange(score.shape[0])[:, None] * step
    columns = torch.arange(score.shape[1])[None] * step
    boxes: list[Box] = []
    for _ in range(number):
        row, column = divmod(int(score.argmax()), score.shape[1])
        boxes.append(Box(row * step, column * step, side))
        near = ((rows - row * step).abs() < side) & ((columns - column * step).abs() < side)
        score = score.masked_fill(near, -1.0)
    return boxes
