"""The device test-suite: what any backend must do, whatever stands behind it.

``opticonv device check URI`` runs it and prints a table; tests/driver/conformance runs it on the
backends of this package, and on the URI in ``OPTICONV_TEST_URI``.

    from driver.conformance import Subject, run_checks
    for outcome in run_checks(Subject(lambda: open_device("library:./mydevice.so"))):
        print(outcome.check.name, outcome.verdict, outcome.reason)
"""

from __future__ import annotations

# Their order is the order of the checks.
from driver.conformance import identity as identity  # isort: skip
from driver.conformance import boundary as boundary  # isort: skip
from driver.conformance import light as light  # isort: skip
from driver.conformance import life as life  # isort: skip
from driver.conformance.registry import CHECKS, Check, Outcome, run_check, run_checks
from driver.conformance.subject import Failed, Skipped, Subject

__all__ = [
    "CHECKS",
    "Check",
    "Failed",
    "Outcome",
    "Skipped",
    "Subject",
    "run_check",
    "run_checks",
]
