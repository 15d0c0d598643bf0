"""Author and credit lines arrive as HTML fragments; a manifest wants what a reader would see."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["plain_text"]

_LONGEST = 1000
"""Characters that are kept."""

_UNCLOSED = frozenset({"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"})
_SILENT = frozenset({"script", "style", "template"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNCLOSED:
            self.text.append(" ")
            return
        style = next((value or "" for name, value in attrs if name == "style"), "")
        unseen = tag in _SILENT or "display:none" in style.replace(" ", "").lower()
        if unseen or self._hidden:
            self._hidden.append(tag)
        elif tag in ("div", "p", "li", "tr", "td", "ul"):
            self.text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data)


def plain_text(html: str) -> str | None:
    """What a reader sees of an HTML fragment, in one line; None if that is nothing.

    Tags, comments and elements that are hidden are left out, entities and white space resolved,
    control characters dropped.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    shown = "".join(c if c.isprintable() else " " for c in "".join(reader.text))
    line = " ".join(shown.split())
    return (line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…") or None
