"""Each routine by each of its three ways: the module's function, the script, the command."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driver import open_device
from driver.calibration import RoutineReport, run_laboratory
from driver.calibration.__main__ import main
from driver.calibration.bench import Bench
from driver.calibration.report import report_lines
from driver.calibration.routines import ROUTINES, Routine, routine_named, run_routine

Run = Callable[..., Any]

URI, SEED = "emulator:lab?device__n=8", 3

SLOW = {"maps", "reference_arm", "alignment", "twin", "launch", "drift"}
"""Seconds of what they build on, three times."""


def by_function(routine: Routine) -> RoutineReport:
    """The modules' functions one after the other: those that the routine builds on, and itself."""
    wanted, new = set(), {routine.name}
    while new:
        wanted |= new
        new = {need for name in new for need in routine_named(name).needs} - wanted
    with open_device(URI, seed=SEED) as device:
        bench = Bench(device)
        return [run_routine(bench, item) for item in ROUTINES if item.name in wanted][-1]


def without_host_time(lines: str) -> str:
    """What is printed but for the host time, which no two runs share."""
    assert re.search(r", [\d.]+ s of host time", lines)
    return re.sub(r", [\d.]+ s of host time", "", lines).strip()


@pytest.mark.parametrize(
    "routine",
    [
        pytest.param(item, id=item.name, marks=[pytest.mark.slow] if item.name in SLOW else [])
        for item in ROUTINES
    ],
)
def test_three_ways_agree(
    routine: Routine, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    report = by_function(routine)
    assert report.verdict in ("pass", "degraded")
    assert report.reason
    assert report.plots
    assert any(np.any(value.sigma) for value in report.values)
    own_frames = routine.name not in ("maps", "crosstalk", "alignment", "dead_pixels")
    assert (report.frames > 0) == (report.device_time_s > 0) == own_frames
    expected = without_host_time("\n".join(report_lines(report)))

    plot = tmp_path / "routine.png"
    assert main([routine.name, URI, "--seed", str(SEED), "--plot", str(plot)]) == 0
    assert without_host_time(capsys.readouterr().out) == expected
    assert plot.read_bytes().startswith(b"\x89PNG")

    page = tmp_path / "routine.html"
    result = run("calibrate", routine.name, URI, "--seed", SEED, "--report", page)
    assert result.exit_code == 0, result.stderr
    printed = result.stdout.rpartition("report in")[0]
    assert without_host_time(printed) == expected
    assert f'<h2 id="{routine.name}">{routine.title}' in page.read_text()


def test_a_script_is_one_in_a_process_of_its_own_too() -> None:
    command = [sys.executable, "-m", "driver.calibration", "dark", URI, "--seed", str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    with open_device(URI, seed=SEED) as device:
        reports = run_laboratory(device, routine="dark").reports
    assert without_host_time(done.stdout) == without_host_time("\n".join(report_lines(reports[0])))
