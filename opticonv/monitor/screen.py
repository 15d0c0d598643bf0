"""How readings look in a terminal, and as lines in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from driver import DeviceInfo
from opticonv.console import count
from opticonv.monitor.reading import History, Reading

__all__ = ["curve", "line", "screen"]

_BARS = "▁▂▃▄▅▆▇█"

CURVE_COLUMNS = 20
"""Columns of a curve: one reading each, the newest on the right."""


def curve(values: Sequence[float], columns: int = CURVE_COLUMNS) -> str:
    """The last of some values as a row of bars, from their least to their greatest."""
    shown = list(values)[-columns:]
    if not shown:
        return ""
    low, span = min(shown), max(shown) - min(shown)
    steps = (round((len(_BARS) - 1) * (v - low) / span) if span > 0 else 0 for v in shown)
    return "".join(_BARS[step] for step in steps).rjust(columns)


def screen(uri: str, info: DeviceInfo, history: History) -> RenderableType:
    """The whole display, as of the last reading; it fits 80 columns."""
    now, told = history.last, history.last.telemetry
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, min_width=9)
    table.add_column(justify="right", no_wrap=True, min_width=13)
    table.add_column(style="cyan", no_wrap=True, min_width=CURVE_COLUMNS)
    table.add_column(style="dim", no_wrap=True, min_width=25)

    def row(name: str, value: str, note: str, of: Callable[[Reading], float] | None = None) -> None:
        table.add_row(name, value, curve([of(r) for r in history]) if of else "", note)

    row("clock", f"{told.device_time_s:,.3f} s", f"{now.device_per_host:.1f} s a second")
    row("chip", f"{told.temperature_k:.2f} K", "", lambda r: r.telemetry.temperature_k)
    laser = f"set to {now.laser_set_mw:g} mW" if now.laser_enabled else "switched off"
    row("laser", f"{told.laser_mw:.2f} mW", laser, lambda r: r.telemetry.laser_mw)
    row("queue", f"{told.queued} jobs", "running or waiting", lambda r: r.telemetry.queued)
    rate = f"{count(now.frames_per_s)} a second"
    row("frames", count(told.frames), rate, lambda r: r.frames_per_s)
    row("exposures", count(told.exposures), "of the camera")
    row("retries", count(told.retries), "frames repeated dimmer")
    row("lost", count(told.lost_frames), "frames, and repeated")
    row("saturated", f"{count(told.saturations)} bins", "in dimmest exposures")
    if told.pilot_age_s is None:
        row("drift", "-", "no pilot frame yet")
    else:
        phase = f"{1e3 * told.drift_phase_rad:+.0f} mrad"
        row("drift", phase, "by the last pilot frame", lambda r: r.telemetry.drift_phase_rad)
        amplitude = f"{told.drift_amplitude:.3f}"
        row("amplitude", amplitude, "of its calibration", lambda r: r.telemetry.drift_amplitude)
        sigma = f"±{1e3 * told.phase_sigma_rad:.1f} mrad" if told.phase_sigma_rad else "-"
        row("between", sigma, "of the phase, by pilots")
        row("pilots", count(told.pilots), f"the last {told.pilot_age_s:.2f} s ago")
    row("faults", count(told.faults), "failed jobs")
    flags = Text(" ").join(Text(f" {name} ", "black on yellow") for name in now.flags)
    names = Table.grid(padding=(0, 2, 0, 0))
    names.add_column(style="dim", min_width=9)
    names.add_row("flags", flags or Text("none", "green"))
    title = f"[bold]{escape(info.serial)}[/]  {info.grid[0]}×{info.grid[1]}"
    ends = Text("Ctrl-C ends the monitor and closes the device.", "dim")
    shown = Group(Text(uri, no_wrap=True, overflow="ellipsis"), table, names)
    return Group(Panel(shown, title=title, title_align="left", box=box.ROUNDED, expand=False), ends)


def line(reading: Reading) -> str:
    """A reading in one line."""
    told = reading.telemetry
    drift = "-" if told.pilot_age_s is None else f"{1e3 * told.drift_phase_rad:+.0f} mrad"
    parts = (
        f"{told.device_time_s:.3f} s", f"{told.temperature_k:.2f} K", f"{told.laser_mw:.2f} mW",
        f"{told.queued} queued", f"{told.frames} frames", f"{reading.frames_per_s:.0f}/s",
        f"{told.saturations} saturated", f"drift {drift}", ",".join(reading.flags) or "no flags",
    )  # fmt: skip
    return "  ".join(parts)
