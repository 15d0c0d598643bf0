from __future__ import annotations

import pytest
import torch

from nn.judging.borders import BORDERS, Border, crop_border


@pytest.mark.parametrize(
    ("border", "scale", "width"),
    [("none", 8, 0), ("shave-scale", 8, 8), ("shave-scale", 4, 4), ("shave-6+scale", 8, 14)],
)
def test_leaves_out_what_its_name_says(border: Border, scale: int, width: int) -> None:
    picture = torch.rand(3, 40, 48)
    inside = crop_border(picture, border, scale)
    assert torch.equal(inside, picture[:, width : 40 - width, width : 48 - width])


def test_every_convention_is_explained_and_works() -> None:
    for border in BORDERS:
        assert crop_border(torch.zeros(3, 64, 64), border).numel() > 0


def test_refuses_a_name_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"'shave' *; there are none, shave-scale, shave-6\+scale"):
        crop_border(torch.zeros(3, 64, 64), "shave")  # type: ignore[arg-type]


def test_refuses_a_picture_of_which_nothing_is_left() -> None:
    with pytest.raises(ValueError, match=r"40×28 pixels .* shave-6\+scale \(14 pixels\)"):
        crop_border(torch.zeros(3, 28, 40), "shave-6+scale")
