"""`opticonv scaling`: how cost grows with the picture, the kernel growing too or fixed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from driver import DeviceInfo
from driver.plan import ConvolutionPlan
from opticonv.console import progress_bar, report_table, result_console
from opticonv.costing import data_sheet
from opticonv.files import check_writable, whole_file
from opticonv.options import DEFAULT_DEVICE, Device, Precision, Rounds, Threads

__all__ = ["Growth", "scaling"]

SIZES = (16, 32, 64, 128, 256, 512)


@dataclass(frozen=True)
class Growth:
    """Cost of one picture, one channel, against its n pixels.

    Attributes
    ----------
    heading, title : str
        Of the whole comparison and of this row.
    pixels : list of int
    kernels : list of int
        Side of the kernel at each size.
    macs, seconds : dict
        Values by curve; 0 where there is none.
    """

    heading: str
    title: str
    pixels: list[int]
    kernels: list[int]
    macs: dict[str, list[float]]
    seconds: dict[str, list[float]]

    def faster(self, other: Growth) -> Growth:
        """The same, measured once more: the shorter times count."""
        seconds = {
            name: [min(pair) for pair in zip(values, other.seconds[name], strict=True)]
            for name, values in self.seconds.items()
        }
        return replace(self, seconds=seconds)


def scaling(
    device: Device = DEFAULT_DEVICE,
    precision: Precision = "balanced",
    threads: Threads = None,
    rounds: Rounds = 1,
    largest: Annotated[int, typer.Option(min=64, help="Side of the largest picture.")] = 512,
    timed: Annotated[
        int,
        typer.Option(
            min=64,
            help="Side of the largest picture that this host is timed on; beyond, costs are only "
            "counted. Directly, 512² with a kernel of 129² takes most of a minute.",
        ),
    ] = 512,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves to this file.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all values to this file.")
    ] = None,
) -> None:
    """Show how cost grows with the picture: direct, by FFT, and by light."""
    for file in (plot, json_file):
        if file is not None:
            check_writable(file)
    # Imported here, since torch takes seconds to load and other commands do without.
    from opticonv.host import on_threads

    info = data_sheet(device)
    sizes = [size for size in SIZES if size <= largest]
    with progress_bar() as progress, on_threads(threads):
        task = progress.add_task("measuring this host", total=2 * rounds)
        rows = {
            "kernel k×k with k = side/4: grows with the picture": [s // 4 + 1 for s in sizes],
            "kernel 3×3: linear in every way": [3 for _ in sizes],
        }
        found: dict[str, Growth] = {}
        for _ in range(rounds):
            for title, kernels in rows.items():
                growth = _growth(title, sizes, kernels, info, precision, timed)
                found[title] = growth.faster(found.get(title, growth))
                progress.advance(task)
        growths = list(found.values())
    console = result_console()
    for growth in growths:
        console.print(_table(growth))
    console.print("\n".join(_notes(info)), highlight=False)
    if json_file is not None:
        with whole_file(json_file) as part:
            part.write_text(json.dumps([asdict(g) for g in growths], indent=2))
    if plot is not None:
        from opticonv.cost_charts import draw_growth
        from opticonv.count_charts import save_figure

        save_figure(draw_growth(growths), plot)


def _growth(
    title: str,
    sizes: list[int],
    kernels: list[int],
    info: DeviceInfo,
    precision: str,
    timed: int = SIZES[-1],
) -> Growth:
    # Imported here, since torch takes seconds to load and other commands do without.
    from opticonv.host import direct_seconds, fourier_seconds, next_fast_length

    grid = info.grid[0]
    tiles, whole = f"light, {grid}×{grid} tiles", "light, a device as large"
    seconds: dict[str, list[float]] = {"direct": [], "FFT": [], tiles: [], whole: []}
    products = "its products alone"
    macs: dict[str, list[float]] = {name: [] for name in (*seconds, products)}
    for size, kernel in zip(sizes, kernels, strict=True):
        side = next_fast_length(size + kernel - 1)

        def plan(n: int, size: int = size, kernel: int = kernel) -> ConvolutionPlan:
            return ConvolutionPlan.for_shapes(
                (1, 1, size, size),
                (1, 1, kernel, kernel),
                grid=n,
                reference_steps=info.reference_steps,
                layout=info.layout,
                padding=kernel // 2,
                precision=precision,
            )

        small, large = plan(grid), plan(side)
        macs["direct"].append(small.macs.gemm)
        macs["FFT"].append(fourier_macs(side))
        macs[tiles].append(small.macs.electronic)
        macs[whole].append(large.macs.electronic)
        macs[products].append(large.macs.spectral)
        known = size <= timed
        seconds["direct"].append(direct_seconds(1, size, kernel) if known else 0.0)
        seconds["FFT"].append(fourier_seconds(1, size, kernel) if known else 0.0)
        seconds[tiles].append(small.device_time_s(info.timing))
        seconds[whole].append(large.device_time_s(info.timing.grown(side / grid)))
    return Growth(
        heading=f"One channel on {info.profile_name}, {precision!r}: growth with the picture",
        title=title,
        pixels=[size * size for size in sizes],
        kernels=kernels,
        macs=macs,
        seconds=seconds,
    )


def fourier_macs(side: int) -> float:
    """Nominal MACs of a convolution by real FFTs of ``side²`` points, the kernel's known.

    A real transform of P points takes 2.5 P log2 P operations by the usual nominal count (half of
    a complex one's 5 P log2 P; Frigo and Johnson 2005), half as many MACs; there are two, and a
    product of half planes.
    """
    points = side * side
    return 2 * 1.25 * points * np.log2(points) + 4 * side * (side // 2 + 1)


def _table(growth: Growth) -> object:
    table = report_table(growth.title)
    for name in ("picture", "kernel"):
        table.add_column(name, justify="right")
    for name in growth.macs:
        table.add_column(f"{name}\nMAC", justify="right")
    for name in growth.seconds:
        table.add_column(f"{name}\ns", justify="right")
    for index, (pixels, kernel) in enumerate(zip(growth.pixels, growth.kernels, strict=True)):
        table.add_row(
            f"{round(pixels**0.5)}²",
            f"{kernel}²",
            *(f"{values[index]:.2g}" for values in growth.macs.values()),
            *(
                f"{values[index]:.2g}" if values[index] else ""
                for values in growth.seconds.values()
            ),
        )
    return table


def _notes(info: DeviceInfo) -> list[str]:
    n = info.grid[0]
    return [
        "MACs: direct as a matrix product; FFT 2.5 P log2 P operations a real transform, halved; "
        "light all that stays electronic, and of that the products between spectra alone.",
        f"Tiles: the device as it is. A kernel that outgrows {n}×{n} is cut into blocks, so that "
        "light on a fixed grid grows with n² as well, only with a smaller factor.",
        "A device as large: one tile holds picture and kernel; converters and camera columns grow "
        "with its side, so that writing and reading take longer in proportion to it; settling and "
        "exposure stay. No such device exists.",
        "Host: torch, this machine; direct is torch's own convolution, FFT torch.fft with the "
        "kernel's spectrum known.",
    ]
