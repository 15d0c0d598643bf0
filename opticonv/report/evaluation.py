"""An evaluation on test sets: means by method, and light against electronics with intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nn.judging import BORDERS
from opticonv.evaluate.figures import (
    COLUMNS,
    basis,
    compared,
    difference_text,
    figure,
    interval_text,
)
from opticonv.evaluate.summary import differences, summaries
from opticonv.evaluate.table import EvaluationTable
from opticonv.report.tables import Table

__all__ = ["evaluated_by", "evaluation_tables"]

NOTE = (
    "PSNRs are averaged in dB, border: {border}. VGG distance and ΔE2000: less is better. A row "
    "matched to the truth is told what it should find, and can't be compared with the others."
)
INTERVALS = (
    "Intervals of 95 % (Student's t), picture by picture: of one device over pictures like these, "
    "of several over pictures and devices like these. An interval that holds 0 shows no difference."
)


def evaluation_tables(table: EvaluationTable) -> list[Table]:
    """Two tables a set: differences of light with their intervals, and means by method."""
    found = []
    for name in table.set_names:
        if (against := _differences(table, name)).rows:
            found.append(against)
        found.append(_means(table, name))
    return found


def _differences(table: EvaluationTable, set_name: str) -> Table:
    rows = [
        (
            compared(row),
            COLUMNS[row.measure].with_unit,
            _minus(difference_text(row.measure, row.interval.mean)),
            _minus(interval_text(row.measure, row.interval)),
            basis(row.interval),
        )
        for row in differences(table, set_name)
    ]
    return Table(
        caption=f"{set_name}: optical − electronic",
        head=("network", "figure", "mean", "95 % interval", "over"),
        rows=tuple(rows),
        note=INTERVALS,
    )


def _means(table: EvaluationTable, set_name: str) -> Table:
    rows = summaries(table, set_name)
    shown = [m for m in COLUMNS if any(row.means[m] is not None for row in rows)]
    border = str(table.provenance.get("settings", {}).get("border", "none"))
    meaning = next((text for name, text in BORDERS.items() if name == border), "unknown")
    count = max(row.pictures for row in rows)
    return Table(
        caption=f"{set_name}: means over {count} pictures",
        head=("method", *(COLUMNS[measure].with_unit for measure in shown)),
        rows=tuple(
            (row.method, *(figure(measure, row.means[measure]) for measure in shown))
            for row in rows
        ),
        note=NOTE.format(border=f"{border} ({meaning})"),
    )


def _minus(text: str) -> str:
    return text.replace("-", "−")


def evaluated_by(table: EvaluationTable) -> list[tuple[str, str]]:
    """How the evaluation was made: its provenance, as terms and values."""
    return _flat(table.provenance, "")


def _flat(values: Mapping[str, Any], above: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        term = f"{above}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            found += _flat(value, f"{above}{name}, ")
        else:
            found.append((term, value if isinstance(value, str) else json.dumps(value)))
    return found
