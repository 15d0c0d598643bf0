"""The page, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from opticonv.costing import HOST_W
from opticonv.demo.trial import Trial
from opticonv.errors import CommandError
from opticonv.pages.rendering import render
from opticonv.report.charts import Chart
from opticonv.report.comparison import Comparison, compare, loss_cards
from opticonv.report.drawing import svg_of
from opticonv.report.figures import FigurePicture
from opticonv.report.measuring import Measured, WeightsTrial
from opticonv.report.photos import Chosen
from opticonv.report.provenance import facts_of
from opticonv.report.tables import Table, chart_table, cost_table, quality_table, weights_table
from opticonv.report.words import key_figures, shortfalls

__all__ = ["LIMIT_BYTES", "Drawn", "page_of"]

LIMIT_BYTES = 15_000_000
"""Of a page."""


@dataclass(frozen=True)
class Drawn:
    """A chart as the page has it."""

    slug: str
    chart: Chart
    svg: Markup
    table: Table


def page_of(
    measured: Measured,
    chosen: Chosen,
    *,
    evaluation: Sequence[Table] = (),
    evaluated_by: Sequence[tuple[str, str]] = (),
    studies: Sequence[Chart | FigurePicture] = (),
    costs: Sequence[Chart] = (),
    command: Sequence[str],
) -> str:
    """One HTML page that refers to no other file.

    Parameters
    ----------
    measured : Measured
    chosen : Chosen
        The photographs that were enlarged.
    evaluation : sequence of Table
        Of an evaluation on test sets; `evaluated_by` says where it comes from.
    studies : sequence of Chart or FigurePicture
        Of longer studies.
    costs : sequence of Chart
        Of MACs and time.
    command : sequence of str
        What was typed, for the page's origin.

    Raises
    ------
    CommandError
        The page would be larger than `LIMIT_BYTES`.
    """
    compared = [each for each in (measured.weights, measured.second) if each is not None]
    text = render(
        "opticonv.report",
        "report.html",
        measured=measured,
        comparisons=_comparisons(measured),
        key_figures=key_figures(measured),
        quality=_noted_once([quality_table(each.trials, each.name) for each in compared]),
        losses=loss_cards(measured.others),
        loss_table=weights_table(measured.others),
        evaluation=evaluation,
        evaluated_by=evaluated_by,
        curves=_drawn("curve", measured.curves),
        studies=_drawn("study", [each for each in studies if isinstance(each, Chart)]),
        study_pictures=[each for each in studies if isinstance(each, FigurePicture)],
        costs=_drawn("cost", costs),
        cost=_noted_once(
            [cost_table(_enlarged(measured, each), each.name, HOST_W) for each in compared]
        ),
        shortfalls=shortfalls(measured, HOST_W),
        facts=facts_of(measured, chosen, command),
    )
    if len(text.encode()) > LIMIT_BYTES:
        raise CommandError(
            f"the page would have {len(text.encode()) / 1e6:.1f} MB, more than "
            f"{LIMIT_BYTES / 1e6:g} MB; show fewer photographs or figures"
        )
    return text


def _enlarged(measured: Measured, weights: WeightsTrial) -> list[Trial]:
    """All trials of one of the networks that are compared, the largest picture last."""
    large = measured.large if weights is measured.weights else measured.second_large
    return [*weights.trials, *([] if large is None else [large])]


def _noted_once(tables: Sequence[Table]) -> list[Table]:
    """Tables of one form, of which only the last keeps the note."""
    return [*(replace(table, note="") for table in tables[:-1]), *tables[-1:]]


def _comparisons(measured: Measured) -> list[Comparison]:
    trials = _enlarged(measured, measured.weights)
    others: list[Trial | None] = [None] * len(trials)
    if measured.second is not None:
        others = [*measured.second.trials, measured.second_large]
    pairs = zip(trials, others, strict=False)
    return [compare(trial, number, other) for number, (trial, other) in enumerate(pairs, 1)]


def _drawn(kind: str, charts: Sequence[Chart]) -> list[Drawn]:
    slugs = [f"{kind}-{number}" for number in range(1, len(charts) + 1)]
    return [
        Drawn(slug, chart, svg_of(chart, slug), chart_table(chart))
        for slug, chart in zip(slugs, charts, strict=True)
    ]
