"""Licences in groups: what may be asked for, and what is counted together.

Wikimedia Commons takes free licences only, but they come in some hundred names and versions:
``cc-by-sa-3.0,2.5,2.0,1.0``, ``CC BY-SA 4.0``, ``PD-user``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

from opticonv.errors import CommandError

__all__ = ["GROUPS", "LicenceGroup", "chosen_groups", "licence_group"]

LicenceGroup = Literal["cc0", "pd", "cc-by", "cc-by-sa", "other", "unknown"]
"""``other`` has a name but is none of the four before, ``unknown`` has no name."""

GROUPS: tuple[LicenceGroup, ...] = get_args(LicenceGroup)
_FREE: tuple[LicenceGroup, ...] = ("cc0", "pd", "cc-by", "cc-by-sa")
"""Licences that allow use, change and sale, and whose terms this program can meet by itself."""

_ATTRIBUTION = re.compile(r"cc-by((?:-(?:sa|nc|nd))*)(?![a-z])")


def licence_group(*names: str | None) -> LicenceGroup:
    """Group of a licence by its code or short name, the first of `names` that is not empty."""
    name = next((n for n in names if n and n.strip()), "")
    name = re.sub(r"[\s_]+", "-", name.strip().lower())
    if not name:
        return "unknown"
    if re.match(r"cc-?0|cc-zero", name):
        return "cc0"
    if re.match(r"(cc-)?pd(?![a-z])|public-domain", name):
        return "pd"
    match = _ATTRIBUTION.match(name)
    if match is None or {"nc", "nd"} & set(match[1].split("-")):
        return "other"
    return "cc-by-sa" if match[1] else "cc-by"


def chosen_groups(names: Sequence[str] | None) -> frozenset[LicenceGroup]:
    """Groups that a user names; ``any`` is all of them, None the free ones.

    Raises
    ------
    CommandError
        One of `names` is no group.
    """
    if not names:
        return frozenset(_FREE)
    for name in names:
        if name != "any" and name not in _FREE:
            raise CommandError(f"licence {name!r} is none of {', '.join(_FREE)}, any")
    return frozenset(GROUPS if "any" in names else (group for group in GROUPS if group in names))
