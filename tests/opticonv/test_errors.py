"""Every refusal: one line on stderr that names the culprit, a status, and nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from opticonv import console
from opticonv.enlarging import writing
from opticonv.errors import INTERRUPTED

Run = Callable[..., Any]

UPSCALE = ("upscale", "photo.png", "-o", "out.png")


def _files(folder: Path) -> dict[str, bytes | None]:
    return {p.name: p.read_bytes() if p.is_file() else None for p in folder.iterdir()}


@pytest.fixture
def culprits(tmp_path: Path, photo: Path) -> None:
    """Files that are not what their names promise."""
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:-200])
    (tmp_path / "text.h5").write_text("no calibration")
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.safetensors").write_text("no weights")
    save_file({"c1.weight": torch.zeros(1)}, tmp_path / "other.safetensors")


@pytest.mark.usefixtures("culprits")
@pytest.mark.parametrize(
    ("arguments", "status", "culprit"),
    [
        (("upscale", "none.png", "-o", "out.png"), 1, "none.png"),
        (("upscale", "text.png", "-o", "out.png"), 1, "text.png"),
        (("upscale", "cut.png", "-o", "out.png"), 1, "cut.png"),
        (("upscale", "folder", "-o", "out.png"), 1, "folder"),
        (("upscale", "photo.png", "-o", "out.xyz"), 1, ".xyz"),
        (("upscale", "photo.png", "-o", "out"), 1, "out"),
        (("upscale", "photo.png", "-o", "folder.png/out.png"), 1, "folder.png"),
        (("upscale", "photo.png", "-o", "photo.png"), 1, "photo.png"),
        (("upscale", "photo.png"), 2, "--out"),
        ((*UPSCALE, "--device", "emulator:none"), 1, "'none'"),
        ((*UPSCALE, "--device", "toaster"), 1, "toaster"),
        ((*UPSCALE, "--device", "emulator:ideal?seed=x"), 1, "seed"),
        ((*UPSCALE, "--device", "emulator:lab?camera__colour=1"), 1, "camera__colour"),
        ((*UPSCALE, "--seed", "-1"), 1, "seed=-1"),
        ((*UPSCALE, "--seed", "many"), 2, "--seed"),
        ((*UPSCALE, "--precision", "perfect"), 2, "perfect"),
        ((*UPSCALE, "--calibration", "none.h5"), 1, "none.h5"),
        ((*UPSCALE, "--calibration", "text.h5"), 1, "text.h5"),
        ((*UPSCALE, "--weights", "none"), 1, "none"),
        ((*UPSCALE, "--weights", "none.safetensors"), 1, "none.safetensors"),
        ((*UPSCALE, "--weights", "text.safetensors"), 1, "text.safetensors"),
        ((*UPSCALE, "--weights", "other.safetensors"), 1, "other.safetensors"),
        ((*UPSCALE, "--polish"), 2, "--polish"),
        ((*UPSCALE, "--both", "--electronic"), 1, "--both"),
        ((*UPSCALE, "--format", "png"), 1, "--format"),
        ((*UPSCALE, "--quality", "101"), 2, "--quality"),
        (("upscale", "folder", "-o", "elsewhere"), 1, "no picture in folder"),
        (("upscale", "none", "photo.png", "-o", "photo.png"), 1, "photo.png is a file"),
        (("calibrate", "-o", "none/lab.h5"), 1, "none"),
        (("calibrate", "-o", "folder", "--force"), 1, "folder"),
        (("demo", "none.png"), 1, "none.png"),
        (("demo", "photo.png"), 1, "256"),
        (("demo", "--output", "photo.png"), 1, "photo.png"),
        (("paint",), 2, "paint"),
    ],
)  # fmt: skip
def test_refusals(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, culprit: str
) -> None:
    before = _files(tmp_path)
    result = run(*arguments)
    assert result.exit_code == status
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert culprit in line
    assert result.stdout == ""
    assert _files(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(run: Run, tmp_path: Path, photo: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    result = run("upscale", photo, "-o", "locked/out.png", "--electronic")
    assert result.exit_code == 1
    assert "locked" in result.stderr


def test_ctrl_c_leaves_the_old_file(
    run: Run, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.png").write_text("old")
    before = _files(tmp_path)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("opticonv.enlarging.run.enlarged_bands", interrupted)
    result = run(*UPSCALE, "--electronic")
    assert result.exit_code == INTERRUPTED
    assert "interrupted" in result.stderr
    assert _files(tmp_path) == before


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failing_write_leaves_the_old_file(
    run: Run, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    (tmp_path / "out.png").write_text("old")
    before = _files(tmp_path)

    def half(path: Path, *_: object) -> None:
        path.write_bytes(b"half")
        raise stop

    monkeypatch.setitem(writing._WRITERS, "PNG", half)
    result = run(*UPSCALE, "--electronic")
    assert result.exit_code == (INTERRUPTED if isinstance(stop, KeyboardInterrupt) else 1)
    assert "Traceback" not in result.stderr
    assert _files(tmp_path) == before


def test_warnings_are_one_line(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = console.result_console

    def warn() -> object:
        warnings.warn("the lamp\nflickers", stacklevel=1)
        return quiet()

    monkeypatch.setattr("opticonv.upscale.result_console", warn)
    result = run(*UPSCALE, "--electronic")
    assert result.exit_code == 0
    assert "warning: the lamp flickers" in result.stderr.splitlines()


def test_faults_of_the_program_are_not_hidden(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr("opticonv.devices.device_uris", broken)
    assert isinstance(run("devices").exception, ZeroDivisionError)


LOADING = """
import os, signal, sys, time

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "opticonv.cli":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)

sys.meta_path.insert(0, Impatient())
from opticonv.__main__ import main
main()
"""


def test_ctrl_c_while_the_commands_are_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == INTERRUPTED
    assert done.stderr == "error: interrupted\n"
