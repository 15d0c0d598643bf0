from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driver import Calibration, Device, open_device
from opticonv.errors import INTERRUPTED

Run = Callable[..., Any]

LAB = "emulator:lab?device__n=11"


@pytest.fixture
def unused_laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrating fails the test."""
    monkeypatch.setattr(Device, "calibrate", lambda self, **_: pytest.fail("calibrated"))


def test_writes_a_calibration_of_that_device(run: Run, tmp_path: Path) -> None:
    result = run("calibrate", "--device", LAB, "--seed", 7, "-o", "lab7.h5")
    assert result.exit_code == 0, result.stderr
    with open_device(LAB, seed=7) as device:
        calibration = device.load_calibration(tmp_path / "lab7.h5")
    assert "lab7.h5" in result.stdout
    assert f"{calibration.figures['device_time_s']:.2f} s" in result.stdout
    assert f"{100 * calibration.figures['residual']:.2f} %" in result.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["lab7.h5"]


def test_the_file_is_named_after_the_device_if_not_otherwise(run: Run, tmp_path: Path) -> None:
    assert run("calibrate", "--device", f"{LAB}&seed=3").exit_code == 0
    with open_device(LAB, seed=3) as device:
        serial = device.info.serial
    assert Calibration.load(tmp_path / f"{serial}.h5").serial == serial


@pytest.mark.usefixtures("unused_laboratory")
def test_an_old_file_is_kept_before_any_frame_is_exposed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "lab7.h5").write_text("old")
    result = run("calibrate", "--device", LAB, "-o", "lab7.h5")
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert (tmp_path / "lab7.h5").read_text() == "old"


def test_force_overwrites(run: Run, tmp_path: Path) -> None:
    (tmp_path / "lab7.h5").write_text("old")
    assert run("calibrate", "--device", LAB, "-o", "lab7.h5", "--force").exit_code == 0
    assert Calibration.load(tmp_path / "lab7.h5").grid == (11, 11)


def test_ctrl_c_leaves_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Device, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Device, "calibrate", interrupted)
    result = run("calibrate", "--device", LAB, "-o", "lab7.h5")
    assert result.exit_code == INTERRUPTED
    assert list(tmp_path.iterdir()) == []
