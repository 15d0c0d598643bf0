"""The C library by itself: its tests and its example, built and run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from c_build import SOURCE, build_c, run


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library without Python, with our warnings as errors."""
    return build_c(tmp_path_factory.mktemp("csrc"))


@pytest.mark.slow
@pytest.mark.parametrize("program", sorted(path.stem for path in SOURCE.glob("tests/test_*.c")))
def test_c_tests_pass(build: Path, program: str) -> None:
    assert "all well" in run(str(build / program))


@pytest.mark.slow
def test_the_example_runs(build: Path) -> None:
    lines = run(str(build / "expose_counts"), "5").splitlines()
    assert lines[0] == "null-64: 64 x 64, 14-bit codes, 12-bit counts"
    # 5 frames of 4 exposures, 1 us each, and no time for writing, settling and reading.
    assert lines[1] == "5 frames, 20 exposures, mean count 0.00, device time 0 to 20000 ns"
    assert lines[2].startswith("since opening: 5 frames, 0.000020 s")


@pytest.mark.slow
def test_the_example_refuses_nonsense(build: Path) -> None:
    for argument in ("0", "-1", "many"):
        done = subprocess.run(
            [str(build / "expose_counts"), argument], capture_output=True, check=False
        )
        assert done.returncode == 2
        assert b"usage" in done.stderr


@pytest.mark.slow
def test_the_queue_example_runs(build: Path) -> None:
    lines = run(str(build / "queue_jobs"), "null:8").splitlines()
    assert lines[:4] == [
        "laser_enabled = 1, 0 to 1",
        "laser_mw = 1 mW, 0 to 1",
        "reference_fraction = 1, 0 to 2",
        "device_time_s = 0 s, 0 to inf, read-only",
    ]
    # One frame each, 1 us, in the order of submission; the last was cancelled in time or not.
    assert lines[4:9] == [f"job {i}: {1000 * i} to {1000 * (i + 1)} ns" for i in range(5)]
    assert lines[9] in ("job 5: cancelled", "job 5: 5000 to 6000 ns")
    done = subprocess.run([str(build / "queue_jobs"), "warp:9"], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"warp:9" in done.stderr
