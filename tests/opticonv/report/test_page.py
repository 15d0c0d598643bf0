from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from opticonv.errors import CommandError
from opticonv.report import page as page_module
from opticonv.report.measuring import Measured
from opticonv.report.page import LIMIT_BYTES, page_of
from opticonv.report.photos import Chosen

VOID = {"meta", "link", "img", "input", "br"}


class Outline(HTMLParser):
    """All elements with their attributes, and whether they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.headings: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, attribute: str) -> list[str]:
        return [value for _, found in self.elements if (value := found.get(attribute)) is not None]


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    found = Outline(page)
    assert found.open == []
    return found


def test_it_refers_to_nothing_outside(page: str, outline: Outline) -> None:
    for reference in [*outline.all("src"), *outline.all("href")]:
        assert reference.startswith(("data:", "#")), reference[:80]
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert outline.all("srcset") == outline.all("action") == []


def test_its_policy_allows_no_connection(outline: Outline) -> None:
    policy = next(
        found["content"]
        for tag, found in outline.elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    )


def test_ids_are_unique_and_references_to_them_resolve(outline: Outline) -> None:
    ids = Counter(outline.all("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    links = [link[1:] for link in outline.all("href") if link.startswith("#")]
    named = [name for value in outline.all("aria-labelledby") for name in value.split()]
    assert set(links) | set(named) <= set(ids)


def test_every_picture_has_a_description_and_a_size(outline: Outline) -> None:
    pictures = [found for tag, found in outline.elements if tag == "img"]
    # Seven methods and a difference, whole and close up, of two photographs; of the large one no
    # original and no difference; three cards of losses, whole and close up; a study's picture.
    assert len(pictures) == 2 * 8 * 2 + 2 * 6 + 3 * 2 + 1
    for found in pictures:
        assert found["alt"]
        assert found["width"]
        assert found["height"]
    described = [found["alt"] for found in pictures]
    assert len(set(described)) == len(described)


def test_headings_form_an_outline(outline: Outline) -> None:
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    for before, after in zip(outline.headings, outline.headings[1:], strict=False):
        assert after <= before + 1


def test_it_says_what_it_was_made_from(page: str, measured: Measured) -> None:
    for said in (
        measured.info.serial,
        measured.info.profile_hash,
        "emulator:ideal?device__n=32",
        "opticonv report -o &#39;a page.html&#39;",
        "opticonv evaluate &lt;Set5&gt;",
        "left out: 20×16 pixels",
        "sample photographs of scikit-image",
    ):
        assert said in page, said


def test_it_says_what_falls_short(page: str) -> None:
    assert "No figure here was measured on hardware" in page
    assert "from bicubic (SSIM:" in page


def test_its_size_is_bounded(
    page: str, measured: Measured, chosen: Chosen, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(page.encode()) < LIMIT_BYTES
    monkeypatch.setattr(page_module, "LIMIT_BYTES", 100_000)
    with pytest.raises(CommandError, match=r"\d MB, more than 0\.1 MB; show fewer"):
        page_of(replace(measured, large=None), chosen, command=["opticonv"])


def test_a_package_without_the_strong_network_has_a_page_too(
    measured: Measured, chosen: Chosen
) -> None:
    alone = replace(measured, second=None, second_large=None)
    outline = Outline(page_of(alone, chosen, command=["opticonv"]))
    assert len(outline.all("data-key")) == 2 * (2 * 6 + 4)
    assert outline.all("data-choices")[0] == "original input bicubic electronic optical"


def test_sections_without_content_are_left_out(measured: Measured, chosen: Chosen) -> None:
    bare = page_of(replace(measured, large=None, others=()), chosen, command=["opticonv"])
    outline = Outline(bare)
    assert not {"losses", "losses-title", "cost-1", "study-1"} & set(outline.all("id"))
    assert "#losses" not in outline.all("href")
    assert "Longer studies" not in bare
    assert "On test sets" not in bare
