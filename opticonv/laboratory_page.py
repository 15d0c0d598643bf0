"""The laboratory's book: one self-contained HTML page of all routines' reports."""

from __future__ import annotations

from collections.abc import Sequence

from driver.calibration import RoutineReport
from driver.calibration.drawing import png_of
from driver.calibration.report import number
from driver.info import DeviceInfo
from opticonv.pages.embedding import data_uri
from opticonv.pages.rendering import render

__all__ = ["page_of"]


def page_of(info: DeviceInfo, reports: Sequence[RoutineReport]) -> str:
    """The page as text; it refers to no other file.

    Parameters
    ----------
    info
        Of the device that was measured.
    reports
        In the order in which they ran.
    """
    return render(
        "opticonv.pages",
        "laboratory.html",
        info=info,
        reports=reports,
        frames=sum(report.frames for report in reports),
        device_s=sum(report.device_time_s for report in reports),
        host_s=sum(report.host_time_s for report in reports),
        number=number,
        plots_of=lambda report: data_uri(png_of(report.plots), "image/png"),
    )
