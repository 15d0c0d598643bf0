from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from opticonv.cli import app

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `opticonv` with these arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A smooth 20×16 picture, `photo.png`."""
    rows, columns = np.mgrid[0:16, 0:20]
    planes = [128 + 90 * np.sin(rows / 3 + k) * np.cos(columns / (4 + k)) for k in range(3)]
    path = tmp_path / "photo.png"
    Image.fromarray(np.stack(planes, -1).astype(np.uint8)).save(path)
    return path
