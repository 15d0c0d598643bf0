"""The laboratory's book: one self-contained HTML page of all routines' reports."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from driver.calibration import RoutineReport
from driver.calibration.drawing import png_of
from driver.calibration.report import Value, number
from driver.info import DeviceInfo

__all__ = ["page_of"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1080px; margin: 2em auto;
       padding: 0 1em; }
h1 { font-size: 1.6em; margin-bottom: 0; } h2 { font-size: 1.2em; margin: 2.2em 0 0.2em; }
table { border-collapse: collapse; margin: 0.6em 0 1em; }
th, td { text-align: left; padding: 0.15em 0.9em 0.15em 0; border-bottom: 1px solid #e4e4e4; }
th { color: #666; font-weight: normal; } td.n { text-align: right; white-space: nowrap; }
.verdict { padding: 0 0.55em; border-radius: 0.7em; color: #fff; font-size: 0.85em; }
.pass { background: #2e8b57; } .degraded { background: #c98a1b; } .failed { background: #b3261e; }
.cost, .reason { color: #555; margin: 0.1em 0; } img { max-width: 100%; height: auto; }
a { color: #1f5fa8; }
"""


def page_of(info: DeviceInfo, reports: Sequence[RoutineReport]) -> str:
    """The page as text; it refers to no other file.

    Parameters
    ----------
    info
        Of the device that was measured.
    reports
        In the order in which they ran.
    """
    title = f"Calibration of {escape(info.serial)}"
    rows, columns = info.grid
    frames = sum(report.frames for report in reports)
    device_s = sum(report.device_time_s for report in reports)
    host_s = sum(report.host_time_s for report in reports)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        f'<p class="cost">profile {escape(info.profile_name)}, {rows} × {columns} pixels, layout '
        f"{escape(info.layout)}, {escape(info.detection)} · {frames} frames, {device_s:.2f} s of "
        f"device time, {host_s:.1f} s of host time</p>\n"
        f"{_contents(reports)}\n{''.join(map(_section, reports))}</body></html>\n"
    )


def _badge(verdict: str) -> str:
    return f'<span class="verdict {verdict}">{verdict}</span>'


def _contents(reports: Sequence[RoutineReport]) -> str:
    rows = "".join(
        f'<tr><td><a href="#{report.routine}">{escape(report.title)}</a></td>'
        f"<td>{_badge(report.verdict)}</td>"
        f'<td class="n">{report.frames}</td><td class="n">{report.device_time_s:.3f}</td>'
        f'<td class="n">{report.host_time_s:.2f}</td></tr>\n'
        for report in reports
    )
    return (
        "<table><tr><th>routine</th><th>verdict</th><th>frames</th><th>device time [s]</th>"
        f"<th>host time [s]</th></tr>\n{rows}</table>"
    )


def _section(report: RoutineReport) -> str:
    table = "".join(map(_value_row, report.values))
    if table:
        table = (
            "<table><tr><th>quantity</th><th>value</th><th>uncertainty</th><th>unit</th>"
            f"<th>scatter over pixels</th></tr>\n{table}</table>\n"
        )
    picture = ""
    if report.plots:
        data = base64.b64encode(png_of(report.plots)).decode()
        picture = f'<img alt="{escape(report.title)}" src="data:image/png;base64,{data}">\n'
    return (
        f'<h2 id="{report.routine}">{escape(report.title)} {_badge(report.verdict)}</h2>\n'
        f'<p class="reason">{escape(report.reason)}</p>\n{table}{picture}'
    )


def _value_row(value: Value) -> str:
    sigma = number(value.typical_sigma) if value.typical_sigma else "–"
    scatter = "–" if value.scatter is None else number(value.scatter)
    name = value.name if value.scatter is None else f"{value.name} (median)"
    return (
        f'<tr><td>{escape(name)}</td><td class="n">{number(value.typical)}</td>'
        f'<td class="n">{sigma}</td><td>{escape(value.unit)}</td>'
        f'<td class="n">{scatter}</td></tr>\n'
    )
