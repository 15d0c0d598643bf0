"""Each routine as a script: ``python -m driver.calibration ROUTINE URI [--plot FILE]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from driver.calibration.drawing import png_of
from driver.calibration.laboratory import run_laboratory
from driver.calibration.report import report_lines
from driver.calibration.routines import ROUTINES
from driver.errors import DriverError
from driver.opening import open_device

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one routine, and what it builds on, and print what it found; 0 unless it failed."""
    parser = argparse.ArgumentParser(
        "python -m driver.calibration", description="Run one routine of the laboratory."
    )
    parser.add_argument("routine", choices=[routine.name for routine in ROUTINES])
    parser.add_argument("uri", nargs="?", default="emulator:lab")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--plot", type=Path, default=None, help="PNG file to write")
    options = parser.parse_args(arguments)
    if options.plot is not None and not options.plot.absolute().parent.is_dir():
        parser.error(f"--plot {options.plot}: there is no folder {options.plot.parent}")
    try:
        with open_device(options.uri, seed=options.seed) as device:
            reports = run_laboratory(device, routine=options.routine).reports
    except DriverError as error:
        print(error, file=sys.stderr)
        return 1
    report = reports[-1]
    print("\n".join(report_lines(report)))
    if options.plot is not None:
        try:
            options.plot.write_bytes(png_of(report.plots))
        except OSError as error:
            print(f"--plot: {error}", file=sys.stderr)
            return 1
    return int(report.verdict == "failed")


if __name__ == "__main__":
    sys.exit(main())
