from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from opticonv.errors import CommandError
from opticonv.report import figures
from opticonv.report.charts import Chart, Series, save_chart
from opticonv.report.figures import FigurePicture, load_figures

CHART = Chart("Error by ADC bits", "error [%]", (Series("lab", (3.0, 1.0), (8.0, 12.0)),))


def test_charts_and_pictures_by_name(tmp_path: Path) -> None:
    save_chart(CHART, tmp_path / "b.json")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a_picture.png")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "c.webp")
    (tmp_path / "c.txt").write_text("What is to be seen\n")
    first, second, third = load_figures(tmp_path)
    assert isinstance(first, FigurePicture)
    assert first.title == "a picture"
    assert (first.picture.width, first.picture.height) == (40, 30)
    assert second == CHART
    assert isinstance(third, FigurePicture)
    assert third.title == "What is to be seen"
    assert third.picture.uri.startswith("data:image/webp;base64,")


def test_what_cannot_be_shown_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="holds no figure"):
        load_figures(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(CommandError, match=r"a\.png cannot be read"):
        load_figures(tmp_path)
    monkeypatch.setattr(figures, "LIMIT_BYTES", 5)
    with pytest.raises(CommandError, match=r"a\.png has 10 bytes; a figure takes 5"):
        load_figures(tmp_path)
    monkeypatch.setattr(figures, "MOST", 0)
    with pytest.raises(CommandError, match="holds 1 figures; a page takes 0"):
        load_figures(tmp_path)
