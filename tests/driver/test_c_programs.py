"""The C library by itself: its tests and its example, built and run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "csrc"


def tool(name: str) -> str:
    """A program beside this Python, or on the path."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library without Python, with our warnings as errors."""
    folder = tmp_path_factory.mktemp("csrc")
    cmake, ninja = tool("cmake"), tool("ninja")
    options = ["-DODEV_PYTHON=OFF", "-DODEV_TESTS=ON", "-G", "Ninja"]
    run(cmake, "-S", str(SOURCE), "-B", str(folder), f"-DCMAKE_MAKE_PROGRAM={ninja}", *options)
    run(cmake, "--build", str(folder))
    return folder


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
