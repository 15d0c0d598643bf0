"""`python -m opticonv`, for where the `opticonv` command is not on the path."""

from __future__ import annotations

from opticonv.cli import app

app()
