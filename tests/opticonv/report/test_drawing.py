from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from opticonv.report.charts import Chart, Series
from opticonv.report.drawing import svg_of

LINES = Chart(
    title="t",
    value="error [%]",
    axis="age [s]",
    log_x=True,
    log_y=True,
    series=(
        Series("tracked", (1.0, 1.1, None), (1.0, 10.0, 3600.0)),
        Series("not tracked", (1.0, 20.0, 90.0), (1.0, 10.0, 3600.0), (0.9, 15, 70), (2, 25, 99)),
    ),
)
BARS = Chart(
    title="t",
    value="fewer MACs",
    unit="×",
    kind="bars",
    log_y=True,
    base=1.0,
    categories=("AlexNet", "ResNet <50>"),
    series=(Series("whole", (4.13, 0.54)), Series("tiled", (3.7, None))),
)
DOTS = Chart(
    title="t",
    value="time",
    unit="s",
    kind="dots",
    log_y=True,
    categories=("one", "two"),
    series=(Series("host", (2e-3, 1.8)), Series("light", (1.55, 57.0))),
)


def elements(chart: Chart, name: str = "c") -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg_of(chart, name)).iter())


def texts(chart: Chart) -> list[str]:
    return [element.text or "" for element in elements(chart) if element.tag == "text"]


@pytest.mark.parametrize("chart", [LINES, BARS, DOTS], ids=["lines", "bars", "dots"])
def test_it_fits_into_a_page(chart: Chart) -> None:
    found = elements(chart)
    # A style sheet inside would hold for the whole page, and a drawn size would not be the page's.
    assert not [e for e in found if e.tag in ("style", "metadata")]
    assert set(found[0].attrib) == {"viewBox", "aria-hidden", "focusable"}
    ids = {e.get("id") for e in found} - {None}
    assert all(str(each).startswith("c-") for each in ids)
    for element in found:
        for reference in re.findall(r"#([\w-]+)", element.get("href", "")):
            assert reference in ids
        for reference in re.findall(r"url\(#([\w-]+)\)", element.get("clip-path", "")):
            assert reference in ids


@pytest.mark.parametrize("chart", [LINES, BARS, DOTS], ids=["lines", "bars", "dots"])
def test_every_colour_is_the_page_s(chart: Chart) -> None:
    styles = " ".join(element.get("style", "") for element in elements(chart))
    assert not re.findall(r"#[0-9a-f]{6}|rgb", styles)
    assert "var(--series-1)" in styles
    assert "var(--series-2)" in styles
    assert "font-family" not in styles


def test_two_charts_share_no_id() -> None:
    ids = [
        element.get("id")
        for name in ("one", "two")
        for element in elements(BARS, name)
        if element.get("id")
    ]
    assert ids
    assert len(ids) == len(set(ids))


def test_labels_are_text() -> None:
    assert {"error [%]", "age [s]", "tracked", "not tracked", "1000"} <= set(texts(LINES))
    assert {"AlexNet", "ResNet <50>", "4.1", "0.54", "3.7"} <= set(texts(BARS))
    assert {"1 s", "10 ms", "10 s"} <= set(texts(DOTS))
