"""What is known of a picture: where it is from, whose it is, under which licence, what was made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from opticonv.data.licences import LicenceGroup

__all__ = ["FETCHED", "INGESTED", "FetchedPicture", "IngestedPicture", "Origin"]

FETCHED, INGESTED = "fetched", "ingested"
"""Kinds of manifests."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Origin(_Record):
    """Where a picture is from and what its licence asks for; None is what the archive doesn't say.

    Attributes
    ----------
    title : str
        Its file name in the archive.
    page_url, original_url : str
        The page that describes it, and the file as it was uploaded.
    original_sha1 : str
        Of the file as it was uploaded: 40 hex digits.
    licence, licence_url, usage_terms : str or None
        Short name, its text's address, and its full name.
    licence_group : str
        Which of the groups of `opticonv.data.licences` it belongs to.
    author, credit, attribution, uploader : str or None
        Plain text. `attribution` is the line that the author asks for, if any.
    attribution_required : bool or None
    restrictions : str or None
        Rights beside copyright, such as "personality" or "trademarked".
    """

    title: str
    page_url: str
    original_url: str
    original_sha1: str
    licence: str | None = None
    licence_url: str | None = None
    licence_group: LicenceGroup = "unknown"
    usage_terms: str | None = None
    author: str | None = None
    credit: str | None = None
    attribution: str | None = None
    attribution_required: bool | None = None
    restrictions: str | None = None
    uploader: str | None = None


class FetchedPicture(_Record):
    """A picture as `opticonv data fetch` keeps it.

    Attributes
    ----------
    file : str
        Its name in the folder: first 10 hex digits of `sha1` and a suffix.
    sha1 : str
        Of the file's content: 40 hex digits.
    bytes, width, height : int
        Of the file.
    url : str
        What was downloaded.
    keyword : str
        What was searched for.
    fetched : str
        When: ISO 8601, UTC.
    """

    file: str
    sha1: str
    bytes: int
    width: int
    height: int
    url: str
    keyword: str
    fetched: str
    origin: Origin


class IngestedPicture(_Record):
    """A picture as `opticonv data ingest` keeps it.

    Attributes
    ----------
    name : str
        First 10 hex digits of `source_sha1`.
    file : str
        Its path in the folder, such as ``training/0a1b2c3d4e.png``.
    split : "training" or "validation"
    width, height : int
        Of the file.
    source : str
        Path of the file that it was made from, relative to the ingested folder.
    source_sha1 : str
        Of that file's content: 40 hex digits.
    source_width, source_height : int
        Upright.
    notes : tuple of str
        What was done beside cropping and resizing, such as "transparency over white".
    keyword : str or None
    origin : Origin or None
        None for pictures that no manifest of `opticonv data fetch` lists.
    """

    name: str
    file: str
    split: Literal["training", "validation"]
    width: int
    height: int
    source: str
    source_sha1: str
    source_width: int
    source_height: int
    notes: tuple[str, ...] = ()
    keyword: str | None = None
    origin: Origin | None = None
