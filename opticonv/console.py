"""Where the command line writes: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import shutil

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

__all__ = [
    "REPORT_WIDTH",
    "count",
    "progress_bar",
    "progress_console",
    "report_table",
    "result_console",
]

REPORT_WIDTH = 110
"""Columns of a report that goes to a file or a pipe."""

progress_console = Console(stderr=True)


def result_console() -> Console:
    """For results: as wide as the terminal, or `REPORT_WIDTH` where there is none."""
    console = Console()
    if not console.is_terminal:
        console.width = shutil.get_terminal_size((REPORT_WIDTH, 24)).columns
    return console


def progress_bar() -> Progress:
    """A progress display on stderr: description, bar, percentage, elapsed and remaining time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=progress_console,
    )


def report_table(title: str) -> Table:
    """An empty table that is frugal with columns."""
    return Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)


def count(number: float) -> str:
    """A count to four digits, as people read it: 231, 9,875, 29.80 M, 1.907 G."""
    if number < 1e5:
        return f"{number:,.0f}"
    power, unit = next(
        (p, u) for p, u in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")) if number >= p
    )
    return f"{number / power:.4g} {unit}"
