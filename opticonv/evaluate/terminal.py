"""The tables on the terminal."""

from __future__ import annotations

from rich.console import Console

from opticonv.console import report_table
from opticonv.evaluate.figures import (
    COLUMNS,
    basis,
    best_of,
    compared,
    difference_text,
    figure,
    interval_text,
)
from opticonv.evaluate.summary import differences, summaries
from opticonv.evaluate.table import EvaluationTable

__all__ = ["print_tables"]


def print_tables(table: EvaluationTable, console: Console) -> None:
    """Of each set: the means by method, and what light costs or gains."""
    for set_name in table.set_names:
        _print_means(table, set_name, console)
        _print_differences(table, set_name, console)


def _print_means(table: EvaluationTable, set_name: str, console: Console) -> None:
    rows = summaries(table, set_name)
    best = best_of(rows)
    shown = report_table(f"{set_name}: means over {max(r.pictures for r in rows)} pictures")
    shown.add_column("\nmethod", no_wrap=True, overflow="fold")
    for column in COLUMNS.values():
        shown.add_column(f"{column.heading}\n{column.unit}", justify="right")
    for row in rows:
        cells = []
        for measure in COLUMNS:
            value = row.means[measure]
            text = figure(measure, value)
            is_best = row.matched != "truth" and value is not None and value == best.get(measure)
            cells.append(f"[bold]{text}[/bold]" if is_best else text)
        shown.add_row(row.method, *cells)
    console.print(shown)


def _print_differences(table: EvaluationTable, set_name: str, console: Console) -> None:
    found = differences(table, set_name)
    if not found:
        return
    over = dict.fromkeys(basis(row.interval) for row in found)
    shown = report_table(
        f"{set_name}: optical − electronic with 95 % intervals, over {'; '.join(over)}"
    )
    shown.add_column("network")
    shown.add_column("measure", no_wrap=True)
    shown.add_column("mean", justify="right", no_wrap=True)
    shown.add_column("Student's t", justify="right", no_wrap=True)
    shown.add_column("bootstrap BCa", justify="right", no_wrap=True)
    for row in found:
        shown.add_row(
            compared(row),
            COLUMNS[row.measure].with_unit,
            difference_text(row.measure, row.interval.mean),
            interval_text(row.measure, row.interval),
            interval_text(row.measure, row.bootstrap),
        )
    console.print(shown)
