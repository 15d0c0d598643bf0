"""One picture from the archive, checked to be whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from opticonv.data.client import Answer, PoliteClient, TransientError, UnobtainableError
from opticonv.data.commons import Candidate
from opticonv.data.decoding import UndecodableError, decoded

__all__ = ["Download", "download"]

_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}


@dataclass(frozen=True)
class Download:
    """A picture's file.

    Attributes
    ----------
    content : bytes
    sha1 : str
        Of `content`: 40 hex digits.
    suffix : str
        By what the file is, whatever its address is called.
    width, height : int
        [pixels]
    """

    content: bytes
    sha1: str
    suffix: str
    width: int
    height: int


def download(client: PoliteClient, candidate: Candidate, *, limit: int, shortest: int) -> Download:
    """Get a picture and decode it once.

    Parameters
    ----------
    client : PoliteClient
    candidate : Candidate
    limit : int
        Bytes.
    shortest : int
        Least length of the shorter side [pixels].

    Raises
    ------
    UnobtainableError
        It isn't there, or too large, or not what the archive says it is.
    ServerOverloadedError
        Not now.
    """

    def read(answer: Answer) -> Download:
        if not answer.kind.startswith("image/"):
            raise UnobtainableError(f"it is {answer.kind or 'of no stated type'}, not a picture")
        try:
            picture = decoded(answer.content, shortest=shortest)
        except UndecodableError as error:
            if error.reason in ("damaged", "empty file"):
                raise TransientError(str(error)) from None
            raise UnobtainableError(str(error)) from None
        suffix = _SUFFIXES.get(picture.format or "")
        if suffix is None:
            raise UnobtainableError(f"it is a {picture.format}")
        sha1 = hashlib.sha1(answer.content, usedforsecurity=False).hexdigest()
        if candidate.original_bytes is not None and sha1 != candidate.origin.original_sha1:
            raise TransientError("its SHA-1 is not the one that the archive states")
        return Download(answer.content, sha1, suffix, *picture.size)

    return client.get(candidate.url, None, read, limit=limit)
