"""ATTRIBUTION.md: whose the pictures are, as their licences ask to be told wherever they go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from opticonv.data.licences import GROUPS
from opticonv.data.manifest import FetchedPicture, IngestedPicture
from opticonv.files import whole_file

__all__ = ["ATTRIBUTION", "write_attribution"]

ATTRIBUTION = "ATTRIBUTION.md"

Picture = FetchedPicture | IngestedPicture

_HEADINGS = {
    "cc0": "CC0",
    "pd": "Public domain",
    "cc-by": "CC BY",
    "cc-by-sa": "CC BY-SA (what is made of them is under the same licence)",
    "other": "Other licences",
    "unknown": "No licence stated",
}


def write_attribution(path: Path, pictures: Sequence[Picture], *, changed: str) -> None:
    """Write a list of pictures by licence: file, title with its page, author, credit, licence.

    Parameters
    ----------
    path : Path
    pictures : sequence
        Those without an origin are counted at the end.
    changed : str
        What was done to them: Creative Commons licences ask for it.
    """
    lines = ["# Pictures in this folder", "", changed, ""]
    for group in GROUPS:
        members = [p for p in pictures if p.origin and p.origin.licence_group == group]
        if members:
            lines += [f"## {_HEADINGS[group]}", ""]
            lines += [_entry(picture) for picture in sorted(members, key=lambda p: p.file)]
            lines += [""]
    strangers = sum(picture.origin is None for picture in pictures)
    if strangers:
        lines += ["## Of unknown origin", "", f"{strangers:,} pictures that no manifest lists.", ""]
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def _entry(picture: Picture) -> str:
    origin = picture.origin
    assert origin is not None  # the caller has left out the others
    title = _link(origin.title.removeprefix("File:"), origin.page_url)
    author = _plain(origin.attribution or origin.author or "")
    if not author:
        uploader = f", uploaded by {_plain(origin.uploader)}" if origin.uploader else ""
        author = f"author not stated{uploader}"
    credit = f"; {_plain(origin.credit)}" if origin.credit else ""
    licence = _link(origin.licence or "not stated", origin.licence_url)
    restrictions = f"; restricted: {_plain(origin.restrictions)}" if origin.restrictions else ""
    return f"- `{picture.file}`: {title}; {author}{credit}; {licence}{restrictions}"


def _link(text: str, url: str | None) -> str:
    if not url or urlsplit(url).scheme not in ("http", "https"):
        return _plain(text)
    return f"[{_plain(text)}]({quote(url, safe=':/?&=#%+,;@~!$*')})"


def _plain(text: str) -> str:
    """Without meaning to Markdown or HTML, in one line."""
    return re.sub(r"([\\`*_\[\]<>&|~#])", r"\\\1", " ".join(text.split()))
