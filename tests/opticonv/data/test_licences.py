from __future__ import annotations

import pytest

from opticonv.data.licences import chosen_groups, licence_group
from opticonv.errors import CommandError


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("CC0", "cc0"),
        ("cc-zero", "cc0"),
        ("Public domain", "pd"),
        ("pd", "pd"),
        ("PD-old-100", "pd"),
        ("cc-pd-mark", "pd"),
        ("CC BY 2.0", "cc-by"),
        ("cc-by-3.0-de", "cc-by"),
        ("CC BY-SA 4.0", "cc-by-sa"),
        ("cc-by-sa-3.0,2.5,2.0,1.0", "cc-by-sa"),
        ("cc-by-sa-all", "cc-by-sa"),
        ("CC BY-NC 2.0", "other"),
        ("cc-by-nd-4.0", "other"),
        ("CC BY-NC-SA 2.0", "other"),
        ("GFDL", "other"),
        ("Copyrighted free use", "other"),
        ("pdx-licence", "other"),
        ("cc-byte", "other"),
        ("", "unknown"),
        ("  ", "unknown"),
    ],
)
def test_names_and_codes_fall_into_groups(name: str, group: str) -> None:
    assert licence_group(name) == group


def test_the_first_name_that_is_there_counts() -> None:
    assert licence_group(None, "", "CC0") == "cc0"
    assert licence_group("gfdl", "CC0") == "other"
    assert licence_group(None, None) == "unknown"


def test_groups_are_chosen_by_name() -> None:
    assert chosen_groups(None) == {"cc0", "pd", "cc-by", "cc-by-sa"}
    assert chosen_groups(["pd", "cc0"]) == {"pd", "cc0"}
    assert chosen_groups(["pd", "any"]) >= {"other", "unknown", "cc-by"}
    with pytest.raises(CommandError, match="'cc-nc' is none of cc0"):
        chosen_groups(["cc0", "cc-nc"])
