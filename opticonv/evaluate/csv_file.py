"""The judgements as CSV: one line each, for spreadsheets and data frames."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from pathlib import Path

from opticonv.evaluate.table import EvaluationTable, Judgement
from opticonv.files import whole_file

__all__ = ["write_csv"]


def write_csv(table: EvaluationTable, path: Path) -> None:
    """Write all judgements under the names of their fields; what wasn't measured stays empty."""
    with (
        whole_file(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, [field.name for field in fields(Judgement)])
        writer.writeheader()
        writer.writerows(asdict(judgement) for judgement in table.judgements)
