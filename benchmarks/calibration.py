"""The laboratory against the truth: pulls and uncertainties of all that it states.

Run it as ``python benchmarks/calibration.py [--seeds 10] [--device emulator:lab]``.

Every device is calibrated through its boundary; then, and only then, what was found is compared
with what was fabricated, in the gauge that docs/calibration.md gives.  Pull: error over stated
sigma.  "sigma ratio": RMS error over RMS stated sigma.  Beside the worst pull stands what the worst
of that many Gaussian ones is expected to be.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import norm

from driver import open_device
from driver.backends import parse_uri
from driver.calibration import run_laboratory
from driver.calibration.laboratory import required
from optical_device.fabrication import fabricate
from optical_device.profile import load_profile

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "driver" / "calibration"))
from comparison import Compared, compare

RATIO = 1.5
"""Stated sigmas are to be within this factor of the true scatter."""
PULL = 3.0


def measure(uri: str, seed: int) -> dict[str, Compared]:
    """Errors and sigmas of one device."""
    parsed = parse_uri(uri)
    with open_device(uri, seed=seed) as device:
        laboratory = run_laboratory(device)
        calibration = required(laboratory)
        truth = fabricate(load_profile(parsed.name, **parsed.overrides), seed)
        return compare(laboratory.reports, calibration, device.info, truth)


def table_of(results: list[dict[str, Compared]], uri: str) -> tuple[Table, bool]:
    """One row a quantity, and whether all are as they should be."""
    table = Table(title=f"{uri}: {len(results)} devices, errors in stated sigmas", box=None)
    for name in (
        "quantity",
        "numbers",
        "mean pull",
        "worst pull",
        "expected",
        "RMS error",
        "sigma ratio",
        "",
    ):
        table.add_column(name, justify="left" if name in ("quantity", "") else "right")
    fine = True
    for name in results[0]:
        pull = np.concatenate([result[name].pull for result in results])
        if not pull.size:
            continue
        error = np.concatenate([result[name].error.ravel() for result in results])
        sigma = np.concatenate([result[name].sigma.ravel() for result in results])
        ratio = float(np.sqrt(np.mean(error[sigma > 0] ** 2) / np.mean(sigma[sigma > 0] ** 2)))
        expected = float(norm.isf(0.5 / pull.size / 2))
        worst = float(np.max(np.abs(pull)))
        good = 1 / RATIO <= ratio <= RATIO and worst < max(PULL, expected + 1)
        fine &= good
        table.add_row(
            name, str(pull.size), f"{pull.mean():+.2f}", f"{worst:.2f}", f"{expected:.2f}",
            f"{np.sqrt(np.mean(error**2)):.2g}", f"{ratio:.2f}", "" if good else "OUT",
        )  # fmt: skip
    return table, fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--seeds", type=int, default=10, help="how many devices, seeds 0, 1, ...")
    options = parser.parse_args()
    console = Console(width=110)
    with Progress(console=console, transient=True) as progress:
        results = [
            measure(options.device, seed)
            for seed in progress.track(range(options.seeds), description="devices")
        ]
    table, fine = table_of(results, options.device)
    console.print(table)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
