"""Where a profile's values come from: the comments at the end of its lines.

A profile is a TOML file of sections with one ``field = value  # source`` a line.  TOML readers drop
comments, so they are read here.  The comment of a line begins at the first ``#`` before which the
line is TOML by itself: a ``#`` inside a string cuts the string open, which is none.
"""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Key", "trailing_comments"]

Key = tuple[str, str]
"""Section and field."""


def trailing_comments(text: str) -> dict[Key, str]:
    """The comment at the end of each ``field = value`` line, by section and field.

    Parameters
    ----------
    text : str
        A valid TOML document.

    Returns
    -------
    dict
        Only of fields that stand on a line of their own below a ``[section]`` line, and that have
        a comment: dotted keys, inline tables and values over several lines have none.
    """
    found: dict[Key, str] = {}
    section: str | None = None
    for line in text.splitlines():
        statement, comment = _split(line)
        parsed = _parsed(statement)
        if parsed is None or len(parsed) != 1:
            continue
        ((name, value),) = parsed.items()
        if statement.lstrip().startswith("["):
            section = name if value == {} else None
        elif section is not None and comment and not isinstance(value, dict):
            found[section, name] = comment
    return found


def _split(line: str) -> tuple[str, str]:
    """A line's statement and its comment, without the ``#``."""
    end = line.find("#")
    while end >= 0:
        if _parsed(line[:end]) is not None:
            return line[:end], line[end + 1 :].strip()
        end = line.find("#", end + 1)
    return line, ""


def _parsed(statement: str) -> dict[str, Any] | None:
    """The line as a TOML document; None if it is none."""
    try:
        return tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return None
