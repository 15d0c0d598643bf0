"""What a fetch, or its preview, came to: tables on the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from opticonv.console import report_table
from opticonv.data.fetch import FetchOrder, KeywordTally

__all__ = ["show_tallies"]

_REASONS = 8
"""Of a keyword, most frequent first, that get a line."""
_REQUEST_S = 0.5
"""Typical time of a download without the pause, for estimates [s]."""


def show_tallies(
    console: Console,
    order: FetchOrder,
    tallies: list[KeywordTally],
    *,
    preview: bool,
    complete: bool,
) -> None:
    """Print pictures a keyword, why others were left, and the licences of the new ones.

    Parameters
    ----------
    console : Console
    order : FetchOrder
    tallies : list of KeywordTally
    preview : bool
        They are of pictures that would be fetched.
    complete : bool
        The run came to its end: what is missing isn't in the archive.
    """
    table = report_table("Pictures found" if preview else "Pictures fetched")
    table.add_column("keyword")
    for title in ("had", "would fetch" if preview else "new", "asked for", "MB", "left", "failed"):
        table.add_column(title, justify="right")
    for tally in tallies:
        table.add_row(
            escape(tally.keyword),
            f"{tally.had:,}",
            f"{tally.taken:,}",
            f"{order.count:,}",
            f"{'about ' if preview else ''}{tally.bytes / 1e6:,.1f}",
            f"{tally.left.total():,}",
            f"{len(tally.failed):,}",
        )
    console.print(table)
    _show_counts(console, "Why pictures were left", _sum(tally.left for tally in tallies))
    _show_counts(console, "Licences", _sum(tally.licences for tally in tallies))
    short = [tally.keyword for tally in tallies if tally.had + tally.taken < order.count]
    taken, megabytes = sum(t.taken for t in tallies), sum(t.bytes for t in tallies) / 1e6
    if preview:
        minutes = taken * (order.etiquette.pause_s + _REQUEST_S) / 60
        time = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{minutes:.0f} minutes"
        line = f"{taken:,} pictures to fetch, about {megabytes:,.1f} MB in {time}"
    else:
        noun = "picture" if taken == 1 else "pictures"
        line = f"{taken:,} new {noun}, {megabytes:,.1f} MB, in {order.out}"
    if complete and short:
        line += f"; not enough for: {', '.join(short)}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total += counter
    return total


def _show_counts(console: Console, title: str, counts: Counter[str]) -> None:
    if not counts:
        return
    table = report_table(title)
    table.add_column("")
    table.add_column("pictures", justify="right")
    shown = counts.most_common(_REASONS)
    for name, number in shown:
        table.add_row(escape(name), f"{number:,}")
    rest = counts.total() - sum(number for _, number in shown)
    if rest:
        table.add_row(f"{len(counts) - len(shown)} others", f"{rest:,}")
    console.print(table)
