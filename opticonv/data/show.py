"""`opticonv data show`: what a folder of pictures holds, and on which terms."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.text import Text

from opticonv.console import report_table
from opticonv.data.attribution import ATTRIBUTION, write_attribution
from opticonv.data.journal import MANIFEST, Journal, journal_kind
from opticonv.data.manifest import FETCHED, FetchedPicture, IngestedPicture
from opticonv.errors import CommandError
from opticonv.files import check_writable

__all__ = ["show_folder"]

_KEYWORDS = 30
"""That get a line of their own, the most frequent."""


def show_folder(folder: Path, console: Console) -> None:
    """Print pictures by split, keyword and licence, and write `ATTRIBUTION` into the folder.

    Raises
    ------
    CommandError
        There is no such folder, or it has no manifest, or one that can't be read.
    """
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}")
    manifest = folder / MANIFEST
    kind = journal_kind(manifest)
    if kind is None:
        raise CommandError(
            f"{folder} has no {MANIFEST}: it isn't made by opticonv data fetch or ingest"
        )
    check_writable(folder / ATTRIBUTION)
    listed: dict[str, FetchedPicture | IngestedPicture] = {}
    if kind == FETCHED:
        listed |= {r.file: r for r in Journal(manifest, kind, FetchedPicture).records}
        changed = "Pictures as the archive gave them, some reduced in size by it."
    else:
        journal = Journal(manifest, kind, IngestedPicture)
        listed |= {r.file: r for r in journal.records}
        square = journal.settings.get("square", True)
        done = "cropped to their centre square and reduced" if square else "reduced"
        changed = f"Pictures were changed: {done} to {journal.settings['shorter_side']} pixels."
    pictures = [picture for file, picture in listed.items() if (folder / file).exists()]
    missing = len(listed) - len(pictures)
    _show(console, folder, pictures, missing)
    write_attribution(folder / ATTRIBUTION, pictures, changed=changed)
    console.print(
        f"{folder / ATTRIBUTION}: who made them", markup=False, highlight=False, soft_wrap=True
    )


def _show(
    console: Console,
    folder: Path,
    pictures: list[FetchedPicture | IngestedPicture],
    missing: int,
) -> None:
    megabytes = sum((folder / picture.file).stat().st_size for picture in pictures) / 1e6
    line = f"{len(pictures):,} picture{'s' * (len(pictures) != 1)}, {megabytes:,.1f} MB"
    splits = Counter(p.split for p in pictures if isinstance(p, IngestedPicture))
    line += "".join(f", {number:,} for {split}" for split, number in sorted(splits.items()))
    line += f"; {missing:,} of the manifest taken out" if missing else ""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    keywords = Counter(p.keyword or "none" for p in pictures)
    _table(console, "Keywords", dict(keywords.most_common(_KEYWORDS)))
    origins = [picture.origin for picture in pictures if picture.origin]
    licences = Counter(origin.licence or "not stated" for origin in origins)
    if len(origins) < len(pictures):
        licences["origin unknown"] = len(pictures) - len(origins)
    _table(console, "Licences", dict(licences.most_common()))
    _table(
        console,
        "To mind",
        {
            "author not stated": sum(o.author is None and not o.attribution for o in origins),
            "rights beside copyright": sum(o.restrictions is not None for o in origins),
        },
    )


def _table(console: Console, title: str, counts: dict[str, int]) -> None:
    if not any(counts.values()):
        return
    table = report_table(title)
    table.add_column("")
    table.add_column("pictures", justify="right")
    for name, number in counts.items():
        table.add_row(Text(name), f"{number:,}")
    console.print(table)
