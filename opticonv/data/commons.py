"""Search of a MediaWiki for pictures by its action API, see www.mediawiki.org/wiki/API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from pydantic import BaseModel, Field, ValidationError, field_validator

from opticonv.data.client import Answer, PoliteClient, TransientError, UnobtainableError
from opticonv.data.licences import licence_group
from opticonv.data.manifest import Origin
from opticonv.data.plain_text import plain_text
from opticonv.errors import CommandError

__all__ = ["COMMONS", "STANDARD_WIDTHS", "Candidate", "CommonsSearch", "Unusable"]

COMMONS = "https://commons.wikimedia.org/w/api.php"

STANDARD_WIDTHS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)
"""Widths [pixels] of thumbnails that Wikimedia keeps; since 2026 others are refused.

Source: www.mediawiki.org/wiki/Common_thumbnail_sizes.
"""

_BATCH = 50
"""Pictures an answer: the most for which the API scales."""
_MAXLAG_S = 5
_ANSWER_LIMIT = 16_000_000
_FIELDS = (
    "License", "LicenseShortName", "LicenseUrl", "UsageTerms", "Artist", "Credit", "Attribution",
    "AttributionRequired", "Restrictions",
)  # fmt: skip
_OVERLOADED = frozenset({"maxlag", "ratelimited", "readonly"})


@dataclass(frozen=True)
class Candidate:
    """A picture that the search found.

    Attributes
    ----------
    origin : Origin
    mime : str
        Media type of the original.
    url : str
        Of the file to download.
    width, height : int
        Of that file [pixels].
    original_bytes : int or None
        Size of the file to download if it is the original, else None.
    """

    origin: Origin
    mime: str
    url: str
    width: int
    height: int
    original_bytes: int | None


@dataclass(frozen=True)
class Unusable:
    """A page that the search found and that has no picture to offer."""

    title: str
    reason: str


class _ImageInfo(BaseModel):
    url: str
    descriptionurl: str
    sha1: str = Field(pattern="^[0-9a-f]{40}$")
    mime: str
    size: int = Field(ge=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    user: str | None = None
    thumburl: str | None = None
    thumbwidth: int | None = None
    thumbheight: int | None = None
    extmetadata: dict[str, Any] = {}

    @field_validator("extmetadata", mode="before")
    @classmethod
    def _empty_is_a_list(cls, value: object) -> object:
        return {} if value == [] else value  # PHP has one empty array for both


class CommonsSearch:
    """Search for files by keyword.

    Parameters
    ----------
    client : PoliteClient
    api : str
        Address of the wiki's ``api.php``.
    width : int or None
        Of the thumbnails that are offered, one of `STANDARD_WIDTHS`; None offers originals.
    """

    def __init__(self, client: PoliteClient, api: str, width: int | None) -> None:
        self._client = client
        self._api = api
        self._width = width

    def find(self, keyword: str) -> Iterator[Candidate | Unusable]:
        """All JPEG files that the search finds for `keyword`, best first.

        Raises
        ------
        CommandError
            The wiki refuses the search, or what answers is no MediaWiki.
        """
        pages: dict[int, dict[str, Any]] = {}
        carry: dict[str, str | int] = {}
        while True:
            answer = self._ask(self._query(keyword) | carry)
            for page in self._pages(answer):
                known = pages.setdefault(page.get("pageid", -1 - len(pages)), {})
                known |= page
            # Until then an answer may lack properties of pages that later ones will bring.
            if answer.get("batchcomplete") or "continue" not in answer:
                for page in sorted(pages.values(), key=lambda page: page.get("index", 0)):
                    yield self._read(page)
                pages = {}
            if "continue" not in answer:
                return
            if answer["continue"] == carry:
                raise CommandError(f"{self._api} goes round in circles: {carry}")
            carry = answer["continue"]

    def _query(self, keyword: str) -> dict[str, str | int]:
        query: dict[str, str | int] = {
            "action": "query",
            "format": "json",
            "formatversion": 2,
            "maxlag": _MAXLAG_S,
            "generator": "search",
            "gsrsearch": f"{keyword} filemime:image/jpeg",
            "gsrnamespace": 6,
            "gsrlimit": _BATCH,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|sha1|user|extmetadata",
            "iiextmetadatafilter": "|".join(_FIELDS),
            "iiextmetadatalanguage": "en",
        }
        return query | ({} if self._width is None else {"iiurlwidth": self._width})

    def _ask(self, query: dict[str, str | int]) -> dict[str, Any]:
        try:
            return self._client.get(self._api, query, self._understand, limit=_ANSWER_LIMIT)
        except UnobtainableError as error:
            raise CommandError(f"{self._api}: {error}") from None

    def _understand(self, answer: Answer) -> dict[str, Any]:
        try:
            told = json.loads(answer.content)
        except ValueError:
            raise UnobtainableError(
                f"answers with {answer.kind or 'something'} that is not JSON; is it the address of "
                "an api.php?"
            ) from None
        if not isinstance(told, dict):
            raise UnobtainableError("answers with JSON that is not a MediaWiki's")
        error = told.get("error")
        if isinstance(error, dict):
            text = f"{error.get('code')}: {error.get('info')}"
            if error.get("code") in _OVERLOADED:
                wait = answer.retry_after_s or _MAXLAG_S
                raise TransientError(text, wait, overloaded=True)
            raise UnobtainableError(text)
        if "query" not in told and "batchcomplete" not in told:
            raise UnobtainableError("answers with JSON that is not a MediaWiki's")
        return told

    def _pages(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        query = answer.get("query", {})
        pages = query.get("pages", []) if isinstance(query, dict) else None
        if not isinstance(pages, list) or not all(isinstance(page, dict) for page in pages):
            raise CommandError(f"{self._api}: pages are not listed as formatversion 2 does")
        return pages

    def _read(self, page: dict[str, Any]) -> Candidate | Unusable:
        title = str(page.get("title", "?"))
        listed = page.get("imageinfo")
        if not listed:
            return Unusable(title, "no information on the file")
        try:
            info = _ImageInfo.model_validate(listed[0])
        except (ValidationError, TypeError, LookupError):
            return Unusable(title, "no information on the file")
        origin = _origin(title, info, self._api)
        url, width, height = info.thumburl, info.thumbwidth, info.thumbheight
        if self._width is None or not url or not width or not height or url == info.url:
            return Candidate(
                origin, info.mime, origin.original_url, info.width, info.height, info.size
            )
        return Candidate(origin, info.mime, urljoin(self._api, url), width, height, None)


def _origin(title: str, info: _ImageInfo, api: str) -> Origin:
    def field(name: str) -> str | None:
        entry = info.extmetadata.get(name)
        value = entry.get("value") if isinstance(entry, dict) else None
        return plain_text(value) if isinstance(value, str) else None

    required = field("AttributionRequired")
    licence_url = field("LicenseUrl")
    return Origin(
        title=title,
        page_url=urljoin(api, info.descriptionurl),
        original_url=urljoin(api, info.url),
        original_sha1=info.sha1,
        licence=field("LicenseShortName"),
        licence_url=licence_url and urljoin(api, licence_url),
        licence_group=licence_group(field("License"), field("LicenseShortName")),
        usage_terms=field("UsageTerms"),
        author=field("Artist"),
        credit=field("Credit"),
        attribution=field("Attribution"),
        attribution_required=None if required is None else required.lower() == "true",
        restrictions=field("Restrictions"),
        uploader=info.user,
    )
