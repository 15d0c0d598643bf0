"""What a chart says, apart from how it is drawn; as JSON too."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from opticonv.errors import CommandError, first_fault
from opticonv.files import whole_file

__all__ = ["Chart", "Series", "load_chart", "save_chart"]


@dataclass(frozen=True)
class Series:
    """One curve, or one bar or dot in each category.

    Attributes
    ----------
    label : str
    y : tuple of float or None
        Values; None: there is none.
    x : tuple of float
        Of a curve: where, as many as `y`; of bars and dots: empty.
    low, high : tuple of float
        Ends of an interval about each value, as many as `y`; empty: none is known.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    label: str
    y: tuple[float | None, ...]
    x: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart: curves over an axis, or bars or dots by category.

    Attributes
    ----------
    title : str
        What is to be seen, in a line.
    value : str
        Of the values' axis, with unit.
    series : tuple of Series
    kind : "lines", "bars" or "dots"
        Bars and dots lie: their values run from left to right.
    axis : str
        Of the curves' x axis, with unit.
    categories : tuple of str
        Of bars and dots, from the top.
    log_x, log_y : bool
        Logarithmic axes of curves; `log_y` also of bars' and dots' values.
    base : float
        Where bars begin.
    unit : str
        Of the values, for ticks of dots on a logarithmic axis and for the table.
    note : str
        How it was made and how to read it.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    title: str
    value: str
    series: tuple[Series, ...]
    kind: Literal["lines", "bars", "dots"] = "lines"
    axis: str = ""
    categories: tuple[str, ...] = ()
    log_x: bool = False
    log_y: bool = False
    base: float = 0.0
    unit: str = ""
    note: str = field(default="")

    def __post_init__(self) -> None:
        for series in self.series:
            wanted = len(series.x) if self.kind == "lines" else len(self.categories)
            if len(series.y) != wanted:
                raise ValueError(
                    f"series {series.label!r} has {len(series.y)} values, not {wanted}"
                )
            for ends in (series.low, series.high):
                if len(ends) not in (0, wanted):
                    raise ValueError(f"series {series.label!r} has {len(ends)} ends, not {wanted}")
        if not self.series:
            raise ValueError("a chart without a series")


@cache
def _adapter() -> TypeAdapter[Chart]:
    return TypeAdapter(Chart)


def save_chart(chart: Chart, path: Path) -> None:
    """Write a chart as JSON, whole or not at all."""
    with whole_file(path) as part:
        part.write_bytes(_adapter().dump_json(chart, indent=1) + b"\n")


def load_chart(path: Path) -> Chart:
    """Read what `save_chart` wrote.

    Raises
    ------
    CommandError
        The file is not a chart; the message names the first fault.
    """
    try:
        return _adapter().validate_json(path.read_bytes())
    except ValidationError as error:
        raise CommandError(f"{path} is not a chart: {first_fault(error, 'the file')}") from None
