"""The list of checks, and one run of them."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from driver.conformance.subject import Failed, Skipped, Subject
from driver.errors import DriverError, RecordingError, UncalibratedWarning

__all__ = ["CHECKS", "Check", "Outcome", "check", "run_check", "run_checks"]

Verdict = Literal["pass", "fail", "skip"]


@dataclass(frozen=True)
class Check:
    """One thing that every device does."""

    name: str
    """Of its function, with spaces."""
    says: str
    """What is checked, in one line."""
    run: Callable[[Subject], None]


@dataclass(frozen=True)
class Outcome:
    """What came of a check."""

    check: Check
    verdict: Verdict
    reason: str
    """Why it failed or was skipped; empty when it passed."""
    seconds: float
    """Host time [s]."""


CHECKS: list[Check] = []
"""All checks, in the order in which they make sense."""


def check(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
    """Register a check; its docstring's first line says what is checked."""
    says = (function.__doc__ or "").strip().splitlines()[0]
    CHECKS.append(Check(function.__name__.replace("_", " "), says, function))
    return function


def run_check(one: Check, subject: Subject) -> Outcome:
    """Run one check; whatever it raises is an outcome."""
    start = time.perf_counter()
    verdict: Verdict = "pass"
    reason = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncalibratedWarning)
            one.run(subject)
    except Skipped as why:
        verdict, reason = "skip", str(why)
    except RecordingError as why:
        verdict, reason = "skip", f"a replay gives what was recorded only: {why}"
    except Failed as why:
        verdict, reason = "fail", str(why)
    except DriverError as error:
        verdict, reason = "fail", f"{type(error).__name__}: {error}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
        verdict, reason = "fail", f"{type(error).__name__} at {place}: {error}"
    return Outcome(one, verdict, " ".join(reason.split()), time.perf_counter() - start)


def run_checks(subject: Subject, names: Sequence[str] | None = None) -> Iterator[Outcome]:
    """Run the checks of these names, or all."""
    for one in CHECKS:
        if names is None or one.name in names:
            yield run_check(one, subject)
