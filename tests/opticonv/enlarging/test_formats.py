from __future__ import annotations

from pathlib import Path

import pytest

from opticonv.enlarging.formats import check_size, format_of
from opticonv.errors import CommandError


@pytest.mark.parametrize(
    ("name", "limit"), [("a.webp", 16383), ("a.jpg", 65500), ("a.JPEG", 65500), ("a.bmp", 32767)]
)
def test_a_format_too_small_is_refused_with_its_limit(name: str, limit: int) -> None:
    check_size(Path(name), (8, limit))
    check_size(Path(name), (limit, 8))
    with pytest.raises(CommandError, match=rf"{limit + 1}.*at most {limit}"):
        check_size(Path(name), (8, limit + 1))


def test_formats_without_a_limit_in_reach() -> None:
    for name in ("a.png", "a.tif"):
        check_size(Path(name), (10**6, 10**6))


@pytest.mark.parametrize(("name", "named"), [("a.xyz", r"'\.xyz'"), ("a", "without a suffix")])
def test_no_format(name: str, named: str) -> None:
    with pytest.raises(CommandError, match=named):
        format_of(Path(name))
