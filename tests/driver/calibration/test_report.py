"""Verdicts, and reports on paper."""

from __future__ import annotations

import numpy as np
import pytest

from driver.calibration import __main__ as calibration_script
from driver.calibration.__main__ import main
from driver.calibration.drawing import _mean_and_scatter, png_of
from driver.calibration.report import Check, Histogram, Line, Panel, Picture, judged


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.5, "pass"), (1.0, "pass"), (1.5, "degraded"), (2.5, "failed"), (float("nan"), "failed")],
)
def test_a_check_has_two_limits(value, verdict):
    assert Check("error", value, 1.0, 2.0, "%").verdict == verdict


def test_the_worst_check_decides_and_says_why():
    fine, odd, bad = (Check(name, v, 1, 2) for name, v in (("a", 0.5), ("b", 1.5), ("c", 3.0)))
    assert judged([fine, odd]) == ("degraded", "b 1.5 (at most 1)")
    assert judged([fine, odd, bad]) == ("failed", "c 3 (at most 2)")
    assert judged([fine])[0] == "pass"


def test_every_kind_of_plot_is_drawn():
    x = np.linspace(0, 1, 5)
    plots = (
        Panel("p", "x", "y", (Line("a", x, x), Line("b", x, x, 0.1 * x, points=True)), log=True),
        Picture("i", np.eye(4), "DN"),
        Picture("flat", np.ones((4, 4)), "rad", cyclic=True),
        Histogram("h", "x", (("a", x), ("b", np.zeros(3)))),
    )
    assert png_of(plots).startswith(b"\x89PNG")


def test_routines_are_scripts(capsys, tmp_path):
    uri = "emulator:lab?device__n=16"
    assert main(["flat", uri, "--seed", "3", "--plot", str(tmp_path / "flat.png")]) == 0
    printed = capsys.readouterr().out
    assert "beam waist" in printed
    assert (tmp_path / "flat.png").read_bytes().startswith(b"\x89PNG")
    assert main(["flat", "emulator:nothing"]) == 1


def test_a_plot_that_cannot_be_written_is_said_before_any_frame(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(calibration_script, "open_device", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(SystemExit):
        main(["flat", "--plot", str(tmp_path / "no" / "flat.png")])
    assert "there is no folder" in capsys.readouterr().err


def test_a_plot_that_is_a_folder_is_said_after_the_values(capsys, tmp_path):
    assert main(["dark", "emulator:lab?device__n=8", "--plot", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "black level" in printed.out
    assert "--plot" in printed.err


def test_means_are_rounded_to_their_scatter():
    values = np.array([-1.0, 1.0, 1e-14, 0.0])
    assert _mean_and_scatter(values) == "0 ± 0.71"
    assert _mean_and_scatter(854 + 190 * np.array([-1.0, 1.0])) == "854 ± 190"
    assert _mean_and_scatter(np.full(3, 2.5)) == "2.5 ± 0"
