"""What a table of judgements was made with: compared before rows are added."""

from __future__ import annotations

import shlex
import subprocess
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from opticonv.errors import CommandError
from opticonv.evaluate.table import EvaluationTable

__all__ = ["SAMPLING", "load_or_begin", "made_by"]

SAMPLING = "×8, pixels 4, 12, 20, … of both axes"


def made_by() -> dict[str, Any]:
    """The command, its time, and the versions of what ran it; the commit where there is one."""
    packages = {}
    for name in ("opticonv", "torch", "scikit-image"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # run from its source folder
            packages[name] = "unknown"
    found: dict[str, Any] = {
        "command": shlex.join(["opticonv", *sys.argv[1:]]),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": packages,
    }
    commit = _commit()
    return found if commit is None else {**found, "commit": commit}


def _commit() -> str | None:
    """Of the repository that this file is in, if it is in one."""
    home = Path(__file__).parents[2]
    if not (home / ".git").exists():
        return None
    git = ["git", "-C", str(home), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def load_or_begin(path: Path | None, settings: dict[str, Any]) -> EvaluationTable:
    """The table in a file, to which rows made with `settings` may be added; else an empty one.

    Parameters
    ----------
    path : Path or None
    settings : dict
        What rows depend on: border, device, digests of weights, …; of JSON's types.

    Raises
    ------
    CommandError
        The file is no table, or its rows were made with other settings.
    """
    if path is None or not path.exists():
        return EvaluationTable((), {"settings": settings, **made_by()})
    table = EvaluationTable.load(path)
    before = table.provenance.get("settings", {})
    differing = [
        f"{name} {_shown(before[name])}, not {_shown(value)}"
        for name, value in settings.items()
        if name in before and before[name] != value
    ]
    if differing:
        raise CommandError(
            f"{path} has judgements made with {'; '.join(differing)}: write to another file"
        )
    return EvaluationTable(table.judgements, {"settings": {**before, **settings}, **made_by()})


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
