"""`opticonv monitor URI`: the command."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.live import Live

from driver import Device
from opticonv.console import result_console
from opticonv.monitor.exercise import Exercise
from opticonv.monitor.reading import History, Reading
from opticonv.monitor.rest import Rest
from opticonv.monitor.screen import line, screen
from opticonv.opening import opened, ready_device
from opticonv.options import DEFAULT_DEVICE, Calibration, Seed

__all__ = ["monitor"]


def monitor(
    device: Annotated[
        str, typer.Argument(metavar="URI", help="Device URI, such as emulator:lab.")
    ] = DEFAULT_DEVICE,
    seed: Seed = None,
    calibration: Calibration = None,
    interval: Annotated[
        float, typer.Option(min=0.02, max=3600.0, help="Seconds from one reading to the next.")
    ] = 0.5,
    once: Annotated[bool, typer.Option("--once", help="One reading, then end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Readings as JSON, an object a line.")
    ] = False,
    readings: Annotated[int | None, typer.Option(min=1, help="End after so many readings.")] = None,
    exercise: Annotated[
        bool,
        typer.Option(
            "--exercise", help="Keep the device busy meanwhile; it is calibrated first, if need be."
        ),
    ] = False,
) -> None:
    """Show a device's telemetry, live: clock, sensors, queue, drift, flags.

    A device belongs to the process that opened it: what moves is what the device does by itself,
    and the exercise if it is asked for.
    """
    measures = exercise or calibration is not None
    opening = ready_device(device, seed, calibration) if measures else opened(device, seed)
    limit = 1 if once else readings
    with opening as dev, Exercise(dev) if exercise else nullcontext():
        try:
            _watch(dev, device, interval, limit, as_json=as_json)
        except KeyboardInterrupt:
            return  # the way to end it


def _watch(device: Device, uri: str, interval: float, limit: int | None, *, as_json: bool) -> None:
    with Rest() as rest:
        _show(device, uri, _ticks(rest, interval, limit), once=limit == 1, as_json=as_json)


def _show(device: Device, uri: str, ticks: Iterator[int], *, once: bool, as_json: bool) -> None:
    history, console = History(), result_console()
    if as_json or not console.is_terminal:
        as_text: Callable[[Reading], str] = _json_line if as_json else line
        for _ in ticks:
            print(as_text(history.look(device)), flush=True)
        return
    if once:
        history.look(device)
        console.print(screen(uri, device.info, history))
        return
    with Live(console=console, auto_refresh=False) as live:
        for _ in ticks:
            history.look(device)
            live.update(screen(uri, device.info, history), refresh=True)


def _ticks(rest: Rest, interval: float, limit: int | None) -> Iterator[int]:
    """Counts up, `interval` seconds apart, and catches up after a hold-up."""
    start, number = time.monotonic(), 0
    while True:
        yield number
        number += 1
        if limit is not None and number >= limit:
            return
        rest.for_s(max(0.0, start + number * interval - time.monotonic()))


def _json_line(reading: Reading) -> str:
    return json.dumps(reading.as_dict())
