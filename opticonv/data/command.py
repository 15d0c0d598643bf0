"""`opticonv data …`: the commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape
from rich.progress import TaskID

from opticonv.console import progress_bar, result_console
from opticonv.data.contact import CONTACT_VARIABLE, checked_contact
from opticonv.errors import CommandError

__all__ = ["data_app"]

data_app = typer.Typer(name="data", help="Collect photographs to train on, with their licences.")


@data_app.callback(invoke_without_command=True)
def _data(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@data_app.command()
def fetch(
    keywords: Annotated[
        list[str], typer.Argument(help="What to search for; quote those of several words.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for pictures and their manifest.")
    ],
    count: Annotated[
        int, typer.Option(min=1, max=10_000, help="Pictures for each keyword.")
    ] = 1000,
    contact: Annotated[
        str | None,
        typer.Option(
            envvar=CONTACT_VARIABLE,
            help="Your e-mail address or web page, for the operators of the archive.",
        ),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option(
            help="Licences to take, all versions; give it once for each. By default cc0, pd, cc-by "
            "and cc-by-sa; any takes all.",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        int, typer.Option(help="Width in pixels; the archive has 330, 500, 960, 1280, 1920, 3840.")
    ] = 960,
    originals: Annotated[
        bool, typer.Option("--originals", help="Files as they were uploaded, whatever their width.")
    ] = False,
    max_mb: Annotated[
        float, typer.Option(min=0.01, max=1000.0, help="Largest file to download.")
    ] = 20.0,
    pause: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="Seconds between two requests.")
    ] = 1.0,
    api: Annotated[
        str | None,
        typer.Option(
            help="Address of a MediaWiki's api.php; by default Wikimedia Commons'.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Search alone: what there is, how much, how long.")
    ] = False,
) -> None:
    """Fetch photographs by keyword from Wikimedia Commons, with licence, author and source.

    A picture at a time; the same command goes on where it was stopped.
    """
    # Imported here, since torch takes seconds to load and other commands do without.
    from nn.data import SIZE
    from opticonv.data.client import Etiquette
    from opticonv.data.commons import COMMONS, STANDARD_WIDTHS
    from opticonv.data.fetch import FetchOrder, KeywordTally, fetch, preview
    from opticonv.data.fetch_summary import show_tallies
    from opticonv.data.licences import chosen_groups

    if not originals and (width not in STANDARD_WIDTHS or width < SIZE):
        choices = ", ".join(str(w) for w in STANDARD_WIDTHS if w >= SIZE)
        raise CommandError(f"--width {width} is not one that the archive has: {choices}")
    order = FetchOrder(
        keywords=_checked_keywords(keywords),
        count=count,
        out=out,
        licences=chosen_groups(licence),
        width=None if originals else width,
        limit=int(max_mb * 1e6),
        shortest=SIZE,
        api=_checked_api(api or COMMONS),
        etiquette=Etiquette(contact=checked_contact(contact), pause_s=pause),
    )
    tallies: list[KeywordTally] = []
    complete = False
    try:
        with progress_bar() as progress:
            tasks: dict[str, TaskID] = {}

            def notice(text: str) -> None:
                progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

            def listen(tally: KeywordTally) -> None:
                if tally.keyword not in tasks:
                    tasks[tally.keyword] = progress.add_task(escape(tally.keyword), total=count)
                progress.update(tasks[tally.keyword], completed=tally.had + tally.taken)

            (preview if dry_run else fetch)(order, tallies, listen, notice)
        complete = True
    finally:
        if complete or any(tally.taken or tally.failed for tally in tallies):
            show_tallies(result_console(), order, tallies, preview=dry_run, complete=complete)


@data_app.command()
def ingest(
    folder: Annotated[Path, typer.Argument(help="Folder of pictures, those inside it included.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the prepared photographs.")],
    keep_aspect: Annotated[
        bool,
        typer.Option(
            "--keep-aspect", help="Keep all of a picture, not its centre square: for random crops."
        ),
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=64, help="By default one a core, 4 at most.")
    ] = None,
) -> None:
    """Prepare photographs for training: upright RGB, 256 pixels, split by content.

    The same command takes up what is new in the folder.
    """
    from opticonv.data.ingest import IngestReport, ingest
    from opticonv.data.ingest_summary import show_report, write_report

    report = IngestReport()
    try:
        with progress_bar() as progress:
            tasks: list[TaskID] = []

            def listen(done: int, of: int) -> None:
                if not tasks:
                    tasks.append(progress.add_task("ingesting", total=of))
                progress.update(tasks[0], completed=done)

            ingest(
                folder,
                out,
                report,
                keep_aspect=keep_aspect,
                threads=threads or min(4, os.cpu_count() or 1),
                listen=listen,
            )
        write_report(report, folder, out)
    finally:
        if report.accepted or report.already or report.rejected:
            show_report(result_console(), report, out)
    if not report.accepted and not report.already:
        raise CommandError(f"no picture in {folder} can be used")


@data_app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Folder that fetch or ingest has made.")],
) -> None:
    """Show what a folder of photographs holds and its licences; write its ATTRIBUTION.md."""
    from opticonv.data.show import show_folder

    show_folder(folder, result_console())


def _checked_keywords(keywords: list[str]) -> tuple[str, ...]:
    cleaned = [" ".join(keyword.split()) for keyword in keywords]
    for given, keyword in zip(keywords, cleaned, strict=True):
        if not keyword or not keyword.isprintable():
            raise CommandError(f"keyword {given!r} is nothing to search for")
    return tuple(dict.fromkeys(cleaned))


def _checked_api(api: str) -> str:
    try:
        parts = urlsplit(api)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise CommandError(f"--api {api} is not the address of an api.php (https://…/api.php)")
    return api
