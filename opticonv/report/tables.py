"""Tables as the page shows them: cells of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opticonv.console import count
from opticonv.demo.trial import Trial
from opticonv.latency import duration, energy
from opticonv.metering import relative_error
from opticonv.report.charts import Chart
from opticonv.report.losses import loss_label
from opticonv.report.measuring import WeightsTrial

__all__ = [
    "Table",
    "chart_table",
    "cost_table",
    "quality_table",
    "signed",
    "weights_table",
]


def signed(value: float, digits: int) -> str:
    """A difference with its sign, a real minus: −0.014, +0.38; what rounds to 0 has none."""
    if round(value, digits) == 0:
        return f"{0:.{digits}f}"
    return f"{value:+.{digits}f}".replace("-", "−")


METHODS = ("bicubic", "electronic", "optical")


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes
    ----------
    caption : str
    head : tuple of str
        One a column; of the first column too.
    rows : tuple of tuple of str
    note : str
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def quality_table(trials: Sequence[Trial], weights: str) -> Table:
    """PSNR and SSIM of the photographs by method, and how far light is from electronics."""
    rows = []
    for trial in trials:
        assert trial.quality is not None
        found = [trial.quality[method] for method in METHODS]
        psnr = [figures.psnr_rgb_db for figures in found]
        ssim = [figures.ssim_rgb for figures in found]
        rows.append([*psnr, psnr[2] - psnr[1], *ssim, trial.optical_vs_electronic_db])
    names = [trial.name for trial in trials]
    if len(rows) > 1:
        rows.append([sum(column) / len(rows) for column in zip(*rows, strict=True)])
        names.append("mean")
    return Table(
        caption=f"Quality of the enlargements by “{weights}” against the original",
        head=(
            "photograph", "PSNR dB, bicubic", "electronic", "optical", "optical − electronic",
            "SSIM, bicubic", "electronic", "optical", "agreement dB",
        ),
        rows=tuple((name, *_quality_cells(row)) for name, row in zip(names, rows, strict=True)),
        note="8-bit RGB, nothing cropped, input decimated without a filter. Agreement: PSNR of the "
        "optical picture against the electronic one; a mean of dB in the last row.",
    )  # fmt: skip


def _quality_cells(row: Sequence[float]) -> list[str]:
    psnr = [f"{value:.2f}" for value in row[:3]]
    return [*psnr, signed(row[3], 3), *(f"{value:.3f}" for value in row[4:7]), f"{row[7]:.1f}"]


def cost_table(trials: Sequence[Trial], weights: str, electronic_w: float) -> Table:
    """What each enlargement took, by light and electronically."""
    rows = []
    for trial in trials:
        cost = trial.cost
        small, full = trial.pictures.small.shape[-1], trial.pictures.optical.shape[-1]
        rows.append(
            (
                f"{trial.name}, {small}²\u00a0→\u00a0{full}²",
                count(cost.frames),
                count(cost.gemm_macs),
                count(cost.electronic_macs),
                duration(cost.device_time_s),
                energy(cost.energy_j),
                duration(cost.host_time_s),
                duration(trial.electronic_time_s),
                energy(electronic_w * trial.electronic_time_s),
                f"{100 * relative_error(trial.convolutions):.2g} %",
            )
        )
    return Table(
        caption=f"What the enlargements by “{weights}” took",
        head=(
            "photograph", "frames", "MAC as matrix products", "MAC left to electronics by light",
            "device time", "device energy", "host time, emulating", "host time, electronic",
            "host energy, electronic", "convolution error",
        ),
        rows=tuple(rows),
        note="Frames, time and energy of the device are its own counters and its mean power, with "
        "pilots and repeated frames. Host times were measured while the page was made, once each; "
        f"the host's power is taken as {electronic_w:g} W, a choice. MAC left to electronics: "
        "products between spectra, encoding, decoding, scaling, polynomials.",
    )  # fmt: skip


def weights_table(tried: Sequence[WeightsTrial]) -> Table:
    """Means over the photographs by set of weights."""
    rows = []
    for each in tried:
        psnr = [_mean(each.trials, method, "psnr_rgb_db") for method in METHODS[1:]]
        ssim = [_mean(each.trials, method, "ssim_rgb") for method in METHODS[1:]]
        rows.append(
            (
                loss_label(each.card),
                each.name,
                f"{each.card.parameters:,}",
                f"{psnr[0]:.2f}",
                f"{psnr[1]:.2f}",
                signed(psnr[1] - psnr[0], 3),
                f"{ssim[0]:.3f}",
                f"{ssim[1]:.3f}",
            )
        )
    number = len(tried[0].trials) if tried else 0
    return Table(
        caption=f"Mean over {number} photographs" if number > 1 else "Of this photograph",
        head=(
            "trained on", "weights", "parameters", "PSNR dB, electronic", "optical",
            "optical − electronic", "SSIM, electronic", "optical",
        ),
        rows=tuple(rows),
    )  # fmt: skip


def _mean(trials: Sequence[Trial], method: str, figure: str) -> float:
    values = [getattr(t.quality[method], figure) for t in trials if t.quality is not None]
    return float(sum(values) / len(values))


def chart_table(chart: Chart) -> Table:
    """The values of a chart, for those who read rather than look."""
    if chart.kind == "lines":
        places = sorted({x for series in chart.series for x in series.x})
        by = [dict(zip(series.x, series.y, strict=True)) for series in chart.series]
        rows = [(f"{x:g}", *(_cell(values.get(x)) for values in by)) for x in places]
        first = chart.axis
    else:
        rows = [
            (name.replace("\n", " "), *(_cell(series.y[i]) for series in chart.series))
            for i, name in enumerate(chart.categories)
        ]
        first = ""
    head = (first or "of", *(series.label for series in chart.series))
    return Table(caption=f"{chart.title}: {chart.value}", head=head, rows=tuple(rows))


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}".replace("-", "−")
