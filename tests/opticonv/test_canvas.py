from __future__ import annotations

import numpy as np
import torch

from opticonv.demo.canvas import CELL, Box, Heading, Panel, Row, detailed_boxes, draw_sheet


def _noise(side: int) -> torch.Tensor:
    return torch.randint(256, (3, side, side), dtype=torch.uint8, generator=torch.manual_seed(3))


def test_panels_show_their_pixels() -> None:
    picture = _noise(12)
    sheet = np.asarray(
        draw_sheet(
            "t", [Heading("a", ("", "")), Heading("b", ("", ""))], [Row("r", [Panel(picture)] * 2)]
        )
    )
    block = CELL // 12
    shown = picture.permute(1, 2, 0).numpy().repeat(block, 0).repeat(block, 1)
    # The first pixel row of the panel is where its first colour begins.
    found = [
        (top, left)
        for top in range(sheet.shape[0] - CELL)
        for left in (40, 40 + CELL + 16)
        if np.array_equal(sheet[top, left : left + CELL], shown[0])
        and np.array_equal(sheet[top : top + CELL, left : left + CELL], shown)
    ]
    assert len(found) == 2
    assert found[0][0] == found[1][0]


def test_titles_are_drawn() -> None:
    def ink(title: str) -> int:
        sheet = draw_sheet(title, [Heading("", ("", ""))], [Row("", [Panel(_noise(12))])])
        return int((np.asarray(sheet)[:90] < 100).all(-1).sum())

    assert ink("") == 0
    assert ink("astronaut: 32² → 256²") > ink("astronaut") > 0


def test_close_ups_are_where_the_detail_is() -> None:
    picture = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    coarse = torch.nn.functional.interpolate(_noise(4)[None].float(), size=16)[0].to(torch.uint8)
    picture[:, 8:24, 40:56] = coarse
    picture[:, 48:64, 0:16] = 128 + (coarse // 8) - 16
    first, second = detailed_boxes(picture, 16, 8, 2)
    assert first == Box(8, 40, 16)
    assert second == Box(48, 0, 16)


def test_boxes_of_the_picture_and_of_its_reduction_agree() -> None:
    picture = _noise(64)
    box = Box(16, 40, 24)
    assert torch.equal(box.of(picture)[:, 4::8, 4::8], box.reduced(8).of(picture[:, 4::8, 4::8]))
