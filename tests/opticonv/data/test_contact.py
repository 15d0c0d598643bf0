from __future__ import annotations

import pytest

from opticonv.data.contact import checked_contact
from opticonv.errors import CommandError


@pytest.mark.parametrize("contact", ["ada@example.org", " https://example.org/~ada ", "a+b@x.y.z"])
def test_addresses_are_taken(contact: str) -> None:
    assert checked_contact(contact) == contact.strip()


@pytest.mark.parametrize("contact", [None, "", "  "])
def test_there_has_to_be_one(contact: str | None) -> None:
    with pytest.raises(CommandError, match="--contact, or in OPTICONV_CONTACT"):
        checked_contact(contact)


@pytest.mark.parametrize(
    "contact",
    [
        "me",
        "me@",
        "me@here",
        "ftp://x.org",
        "a@b.org\r\nX-Evil: 1",
        "ä@b.org",
        "a b@c.org",
        "a@b.c)",
    ],
)
def test_other_things_are_refused(contact: str) -> None:
    with pytest.raises(CommandError, match="neither an e-mail address nor a web page"):
        checked_contact(contact)
