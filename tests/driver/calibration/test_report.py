"""Verdicts, and reports on paper."""

from __future__ import annotations

import numpy as np
import pytest

from driver.calibration.__main__ import main
from driver.calibration.drawing import png_of
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
