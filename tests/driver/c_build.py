"""Building the C library by itself, with its programs, for the tests of those."""

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


def run(*command: str, timeout_s: float = 600) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_c(folder: Path, *options: str) -> Path:
    """The library without Python, with its tests and examples: the folder."""
    cmake, ninja = tool("cmake"), tool("ninja")
    chosen = ["-DODEV_PYTHON=OFF", "-DODEV_TESTS=ON", "-G", "Ninja", *options]
    run(cmake, "-S", str(SOURCE), "-B", str(folder), f"-DCMAKE_MAKE_PROGRAM={ninja}", *chosen)
    run(cmake, "--build", str(folder))
    return folder
