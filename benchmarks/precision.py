"""Precision of optical 3x3 convolutions on photographs: calibrated, perfectly known, uncalibrated.

Run it as ``python benchmarks/precision.py [--seeds 10] [--device emulator:lab]``.
With ``--results FILE`` every device's errors are kept in that JSON file as soon as they are there,
and those already in it are not measured again: a run may be stopped and gone on with.

Error measure: sqrt(sum of squared error / sum of the exact output's variance), pooled over four
grey photographs and random Gaussian 3x3 kernels, through `dev.convolve2d` at each precision, packed
(two pictures in one complex frame) and not.  "perfect" is the same device with its own fabrication
values installed as calibration (an emulator's privilege): what camera noise and the chip's floor
leave.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from driver import UncalibratedWarning, open_device
from opticonv.console import report_table
from opticonv.convolution_study import convolution_error, kernels

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "driver"))
from perfect_knowledge import perfect_calibration

PRECISIONS = ("fast", "balanced", "best")
ALLOWED = 1.15
"""Calibrated over perfect: the aim."""


@dataclass
class Result:
    """Errors of one device, by state of knowledge, precision and packing."""

    seed: int
    errors: dict[tuple[str, str, bool], float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """As `from_json` takes it."""
        errors = [[*key, error] for key, error in self.errors.items()]
        return {"seed": self.seed, "errors": errors, "figures": self.figures}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Result:
        """What `as_json` gave."""
        errors = {(knows, how, pack): error for knows, how, pack, error in kept["errors"]}
        return cls(kept["seed"], errors, kept["figures"])


def kept_results(file: Path | None, uri: str) -> dict[int, Result]:
    """Those of a file, by seed; none if it is not there yet.

    Raises
    ------
    SystemExit
        If they are another device's.
    """
    if file is None or not file.exists():
        return {}
    kept = json.loads(file.read_text())
    if kept["device"] != uri:
        raise SystemExit(f"{file} holds results of {kept['device']}, not of {uri}")
    results = map(Result.from_json, kept["results"])
    return {result.seed: result for result in results}


def keep(results: Sequence[Result], file: Path, uri: str) -> None:
    """Write them, whole or not at all."""
    part = file.with_name(file.name + ".part")
    kept = {"device": uri, "results": [result.as_json() for result in results]}
    part.write_text(json.dumps(kept, indent=1))
    part.replace(file)


def measure(uri: str, seed: int, progress: Progress) -> Result:
    """Uncalibrated, calibrated and perfectly known errors of one device."""
    result = Result(seed)
    w = kernels()["random"]
    variants = [(precision, pack) for precision in PRECISIONS for pack in (True, False)]
    task = progress.add_task(f"seed {seed}", total=2 + 2 * len(variants))
    with open_device(uri, seed=seed) as dev:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncalibratedWarning)
            result.errors["uncalibrated", "balanced", True] = convolution_error(
                dev, w, precision="balanced", pack=True
            )
        progress.advance(task)
        result.figures = dev.calibrate().figures
        progress.advance(task)
        for knowledge in ("calibrated", "perfect"):
            if knowledge == "perfect":
                dev.load_calibration(perfect_calibration(dev, seed))
            for precision, pack in variants:
                error = convolution_error(dev, w, precision=precision, pack=pack)
                result.errors[knowledge, precision, pack] = error
                progress.advance(task)
    progress.remove_task(task)
    return result


def table_of(results: Sequence[Result], uri: str) -> Table:
    """One row a device, calibrated beside perfect, in per cent; then the mean and the worst."""
    table = report_table(f"{uri}: error of 3x3 convolutions [%], calibrated / perfect knowledge")
    table.add_column("seed", justify="right", no_wrap=True)
    table.add_column("uncalibrated", justify="right", no_wrap=True)
    for precision in PRECISIONS:
        for packing in ("packed", "unpacked"):
            table.add_column(f"{precision}\n{packing}", justify="right", no_wrap=True)
    for result in results:
        table.add_row(str(result.seed), *cells_of([result], max))
    if len(results) > 1:
        table.add_section()
        table.add_row("mean", *cells_of(results, statistics.mean))
        table.add_row("worst", *cells_of(results, max))
    return table


def cells_of(results: Sequence[Result], of: Callable[[list[float]], float]) -> list[str]:
    """A row of the table: of one device, or what ``of`` makes of all of them."""

    def error(*key: Any) -> float:
        return 100 * of([result.errors[key] for result in results])

    variants = [(precision, pack) for precision in PRECISIONS for pack in (True, False)]
    return [
        f"{error('uncalibrated', 'balanced', True):.0f}",
        *(f"{error('calibrated', *v):.2f} / {error('perfect', *v):.2f}" for v in variants),
    ]


def effort(results: Sequence[Result]) -> str:
    """What calibrating took, in words: the medians."""
    frames, device_s, host_s = (
        statistics.median(result.figures[name] for result in results)
        for name in ("frames", "device_time_s", "host_time_s")
    )
    return (
        f"calibrating a device, median: {frames:.0f} frames, {device_s:.2f} s of device time, "
        f"{host_s:.1f} s of host time (with whatever else the host did)"
    )


def worst_ratio(results: Sequence[Result]) -> float:
    """Largest error calibrated over perfect."""
    return max(
        error / result.errors["perfect", precision, pack]
        for result in results
        for (knowledge, precision, pack), error in result.errors.items()
        if knowledge == "calibrated"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--seeds", type=int, default=5, help="how many devices, seeds 0, 1, ...")
    parser.add_argument("--results", type=Path, help="JSON file to keep errors in and go on from")
    options = parser.parse_args()
    console = Console(width=110)
    known = kept_results(options.results, options.device)
    with Progress(console=console, transient=True) as progress:
        for seed in range(options.seeds):
            if seed not in known:
                known[seed] = measure(options.device, seed, progress)
                if options.results is not None:
                    keep(list(known.values()), options.results, options.device)
    results = [known[seed] for seed in range(options.seeds)]
    console.print(table_of(results, options.device))
    console.print(effort(results), highlight=False)
    worst = worst_ratio(results)
    verdict = "reached" if worst <= ALLOWED else "MISSED"
    console.print(f"calibrated over perfect, worst case: {worst:.2f} (aim: {ALLOWED}, {verdict})")
    return 0 if worst <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
