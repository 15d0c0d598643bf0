"""How the command line fails: one clear line on stderr, a non-zero exit status, no traceback.

Exit status: 1 for what went wrong while working, 2 for a command line that cannot be understood,
130 after Ctrl-C.  Anything else that is raised is a fault of this program and shows its traceback.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from driver import DriverError
from opticonv.console import progress_console

__all__ = ["CommandError", "OneLineErrors", "collected_warnings", "first_fault"]

FAILED, MISUSED, INTERRUPTED = 1, 2, 130

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""Base of all complaints about arguments; typer has it from click, or its own copy of click."""


class CommandError(Exception):
    """Something the user can put right: the message says what was wrong."""


def first_fault(error: ValidationError, whole: str) -> str:
    """The first thing that pydantic found wrong, and where; `whole`, if it is no one field."""
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or whole}: {fault['msg']}"


class OneLineErrors(TyperGroup):
    """A group of commands that reports errors and warnings in one line each."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and turn what may go wrong into a line and an exit status."""
        try:
            with _warnings_in_one_line():
                return super().invoke(ctx)
        except (CommandError, DriverError) as error:
            _say("error", error)
        except BrokenPipeError:
            raise
        except OSError as error:
            about = f"{error.filename}: " if error.filename else ""
            _say("error", f"{about}{error.strerror or error}")
        except MemoryError as error:
            _say("error", f"out of memory{f': {error}' if str(error) else ''}")
        except KeyboardInterrupt:
            _say("error", "interrupted")
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(FAILED)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Parse the command line and run it; exit with the status if `standalone_mode`."""
        extra["standalone_mode"] = False
        if not standalone_mode:
            return super().main(*args, **extra)
        try:
            status = super().main(*args, **extra)
        except _UsageError as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context is not None else "opticonv"
            message: str = getattr(error, "format_message")()  # noqa: B009
            _say("error", f"{message.rstrip('.')} (see {command} --help)")
            status = MISUSED
        sys.exit(status if isinstance(status, int) else 0)


def _say(kind: str, message: object) -> None:
    colour = "red" if kind == "error" else "yellow"
    line = " ".join(str(message).split())
    progress_console.print(f"[bold {colour}]{kind}:[/]", end=" ")
    progress_console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        _say("warning", message)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Every warning of the block, shown as it comes and kept."""
    kept: list[str] = []
    with warnings.catch_warnings():
        show = warnings.showwarning

        def keep(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            kept.append(str(message))
            show(message, category, filename, lineno, file, line)

        warnings.showwarning = keep
        yield kept
