from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from opticonv.evaluate.html_page import html_page
from opticonv.evaluate.table import EvaluationTable, Judgement

HOST = Judgement(
    "<Set>", "p&q", "net, electronic", "electronic", "net", 20.125, 21.0, 0.5, 0.6, None, 4.0
)


class _Nesting(HTMLParser):
    """Fails where tags don't nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _page() -> str:
    light = replace(HOST, method="net, optical", kind="optical", seed=7, psnr_rgb_db=20.0)
    leak = replace(HOST, method="net, matched to truth (leak)", matched="truth", psnr_rgb_db=30.0)
    rows = [HOST, replace(HOST, picture="r"), light, replace(light, picture="r"), leak]
    return html_page(EvaluationTable(tuple(rows), {"settings": {"border": "shave-scale"}}))


def test_nests_and_needs_nothing_else() -> None:
    parser = _Nesting()
    parser.feed(_page())
    assert parser.open == []
    assert not re.search(r"<script|<link|src=|https?://|url\(", _page())


def test_says_what_was_measured_and_how() -> None:
    page = _page()
    assert "shave-scale" in page
    assert "scale pixels along each edge" in page
    assert "not measured" in page
    assert "[-0.125, -0.125]" in page


def test_names_are_text_not_markup() -> None:
    page = _page()
    assert "&lt;Set&gt;" in page
    assert "p&amp;q" in page
    assert "<Set>" not in page


def test_a_leak_is_set_apart_and_never_best() -> None:
    (row,) = re.findall(r'<tr class="leak">.*', _page())
    assert "matched to truth (leak)" in row
    assert 'class="best"' not in row
    assert '<td class="best">20.12</td>' in _page() or '<td class="best">20.13</td>' in _page()
