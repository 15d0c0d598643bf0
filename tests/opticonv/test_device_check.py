"""`opticonv device check`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from driver.conformance import CHECKS
from opticonv.cli import app

runner = CliRunner()


def test_a_sound_device_passes() -> None:
    done = runner.invoke(app, ["device", "check", "emulator:lab?device__n=16", "--seed", "3"])
    assert done.exit_code == 0
    assert f"{len(CHECKS)} passed, 0 failed, 0 skipped" in done.stdout
    for check in CHECKS:
        assert check.name in done.stdout


def test_a_device_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_device.py").write_text(
        "from driver.backends import plain_info\n"
        "class Broken:\n"
        "    info = plain_info('BROKEN', 4)\n"
        "    def execute(self, block): block.counts[...] = 5000\n"
        "    def sensors(self, reading): return 300, 0\n"
    )
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(app, ["device", "check", "python:broken_device.Broken"])
    assert done.exit_code == 1
    assert "counts reach 5000" in " ".join(done.stdout.split())
    assert " failed" in done.stdout


def test_single_checks() -> None:
    names = ["--only", "time", "--only", "repeatability"]
    done = runner.invoke(app, ["device", "check", "null:8", *names])
    assert done.exit_code == 0
    assert "2 passed, 0 failed, 0 skipped" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nul:8"], "did you mean null:"),
        (["null:8", "--only", "tim"], "did you mean 'time'"),
        (["library:./nothing.so"], "cannot be loaded"),
        (["fault:?droped_frame=3&of=null:8"], "did you mean 'dropped_frame'"),
    ],
)
def test_what_cannot_be_checked(arguments: list[str], message: str) -> None:
    done = runner.invoke(app, ["device", "check", *arguments])
    assert done.exit_code == 1
    assert message in " ".join(done.stderr.split())
