"""The laboratory against the truth: pulls and uncertainties of all that it states.

Run it as ``python benchmarks/calibration.py [--device emulator:lab] [--first 0] [--seeds 10]``.

Every device is calibrated through its boundary; then, and only then, what was found is compared
with what was fabricated, in the gauge that docs/calibration.md gives.  Pull: error over stated
sigma.  Beside the worst pull stands what the worst of that many Gaussian ones is expected to be.
"sigma ratio": RMS error over RMS stated sigma, which so many numbers know to what stands behind it.
OUT are a ratio that is beyond 1.5 by more than it is uncertain, and a pull of more than 3, or 1.5
more than expected.  Of fewer than ten devices single numbers are too few for a ratio.
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


def table_of(results: list[dict[str, Compared]], of: str) -> tuple[Table, bool]:
    """One row a quantity, and whether all are as they should be."""
    table = Table(title=f"{of}: errors in stated sigmas", box=None)
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
        unsure = float(1 / np.sqrt(2 * pull.size))
        good = 1 / RATIO / (1 + unsure) <= ratio <= RATIO * (1 + unsure)
        good &= worst < max(PULL, expected + 1.5)
        fine &= good
        share = f"{ratio:.2f} ± {ratio * unsure:.2f}"
        table.add_row(
            name, str(pull.size), f"{pull.mean():+.2f}", f"{worst:.2f}", f"{expected:.2f}",
            f"{np.sqrt(np.mean(error**2)):.2g}", share, "" if good else "OUT",
        )  # fmt: skip
    return table, fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="emulator:lab", help="URI, by default %(default)s")
    parser.add_argument("--first", type=int, default=0, help="first seed, by default %(default)s")
    parser.add_argument(
        "--seeds", type=int, default=10, help="how many devices, by default %(default)s"
    )
    options = parser.parse_args()
    if options.seeds < 1 or options.first < 0:
        parser.error("at least one seed, and none below 0")
    seeds = range(options.first, options.first + options.seeds)
    console = Console(width=110)
    with Progress(console=console, transient=True) as progress:
        results = [
            measure(options.device, seed) for seed in progress.track(seeds, description="devices")
        ]
    table, fine = table_of(results, f"{options.device}, seeds {seeds[0]} to {seeds[-1]}")
    console.print(table)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
