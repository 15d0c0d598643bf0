"""What an ingestion came to: a table on the screen, and all of it in a file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.text import Text

from opticonv.console import report_table
from opticonv.data.ingest import IngestReport
from opticonv.data.sources import shown
from opticonv.files import whole_file

__all__ = ["REPORT", "show_report", "write_report"]

REPORT = "ingest.json"
_EXAMPLES = 3
"""Files that are named of each reason."""


def show_report(console: Console, report: IngestReport, out: Path) -> None:
    """Print how many pictures there are and why files gave none."""
    splits = Counter(picture.split for picture in report.accepted)
    table = report_table("Files")
    table.add_column("")
    table.add_column("files", justify="right")
    table.add_column("such as")
    table.add_row("new, for training", f"{splits['training']:,}", "")
    table.add_row("new, for validation", f"{splits['validation']:,}", "")
    table.add_row("there already", f"{report.already:,}", "")
    for reason, number in Counter(r.reason for r in report.rejected).most_common():
        files = [r.file for r in report.rejected if r.reason == reason][:_EXAMPLES]
        table.add_row(reason, f"{number:,}", Text(", ".join(files)))
    if report.others:
        table.add_row("not called as a picture is", f"{report.others:,}", "")
    console.print(table)
    noted = Counter(note for picture in report.accepted for note in picture.notes)
    if noted:
        notes = report_table("What else was done to new pictures")
        notes.add_column("")
        notes.add_column("pictures", justify="right")
        for note, number in noted.most_common():
            notes.add_row(Text(note), f"{number:,}")
        console.print(notes)
    noun = "picture" if len(report.accepted) == 1 else "pictures"
    console.print(
        f"{len(report.accepted):,} new {noun} in {shown(out)}; every file is in {REPORT}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def write_report(report: IngestReport, folder: Path, out: Path) -> None:
    """Write the report of the last run as JSON: each file with what became of it."""
    content = {
        "folder": shown(folder),
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "counts": {
            "accepted": len(report.accepted),
            "already": report.already,
            "rejected": Counter(rejection.reason for rejection in report.rejected),
            "others": report.others,
        },
        "accepted": [
            {"file": p.source, "picture": p.file, "notes": p.notes} for p in report.accepted
        ],
        "rejected": [asdict(rejection) for rejection in report.rejected],
    }
    with whole_file(out / REPORT) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
