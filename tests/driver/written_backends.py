"""The example backends of docs/backends.md, taken from the page and built."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def example(language: str) -> str:
    """The page's one block of code in a language."""
    page = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8")
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 1, f"{len(blocks)} blocks of {language} in docs/backends.md"
    return blocks[0]


def build_library(source: str, folder: Path, name: str = "mydevice") -> Path:
    """A shared library of C source, without a warning."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    code, library = folder / f"{name}.c", folder / f"{name}.so"
    code.write_text(source, encoding="utf-8")
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    place = ["-fPIC", "-shared", "-I", str(ROOT / "csrc" / "include")]
    done = subprocess.run(
        [compiler, *strict, "-O1", *place, str(code), "-o", str(library)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return library


def write_module(folder: Path) -> Path:
    """The Python example, as ``mybench.py``."""
    path = folder / "mybench.py"
    path.write_text(example("python"), encoding="utf-8")
    return path
