"""An hour of device time: error of convolutions with the phase tracked by pilots, and without.

Run it as ``python benchmarks/drift.py [--seeds 3] [--device emulator:lab] [--out FOLDER]``.

A device is calibrated once and then stands; after each pause the same pictures are convolved as in
``benchmarks/precision.py``, packed and not, with pilots (4 % of frames) and without.  The aim: with
tracking at most 1.2 times the fresh error at every age up to an hour.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from driver import open_device
from opticonv.convolution_study import UntrackedDevice, convolution_error, kernels

AGES_S = (0.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
ALLOWED = 1.2


def measure(uri: str, seed: int) -> dict[tuple[bool, bool], list[float]]:
    """Errors by (tracked, packed) at all ages."""
    errors: dict[tuple[bool, bool], list[float]] = {}
    w = kernels()["random"]
    with open_device(uri, seed=seed) as device:
        device.calibrate()
        begin = device.telemetry().device_time_s
        for age in AGES_S:
            device.idle(max(age - (device.telemetry().device_time_s - begin), 0.0))
            for tracked in (True, False):
                for pack in (True, False):
                    used = device if tracked else UntrackedDevice(device)
                    error = convolution_error(used, w, precision="balanced", pack=pack)
                    errors.setdefault((tracked, pack), []).append(error)
        counters = device.telemetry()
    assert counters.pilots < 0.05 * counters.frames
    return errors


def draw(path: Path, results: list[dict[tuple[bool, bool], list[float]]]) -> None:
    """Errors against age, worst device, with and without tracking."""
    from driver.calibration.drawing import png_of
    from driver.calibration.report import Line, Panel

    age = np.maximum(AGES_S, 3.0)
    panels = []
    for pack in (True, False):
        lines = []
        for tracked in (True, False):
            worst = 100 * np.max([result[tracked, pack] for result in results], 0)
            lines.append(Line("with pilots" if tracked else "without", np.log10(age), worst))
        title = "packed" if pack else "unpacked"
        panels.append(
            Panel(
                f"Balanced, {title}, worst of {len(results)} devices",
                "log10 of device time since calibration [s]",
                "error [%]",
                tuple(lines),
                log=True,
            )
        )
    path.mkdir(parents=True, exist_ok=True)
    (path / "drift.png").write_bytes(png_of(panels))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="how many devices, seeds 0, 1, ...")
    parser.add_argument("--out", type=Path, help="folder for a plot")
    options = parser.parse_args()
    console = Console(width=110)
    results = [measure(options.device, seed) for seed in range(options.seeds)]
    title = f"{options.device}: error [%], worst of {len(results)} devices"
    table = Table(title=title, box=None)
    for name in ("age [s]", "tracked, packed", "unpacked", "untracked, packed", "unpacked"):
        table.add_column(name, justify="right")
    for index, age in enumerate(AGES_S):
        cells = [f"{age:.0f}"]
        for tracked in (True, False):
            for pack in (True, False):
                cells.append(f"{100 * max(r[tracked, pack][index] for r in results):.2f}")
        table.add_row(*cells)
    console.print(table)
    ratio = max(
        max(result[True, pack]) / result[True, pack][0]
        for result in results
        for pack in (True, False)
    )
    console.print(f"tracked, largest error over fresh: {ratio:.2f} (aim: {ALLOWED})")
    if options.out is not None:
        draw(options.out, results)
    return int(ratio > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
