"""Whom a server's operators can reach: asked of the user, since only they know."""

from __future__ import annotations

import re

from opticonv.errors import CommandError

__all__ = ["CONTACT_VARIABLE", "checked_contact"]

CONTACT_VARIABLE = "OPTICONV_CONTACT"

_ADDRESS = re.compile(r"[^@\s()<>]+@[^@\s()<>]+\.[^@\s()<>.]+|https?://[^\s()<>/]+\.[^\s()<>]+")


def checked_contact(contact: str | None) -> str:
    """An e-mail address or a web page that can stand in a User-Agent header.

    Raises
    ------
    CommandError
        There is none, or it's neither.
    """
    if not contact or not contact.strip():
        raise CommandError(
            "Wikimedia asks every program for a contact: give your e-mail address or web page with "
            f"--contact, or in {CONTACT_VARIABLE}"
        )
    contact = contact.strip()
    if not contact.isascii() or not contact.isprintable() or not _ADDRESS.fullmatch(contact):
        raise CommandError(
            f"contact {contact!r} is neither an e-mail address nor a web page (https://…)"
        )
    return contact
