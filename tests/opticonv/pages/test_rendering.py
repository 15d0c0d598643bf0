from __future__ import annotations

import re
from importlib import resources

import jinja2
import pytest

from opticonv.pages.rendering import render
from opticonv.report.tables import Table


def test_text_is_escaped() -> None:
    table = Table("<b>caption", ("a & b",), (("<script>alert(1)</script>",),))
    page = rendered(table)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "a &amp; b" in page


def rendered(table: Table) -> str:
    source = '{% from "tables.html" import data_table %}{{ data_table(table, "t") }}'
    loader = jinja2.PackageLoader("opticonv.pages")
    environment = jinja2.Environment(loader=loader, autoescape=True)
    return environment.from_string(source).render(table=table)


def test_what_a_template_lacks_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="measured"):
        render("opticonv.report", "report.html")


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_have_the_contrast_of_wcag_aa(scheme: int) -> None:
    style = (resources.files("opticonv.pages") / "templates" / "base.css").read_text()
    block = re.findall(r":root \{(.*?)\}", style, re.S)[scheme]
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))
    # 4.5 for text (1.4.3), 3 for parts of graphics (1.4.11).
    for name in ("ink", "muted", "accent", "good", "fair", "bad"):
        for ground in ("paper", "raised"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    for number in range(1, 7):
        assert contrast(colours[f"series-{number}"], colours["paper"]) >= 3, number
