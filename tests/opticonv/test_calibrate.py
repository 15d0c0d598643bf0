from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driver import Calibration, Device, open_device
from driver.calibration.routines import ROUTINES
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


def test_the_report_is_one_page_with_every_routine(run: Run, tmp_path: Path) -> None:
    result = run("calibrate", LAB, "-o", "lab.h5", "--report", "lab.html")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "lab.html").read_text()
    for routine in ROUTINES:
        if routine.name != "twin":
            assert f'<h2 id="{routine.name}">{routine.title}' in page
    # Self-contained: pictures are inside, and nothing is fetched.
    assert page.count("data:image/png;base64,") == len(ROUTINES) - 1
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    assert "e-/DN" in page


@pytest.mark.slow
def test_the_twin_fit_goes_into_the_calibration(run: Run, tmp_path: Path) -> None:
    lab = "emulator:lab4f?device__n=8"
    result = run("calibrate", lab, "--twin", "-o", "lab.h5", "--report", "lab.html")
    assert result.exit_code == 0, result.stderr
    assert "twin" in result.stdout
    page = (tmp_path / "lab.html").read_text()
    assert '<h2 id="twin">' in page
    assert Calibration.load(tmp_path / "lab.h5").grid == (8, 8)


def test_one_routine_has_no_twin_beside_it(run: Run) -> None:
    result = run("calibrate", "dark", LAB, "--twin")
    assert result.exit_code == 1
    assert "routine 'twin'" in result.stderr


def test_one_routine_prints_what_it_found(run: Run, tmp_path: Path) -> None:
    result = run("calibrate", "photon_transfer", LAB, "--seed", 2)
    assert result.exit_code == 0, result.stderr
    assert "system gain" in result.stdout
    assert "±" in result.stdout
    assert "frames" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_routine_that_is_none_is_said(run: Run) -> None:
    result = run("calibrate", "photons", LAB)
    assert result.exit_code == 1
    assert "photon_transfer" in result.stderr


def test_a_failed_calibration_still_has_its_page(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exposed = Device.expose

    def dark(self: Device, codes: Any, *args: Any, **options: Any) -> Any:
        return exposed(self, codes, *args, **{**options, "laser": "off"})

    monkeypatch.setattr(Device, "expose", dark)
    result = run("calibrate", LAB, "-o", "lab.h5", "--report", "lab.html")
    assert result.exit_code == 1
    assert "is the laser on" in result.stderr
    page = (tmp_path / "lab.html").read_text()
    assert '<span class="verdict failed">failed</span>' in page
    assert not (tmp_path / "lab.h5").exists()
