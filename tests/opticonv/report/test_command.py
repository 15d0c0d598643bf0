from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import opticonv.opening
from nn import available_weights
from opticonv.report import making
from opticonv.report.making import shown_losses

Run = Callable[..., Any]

IDEAL = "emulator:ideal?device__n=32"


@pytest.fixture
def no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a device fails the test."""
    monkeypatch.setattr(opticonv.opening, "open_device", lambda *_, **__: pytest.fail("opened"))


@pytest.mark.usefixtures("no_device")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "none/r.html"), "there is no folder none"),
        (("-o", "r.html", "--pictures", "none"), "there is no folder none"),
        (("-o", "r.html", "--figures", "none"), "there is no folder none"),
        (("-o", "r.html", "--evaluation", "none.json"), "there is no evaluation file none.json"),
        (("-o", "r.html", "--calibration", "none.h5"), "no calibration file at none.h5"),
    ],
)
def test_what_is_wrong_is_said_before_a_device_is_opened(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("report", *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_all_packaged_weights_are_in_the_table_of_losses() -> None:
    names = available_weights()
    assert sorted(shown_losses()) == (sorted(names) if len(names) > 1 else [])


@pytest.mark.slow
def test_a_page_from_samples(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "shown_losses", lambda: ["original"])
    result = run("report", "-o", "r.html", "--device", IDEAL, "--no-large", "--no-costs")
    assert result.exit_code == 0, result.stderr
    assert "r.html: " in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert IDEAL in (tmp_path / "r.html").read_text()
