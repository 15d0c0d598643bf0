from __future__ import annotations

from pathlib import Path

import pytest

from opticonv.errors import CommandError
from opticonv.report.charts import Chart, Series, load_chart, save_chart

CURVES = Chart(
    title="Error by age",
    value="error [%]",
    axis="age [s]",
    log_x=True,
    series=(
        Series("tracked", (1.0, None, 1.2), (1.0, 10.0, 100.0)),
        Series("not", (1.0, 9.0, 90.0), (1.0, 10.0, 100.0), (0.9, 8.0, 70.0), (1.1, 10.0, 99.0)),
    ),
)


def test_a_chart_survives_its_file(tmp_path: Path) -> None:
    save_chart(CURVES, tmp_path / "c.json")
    assert load_chart(tmp_path / "c.json") == CURVES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"c\.json is not a chart"),
        ('{"title": "t", "value": "v"}', "series: Field required"),
        ('{"title": "t", "value": "v", "series": [], "colour": 1}', "colour"),
    ],
)
def test_a_file_that_is_no_chart_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(CommandError, match=message):
        load_chart(tmp_path / "c.json")


def test_series_are_as_long_as_their_axis() -> None:
    with pytest.raises(ValueError, match="'a' has 1 values, not 2"):
        Chart("t", "v", (Series("a", (1.0,)),), kind="bars", categories=("x", "y"))
    with pytest.raises(ValueError, match="'a' has 1 ends, not 2"):
        Chart("t", "v", (Series("a", (1.0, 2.0), (1.0, 2.0), low=(1.0,)),))
    with pytest.raises(ValueError, match="without a series"):
        Chart("t", "v", ())
