"""A page from its command to its file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from driver import DeviceInfo
from nn import available_weights, model_card
from opticonv.console import progress_bar, result_console
from opticonv.errors import collected_warnings
from opticonv.evaluate.table import EvaluationTable
from opticonv.files import whole_file
from opticonv.opening import ready_device
from opticonv.options import Precision
from opticonv.report.charts import Chart
from opticonv.report.costs import TIMED, latency_charts, mac_chart
from opticonv.report.evaluation import evaluated_by, evaluation_tables
from opticonv.report.figures import load_figures
from opticonv.report.losses import loss_order
from opticonv.report.measuring import measure
from opticonv.report.page import page_of
from opticonv.report.photos import choose_photos

__all__ = ["Wishes", "cost_charts", "make_report", "shown_losses"]

WEIGHTS, SECOND = "original", "strong"
"""Of the pictures that are compared; the second network only if it comes with the package."""


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for; see `opticonv.report.command`."""

    out: Path
    pictures: Path | None
    evaluation: Path | None
    figures: Path | None
    uri: str
    seed: int | None
    calibration: Path | None
    precision: Precision
    large: bool
    costs: bool


def shown_losses() -> list[str]:
    """Weights of the table of losses: all that come with the package, if there are several."""
    names = available_weights()
    return loss_order((name, model_card(name)) for name in names) if len(names) > 1 else []


def make_report(wishes: Wishes) -> None:
    """Measure and write.

    Raises
    ------
    CommandError
        An input that can't be read, a page that would be too large.
    driver.DriverError
        What the device refuses.
    """
    begin = time.perf_counter()
    with collected_warnings() as warned:
        table = None if wishes.evaluation is None else EvaluationTable.load(wishes.evaluation)
        studies = load_figures(wishes.figures) if wishes.figures is not None else []
        chosen = choose_photos(wishes.pictures)
        others = shown_losses()
        second = SECOND if SECOND in others else None
        compared = {WEIGHTS} if second is None else {WEIGHTS, second}
        runs = len(chosen.photos) * len({*compared, *others}) + wishes.large * len(compared)
        with (
            ready_device(wishes.uri, wishes.seed, wishes.calibration) as device,
            _steps(runs + 2) as step,
        ):
            measured = measure(
                device,
                wishes.uri,
                wishes.seed,
                chosen.photos,
                precision=wishes.precision,
                weights=WEIGHTS,
                others=others,
                second=second,
                large=wishes.large,
                step=step,
            )
        costs: Sequence[Chart] = ()
        with _steps(2 + len(TIMED)) as step:
            if wishes.costs:
                costs = cost_charts(measured.info, step)
            step("drawing")
            text = page_of(
                replace(measured, warnings=tuple(warned)),
                chosen,
                evaluation=[] if table is None else evaluation_tables(table),
                evaluated_by=[] if table is None else evaluated_by(table),
                studies=studies,
                costs=costs,
                command=sys.argv,
            )
    with whole_file(wishes.out) as part:
        part.write_text(text, encoding="utf-8")
    result_console().print(
        f"{wishes.out}: {wishes.out.stat().st_size / 1e6:.1f} MB, "
        f"{time.perf_counter() - begin:.0f} s",
        highlight=False,
        soft_wrap=True,
    )


def cost_charts(info: DeviceInfo, step: Callable[[str], None]) -> list[Chart]:
    """MACs on that device's grid; time and energy of this host and of devices by data sheet."""
    step("counting MACs")
    return [mac_chart(info), *latency_charts(step)]


@contextmanager
def _steps(number: int) -> Iterator[Callable[[str], None]]:
    """A bar of that many steps; calling what this gives says what the next one is."""
    with progress_bar() as progress:
        task = progress.add_task("", total=number)
        begun = 0

        def step(description: str) -> None:
            nonlocal begun
            progress.update(task, completed=begun, description=description)
            begun += 1

        yield step
        progress.update(task, completed=number, description="done")
