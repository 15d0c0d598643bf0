"""The tables as one page of HTML that needs nothing else: no script, no network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from nn.judging import BORDERS
from opticonv.evaluate.figures import (
    COLUMNS,
    basis,
    best_of,
    compared,
    difference_text,
    figure,
    interval_text,
)
from opticonv.evaluate.settings import SAMPLING
from opticonv.evaluate.summary import differences, summaries
from opticonv.evaluate.table import EvaluationTable
from opticonv.files import whole_file

__all__ = ["html_page", "write_html"]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; }
tr.leak { opacity: .65; font-style: italic; }
td.best { font-weight: 700; }
.none { opacity: .65; }
pre { background: var(--soft); padding: .7rem; overflow-x: auto; }
summary { cursor: pointer; padding: .5rem 0; }
"""

NOTES = """
<ul>
<li>Input: the true picture's pixels {sampling}. Baselines are aligned to that grid.</li>
<li>Border: <b>{border}</b> ({border_meaning}).</li>
<li>Pictures are measured as 8-bit files hold them: clamped, rounded. PSNRs are averaged in dB.
Y is BT.601 luma in studio range. SSIM: Gaussian window 11×11, σ 1.5, K1 0.01, K2 0.03,
data range 1.</li>
<li>VGG distance: of unit-normalised features at relu1_2 and relu2_2, unweighted; less is better.
ΔE2000: mean colour difference; less is better.</li>
<li>Intervals are of 95 %. Of one device they speak about pictures like these; of several, about
pictures and devices like these.</li>
<li>Rows matched to the truth are told what they should find: a leak, shown for completeness. Bold
is the best of the others.</li>
</ul>
"""


def write_html(table: EvaluationTable, path: Path) -> None:
    """Write the page, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(html_page(table), encoding="utf-8")


def html_page(table: EvaluationTable) -> str:
    """The page as text."""
    settings = table.provenance.get("settings", {})
    border = settings.get("border", "none")
    notes = NOTES.format(
        sampling=escape(SAMPLING.removeprefix("×8, pixels ")),
        border=escape(str(border)),
        border_meaning=escape(BORDERS.get(border, "unknown")),
    )
    parts = [_section(table, set_name) for set_name in table.set_names]
    provenance = escape(json.dumps(table.provenance, indent=2, ensure_ascii=False))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Enlargements judged</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Enlargements ×8, judged</h1>\n{notes}\n{''.join(parts)}"
        f"<h2>Made with</h2>\n<pre>{provenance}</pre>\n</body>\n</html>\n"
    )


def _section(table: EvaluationTable, set_name: str) -> str:
    return (
        f"<h2>{escape(set_name)}</h2>\n"
        + _means(table, set_name)
        + _differences(table, set_name)
        + _pictures(table, set_name)
    )


def _table(caption: str, headings: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{''.join(rows)}</tbody></table></div>\n"
    )


def _row(first: str, cells: Iterable[str], kind: str = "") -> str:
    opening = f'<tr class="{kind}">' if kind else "<tr>"
    return f'{opening}<th scope="row">{escape(first)}</th>{"".join(cells)}</tr>\n'


def _cell(text: str, kind: str = "") -> str:
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"


def _means(table: EvaluationTable, set_name: str) -> str:
    found = summaries(table, set_name)
    best = best_of(found)
    rows = []
    for row in found:
        cells = []
        for measure in COLUMNS:
            value = row.means[measure]
            kind = "none" if value is None else ""
            if row.matched != "truth" and value is not None and value == best.get(measure):
                kind = "best"
            cells.append(_cell(figure(measure, value), kind))
        rows.append(_row(row.method, cells, "leak" if row.matched == "truth" else ""))
    count = max(row.pictures for row in found)
    headings = ["method", *(column.with_unit for column in COLUMNS.values())]
    return _table(f"Means over {count} pictures", headings, rows)


def _differences(table: EvaluationTable, set_name: str) -> str:
    found = differences(table, set_name)
    if not found:
        return ""
    rows = [
        _row(
            compared(row),
            [
                _cell(COLUMNS[row.measure].with_unit),
                _cell(difference_text(row.measure, row.interval.mean)),
                _cell(interval_text(row.measure, row.interval)),
                _cell(interval_text(row.measure, row.bootstrap)),
                _cell(basis(row.interval)),
            ],
            "leak" if row.matched == "truth" else "",
        )
        for row in found
    ]
    headings = ("network", "measure", "mean", "Student's t", "bootstrap BCa", "over")
    return _table("Optical − electronic", headings, rows)


def _pictures(table: EvaluationTable, set_name: str) -> str:
    """PSNR on RGB of every picture, means over devices; folded away."""
    methods = [summary.method for summary in summaries(table, set_name)]
    values: dict[str, dict[str, list[float]]] = {}
    for row in table.judgements:
        if row.set_name == set_name:
            of_method = values.setdefault(row.picture, {}).setdefault(row.method, [])
            of_method.append(row.psnr_rgb_db)
    rows = [
        _row(
            picture,
            (
                _cell(figure("psnr_rgb_db", sum(own) / len(own)))
                if (own := by_method.get(method))
                else _cell("")
                for method in methods
            ),
        )
        for picture, by_method in values.items()
    ]
    inner = _table("PSNR RGB (dB)", ["picture", *methods], rows)
    return f"<details><summary>Picture by picture</summary>\n{inner}</details>\n"
