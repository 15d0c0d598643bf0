"""`opticonv latency`: time and energy by light and on this host, and where light pays."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from opticonv.console import count, progress_bar, report_table, result_console
from opticonv.costing import (
    HOROWITZ_J_PER_MAC,
    HOST_W,
    Assumptions,
    Crossing,
    LayerCost,
    NetworkCost,
    break_even,
    cost_of_network,
    data_sheet,
    measure_layers,
)
from opticonv.errors import CommandError
from opticonv.files import check_writable, whole_file
from opticonv.options import Devices, Networks, Picture, Precision, Rounds, Threads, picture_shape

if TYPE_CHECKING:
    from opticonv.counting import NetworkCount
    from opticonv.host import HostLatency

__all__ = ["latency"]

DEVICES = ("emulator:mft11", "emulator:lab", "emulator:nextgen")

KERNELS = (1, 3, 5, 7, 9, 11, 15, 21, 31, 43)
"""Tried on a picture of `KERNEL_SIZE`, `CHANNELS` → `CHANNELS`."""
KERNEL_SIZE = 128
SIZES = (16, 32, 64, 128)
"""Tried with kernels that reach over a quarter of the picture, and with 3×3 kernels."""
CHANNELS = 8


def latency(
    models: Networks = None,
    devices: Devices = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures in one call.")] = 1,
    picture: Picture = None,
    precision: Precision = "balanced",
    host_watts: Annotated[
        float, typer.Option(min=0.1, help="What this host draws while it convolves [W].")
    ] = HOST_W,
    threads: Threads = None,
    rounds: Rounds = 1,
    even: Annotated[
        bool, typer.Option("--break-even/--no-break-even", help="Also find where light pays.")
    ] = True,
    plot: Annotated[Path | None, typer.Option(help="Draw time and energy to this file.")] = None,
    plot_break_even: Annotated[
        Path | None, typer.Option(help="Draw to this file where light pays.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
) -> None:
    """Compare time and energy per picture: devices by their data sheets, this host measured."""
    for file in (plot, plot_break_even, json_file):
        if file is not None:
            check_writable(file)
    if plot_break_even is not None and not even:
        raise CommandError("--plot-break-even and --no-break-even contradict each other")
    # Imported here, since torch takes seconds to load and other commands do without.
    from opticonv.counting import count_network
    from opticonv.host import measure, on_threads
    from opticonv.networks import CHARTED, load_network_named

    networks = [load_network_named(n, picture_shape(picture)) for n in models or CHARTED]
    infos = {uri.rpartition(":")[2]: data_sheet(uri) for uri in devices or DEVICES}
    hosts: dict[str, HostLatency] = {}
    layers: dict[str, list[LayerCost]] = {}
    rows = _rows() if even else {}
    with progress_bar() as progress, on_threads(threads):
        steps = rounds * (len(networks) + sum(len(shapes) for shapes in rows.values()))
        task = progress.add_task("measuring this host", total=steps)
        for _ in range(rounds):
            for network in networks:
                host = measure(network, batch)
                hosts[network.name] = host.faster(hosts.get(network.name, host))
                progress.advance(task)
            for title, shapes in rows.items():
                once = measure_layers(
                    shapes, infos, CHANNELS, precision, lambda: progress.advance(task)
                )
                known = layers.get(title, once)
                layers[title] = [a.faster(b) for a, b in zip(once, known, strict=True)]
    counts: dict[str, NetworkCount] = {}
    costs: list[NetworkCost] = []
    for network in networks:
        for name, info in infos.items():
            counted = count_network(
                network,
                grid=info.grid[0],
                reference_steps=info.reference_steps,
                layout=info.layout,
                batch=batch,
                precision=precision,
            )
            counts[network.name] = counted
            host = hosts[network.name]
            costs.append(cost_of_network(counted, info, name, host, host_watts))
    varied = {title: _varied(shapes) for title, shapes in rows.items()}
    crossings: dict[str, list[Crossing]] = {
        title: break_even(measured, infos, varied[title], host_watts)
        for title, measured in layers.items()
    }
    assumed = Assumptions(precision, host_watts, next(iter(hosts.values())).threads)
    console = result_console()
    console.print(_table(counts, hosts, costs, host_watts, batch))
    for title, found in crossings.items():
        tried = [varied[title](cost) for cost in layers[title]]
        console.print(_crossing_table(title, found, tried))
    console.print("\n".join(assumed.lines()), highlight=False)
    if json_file is not None:
        document = {
            "assumptions": assumed.lines(),
            "host": {name: asdict(host) for name, host in hosts.items()},
            "gemm_macs": {name: counted.gemm for name, counted in counts.items()},
            "devices": [asdict(cost) for cost in costs],
            "break_even": {t: [asdict(c) for c in found] for t, found in crossings.items()},
            "break_even_host": {
                title: [
                    {
                        "size": cost.size,
                        "kernel": cost.kernel,
                        "direct_s": cost.direct_s,
                        "fourier_s": cost.fourier_s,
                    }
                    for cost in found
                ]
                for title, found in layers.items()
            },
        }
        with whole_file(json_file) as part:
            part.write_text(json.dumps(document, indent=2))
    if plot is not None or plot_break_even is not None:
        from opticonv.cost_charts import draw_break_even, draw_costs
        from opticonv.count_charts import save_figure

        if plot is not None:
            save_figure(draw_costs(counts, hosts, costs, assumed), plot)
        if plot_break_even is not None:
            save_figure(draw_break_even(layers, infos, varied, assumed), plot_break_even)


def _rows() -> dict[str, list[tuple[int, int]]]:
    kernels = [(KERNEL_SIZE, kernel) for kernel in KERNELS]
    quarter = [(size, size // 4 + 1) for size in SIZES]
    threes = [(size, 3) for size in SIZES]
    return {
        f"kernel size, {CHANNELS} → {CHANNELS} channels on {KERNEL_SIZE}²": kernels,
        f"picture size, {CHANNELS} → {CHANNELS} channels, kernel a quarter of the picture": quarter,
        f"picture size, {CHANNELS} → {CHANNELS} channels, kernel 3×3": threes,
    }


def _varied(shapes: Sequence[tuple[int, int]]) -> Callable[[LayerCost], int]:
    """What grows along a row of (size, kernel): the kernel where the size does not."""
    fixed = len({size for size, _ in shapes}) == 1
    return (lambda cost: cost.kernel) if fixed else (lambda cost: cost.size)


def _table(
    counts: dict[str, NetworkCount],
    hosts: dict[str, HostLatency],
    costs: Sequence[NetworkCost],
    host_watts: float,
    batch: int,
) -> Table:
    table = report_table(f"Convolutions of one picture, batch {batch}: time and energy")
    for name in ("network", "on"):
        table.add_column(name, no_wrap=True)
    for name in ("frames", "light", "electronics", "longer / host", "energy", "all / host"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, counted in counts.items():
        host_s = hosts[name].convolutions_s
        host_j = host_watts * host_s
        floor = f"{energy(counted.gemm * HOROWITZ_J_PER_MAC)} arithmetic"
        table.add_row(name, "this host", "", "", duration(host_s), "1", energy(host_j), floor)
        for cost in costs:
            if cost.network == name:
                table.add_row(
                    f"{count(counted.gemm)} MAC" if cost is _first_of(costs, name) else "",
                    cost.device,
                    count(cost.frames),
                    duration(cost.light_s),
                    duration(cost.electronics_s),
                    f"{cost.latency_s / host_s:.3g}",
                    f"{energy(cost.light_j)} + {energy(cost.electronics_j)}",
                    f"{cost.energy_j / host_j:.3g}",
                )
        table.add_section()
    return table


def _first_of(costs: Sequence[NetworkCost], network: str) -> NetworkCost:
    return next(cost for cost in costs if cost.network == network)


def _crossing_table(title: str, found: Sequence[Crossing], tried: Sequence[int]) -> Table:
    table = report_table(f"Where light pays: {title}")
    table.add_column("device", no_wrap=True)
    for name in ("products", "all MACs", "time, direct", "time, direct or FFT", "energy"):
        table.add_column(name, justify="right")
    for crossing in found:
        senses = (
            crossing.products,
            crossing.electronics,
            crossing.direct,
            crossing.time,
            crossing.energy,
        )
        table.add_row(crossing.device, *(ranges(sizes, tried) for sizes in senses))
    return table


def ranges(sizes: Sequence[int], tried: Sequence[int]) -> str:
    """Which of the tried sizes, in words: "nowhere", "from 7", "7 to 31, from 63"."""
    runs: list[list[int]] = []
    for before, size in zip((None, *tried), tried, strict=False):
        if size in sizes:
            if runs and runs[-1][-1] == before:
                runs[-1].append(size)
            else:
                runs.append([size])
    words = []
    for run in runs:
        if run[-1] == tried[-1]:
            words.append(f"from {run[0]}" if run[0] != tried[0] else "everywhere")
        else:
            words.append(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]))
    return ", ".join(words) or "nowhere"


def duration(seconds: float) -> str:
    """A time to three digits: 12.3 µs, 4.56 ms, 78.9 s."""
    return _with_prefix(seconds, "s")


def energy(joules: float) -> str:
    """An energy to three digits."""
    return _with_prefix(joules, "J")


def _with_prefix(value: float, unit: str) -> str:
    for factor, prefix in (
        (1e6, "M"),
        (1e3, "k"),
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "µ"),
        (1e-9, "n"),
    ):
        if value >= factor and not (unit == "s" and factor > 1):
            return (
                f"{value / factor:,.3g} {prefix}{unit}"
                if value < 1000 * factor
                else (f"{value / factor:,.0f} {prefix}{unit}")
            )
    return f"{value:.3g} {unit}"
