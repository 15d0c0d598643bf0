"""`opticonv device check`: the conformance test of a backend, as a table."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import typer
from rich.text import Text

from driver import open_device
from driver.conformance import CHECKS, Outcome, Subject, run_checks
from opticonv.console import progress_bar, report_table, result_console
from opticonv.errors import FAILED, CommandError

__all__ = ["check_device"]

_COLOUR = {"pass": "green", "fail": "bold red", "skip": "yellow"}


def check_device(uri: str, seed: int | None, only: Sequence[str] | None) -> None:
    """Run the checks on what a URI names, and print what came of each.

    Raises
    ------
    CommandError
        A check of that name does not exist.
    driver.DriverError
        The device does not open at all.
    typer.Exit
        A check failed.
    """
    for name in only or ():
        _require_check(name)
    with open_device(uri, seed=seed) as device:
        serial = device.info.serial
    count = len(only) if only else len(CHECKS)
    outcomes: list[Outcome] = []
    with progress_bar() as progress:
        task = progress.add_task("checking", total=count)
        for outcome in run_checks(Subject(lambda: open_device(uri, seed=seed)), only):
            outcomes.append(outcome)
            progress.update(task, advance=1, description=f"checking: {outcome.check.name}")
    _show(f"{uri} ({serial})", outcomes)
    if any(outcome.verdict == "fail" for outcome in outcomes):
        raise typer.Exit(FAILED)


def _require_check(name: str) -> None:
    names = [check.name for check in CHECKS]
    if name in names:
        return
    near = difflib.get_close_matches(name, names, 1)
    meant = f", did you mean {near[0]!r}?" if near else ";"
    raise CommandError(f"there is no check {name!r}{meant} checks are {', '.join(names)}")


def _show(title: str, outcomes: Sequence[Outcome]) -> None:
    table = report_table(title)
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what is checked, and why not")
    table.add_column("time", justify="right", no_wrap=True)
    for outcome in outcomes:
        told = Text(outcome.check.says)
        if outcome.reason:
            told.append(f"\n{outcome.reason}", style=_COLOUR[outcome.verdict])
        verdict = Text(outcome.verdict, style=_COLOUR[outcome.verdict])
        table.add_row(outcome.check.name, verdict, told, f"{outcome.seconds:.2f} s")
    console = result_console()
    console.print(table)
    verdicts = [outcome.verdict for outcome in outcomes]
    console.print(
        f"{verdicts.count('pass')} passed, {verdicts.count('fail')} failed, "
        f"{verdicts.count('skip')} skipped",
        highlight=False,
    )
