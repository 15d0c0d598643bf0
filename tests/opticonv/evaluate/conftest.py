from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three small pictures, two of one size, none a multiple of 8."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo = data.astronaut()
    for name, (top, left, height, width) in {
        "face": (30, 160, 50, 44),
        "flag": (60, 20, 50, 44),
        "suit": (260, 150, 36, 50),
    }.items():
        cut = np.ascontiguousarray(photo[top : top + height, left : left + width])
        Image.fromarray(cut).save(folder / f"{name}.png")
    return folder
