"""`opticonv device show`: what it prints, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from driver import open_device
from optical_device.profile import load_profile
from opticonv.device import show
from opticonv.device.data_sheet import OVERRIDDEN, data_sheet_values

Run = Callable[..., Any]

N = 16
LAB = f"lab?device__n={N}"
FILES = {
    "chip_field.png", "chip_temperature.png", "converters.png", "drift.png", "errors_alone.png",
    "errors_removed.png", "heaters_photograph.png", "heaters_test.png", "low_light.png",
    "optics.png", "report.txt", "spectra_one_error.png",
}  # fmt: skip


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are drawn, but written as a dot: rendering is what takes the time."""

    def dot(_: Figure, path: Path) -> None:
        Image.new("RGB", (1, 1)).save(path)

    monkeypatch.setattr(show, "save_picture", dot)


@pytest.fixture
def report_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("COLUMNS", "160")  # wide enough that no source is broken over lines

    def report(*arguments: object) -> str:
        result = run("device", "show", *arguments)
        assert result.exit_code == 0, result.stderr
        return str(result.stdout)

    return report


def test_the_report_names_every_value(report_of: Callable[..., str], tmp_path: Path) -> None:
    text = report_of("lab")
    for value in data_sheet_values("lab", load_profile("lab")):
        (line,) = [s for s in text.splitlines() if s.split()[:1] == [value.field]]
        assert value.source.split()[0] in line
    assert "arXiv 2404.10589" in text
    assert not list(tmp_path.iterdir())


def test_profiles_files_and_uris(report_of: Callable[..., str], tmp_path: Path) -> None:
    text = (resources.files("optical_device") / "profiles/lab.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace('"lab"', '"mine"'))
    assert "Profile mine (mine.toml)" in report_of("mine.toml")
    with open_device("emulator:lab", seed=3, device__n=N) as device:
        serial = device.info.serial
    for arguments in ((LAB, "--seed", 3), (f"emulator:{LAB}&seed=3",)):
        shown = report_of(*arguments)
        assert f"Specimen {serial}, seed 3" in shown
        assert OVERRIDDEN in shown


@pytest.mark.usefixtures("undrawn")
def test_pictures_and_report_in_a_folder(report_of: Callable[..., str], tmp_path: Path) -> None:
    text = report_of(LAB, "-o", "out")
    assert {p.name for p in tmp_path.iterdir()} == {"out"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == FILES
    report = (tmp_path / "out" / "report.txt").read_text()
    for table in (report, text):
        assert "thermal crosstalk" in table
    # Nothing is cut off in a report of its own width.
    assert "…" not in report


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("profile", "missing", "note"),
    [
        (
            f"ideal?device__n={N}",
            {"alone", "removed", "spectra", "temperature", "converters", "low_light", "drift"},
            "has no error",
        ),
        (f"{LAB}&device__detection=intensity", {"low_light"}, "Not calibrated"),
        (f"lab4f?device__n={N}", set(), "full knowledge"),
    ],
)
def test_devices_with_less_to_show(
    report_of: Callable[..., str], tmp_path: Path, profile: str, missing: set[str], note: str
) -> None:
    assert note in report_of(profile, "-o", "out")
    expected = {name for name in FILES if not any(part in name for part in missing)}
    assert {p.name for p in (tmp_path / "out").iterdir()} == expected


@pytest.mark.slow
def test_pictures_are_pictures(run: Run, tmp_path: Path) -> None:
    assert run("device", "show", "ideal?device__n=8", "-o", "out").exit_code == 0
    for path in (tmp_path / "out").glob("*.png"):
        with Image.open(path) as picture:
            assert min(picture.size) > 400
            pixels = np.asarray(picture.convert("L"), dtype=np.float64)
            assert pixels.std() > 10


def test_the_group_says_what_it_has(run: Run) -> None:
    for arguments in (("device",), ("device", "--help")):
        result = run(*arguments)
        assert result.exit_code == 0
        assert "show" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "culprit"),
    [
        (("none",), 1, "'none'"),
        (("none.toml",), 1, "none.toml"),
        (("lab?camera__colour=1",), 1, "camera__colour"),
        (("lab", "--seed", "-1"), 1, "seed=-1"),
        (("lab?seed=x",), 1, "seed"),
        (("lab", "-o", "file"), 1, "file"),
        ((), 2, "profile"),
    ],
)
def test_refusals(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, culprit: str
) -> None:
    (tmp_path / "file").write_text("old")
    result = run("device", "show", *arguments)
    assert result.exit_code == status
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert culprit in line
    assert result.stdout == ""
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_show_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    def stopped(_: Figure, path: Path) -> None:
        path.write_bytes(b"half")
        raise stop

    monkeypatch.setattr(show, "save_picture", stopped)
    assert run("device", "show", "ideal?device__n=8", "-o", "out").exit_code in (1, 130)
    assert not list(tmp_path.iterdir())
