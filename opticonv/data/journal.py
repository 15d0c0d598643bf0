"""A file of JSON lines that grows by one whole record at a time, whatever interrupts its writer.

The first line says what the file is.  A last line without its newline was cut off while it was
written: readers leave it out, and the next writer takes it off.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from opticonv.errors import CommandError, first_fault

__all__ = ["MANIFEST", "Journal", "journal_kind"]

MANIFEST = "manifest.jsonl"
"""Name of the journal in a folder of pictures."""

_FORMAT, _VERSION = "opticonv-pictures", 1

Record = TypeVar("Record", bound=BaseModel)


class Journal(Generic[Record]):
    """The manifest of a folder of pictures.

    Parameters
    ----------
    path : Path
        Need not exist.
    kind : str
        What its records are about, such as "fetched".
    model : type
        Of a record.
    settings : dict or None
        What all records have in common.  A file written with others is refused; None takes what
        is there.

    Attributes
    ----------
    records : list
        Those that are in the file, in the order in which they were written.

    Raises
    ------
    CommandError
        The file is something else, was made by a newer version or with other settings, or has a
        line that is no record: the message says which.
    """

    def __init__(
        self,
        path: Path,
        kind: str,
        model: type[Record],
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.path = path
        self.records: list[Record] = []
        self._header = {"format": _FORMAT, "version": _VERSION, "kind": kind}
        self._settings = settings
        self._whole = 0
        lines = _whole_lines(path) if path.exists() else []
        if lines:
            found = _read_header(path, lines[0])
            if found["kind"] != kind:
                raise CommandError(f"{path} lists {found['kind']} pictures, not {kind} ones")
            there = found.get("settings", {})
            if settings is not None and there != settings:
                raise CommandError(
                    f"{path} was begun with {there}, not {settings}: use another folder"
                )
            self._settings = there
            self.records = [
                _read_record(path, number, line, model) for number, line in enumerate(lines[1:], 2)
            ]
            self._whole = sum(map(len, lines))

    @property
    def settings(self) -> dict[str, Any]:
        """What all records have in common."""
        return self._settings or {}

    def append(self, record: Record) -> None:
        """Write `record` to the file and to the disk before returning."""
        fields = record.model_dump(mode="json", exclude_none=True)
        text = json.dumps(fields, ensure_ascii=False) + "\n"
        if not self._whole:
            text = json.dumps(self._header | {"settings": self.settings}) + "\n" + text
        data = text.encode()
        with open(self.path, "r+b" if self.path.exists() else "xb") as file:
            file.truncate(self._whole)
            file.seek(self._whole)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._whole += len(data)
        self.records.append(record)


def journal_kind(path: Path) -> str | None:
    """What the records of a manifest are about, or None where there is no manifest yet.

    Raises
    ------
    CommandError
        The file is something else or of a newer version.
    """
    lines = _whole_lines(path) if path.exists() else []
    return _read_header(path, lines[0])["kind"] if lines else None


def _whole_lines(path: Path) -> list[bytes]:
    lines = path.read_bytes().splitlines(keepends=True)
    if len(lines) == 1 and not lines[0].startswith(b"{"):
        _read_header(path, lines[0])
    return [line for line in lines if line.endswith(b"\n")]


def _read_header(path: Path, line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT or "kind" not in header:
        raise CommandError(f"{path} is not a manifest of opticonv data")
    if header.get("version") != _VERSION:
        raise CommandError(
            f"{path} has version {header.get('version')}; this program reads version {_VERSION}"
        )
    return header


def _read_record(path: Path, number: int, line: bytes, model: type[Record]) -> Record:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise CommandError(
            f"{path}, line {number} is not a record ({first_fault(error, 'line')}); mend the line "
            "or take it out"
        ) from None
