"""`opticonv macs`: what it prints, writes and draws, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from driver.spectral_macs import CONVENTIONS

Run = Callable[..., Any]

MINE = """
from torch import nn
class Mine(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 2, 1))
def number():
    return 3
"""


def test_known_networks_by_name(run: Run, tmp_path: Path) -> None:
    result = run("macs", "sr", "alexnet", "--batch", 1, "--json", "macs.json")
    assert result.exit_code == 0
    assert "29.8 M" in result.stdout
    assert "(4.13×)" in result.stdout
    assert "convention '4-real'" in result.stdout.replace("\n", " ")
    sr, alexnet = json.loads((tmp_path / "macs.json").read_text())
    assert sr["macs_per_picture"]["gemm"] == 29_798_400
    assert sum(layer["gemm"] for layer in alexnet["layers"]) == 655_566_528


def test_a_users_own_network(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    result = run("macs", "mine.py:Mine", "--picture", "1x20x30", "--layers", "--json", "macs.json")
    assert result.exit_code == 0
    (mine,) = json.loads((tmp_path / "macs.json").read_text())
    assert mine["macs_per_picture"]["gemm"] == 600 * (100 + 8)
    assert [layer["name"] for layer in mine["layers"]] == ["0", "2"]
    assert "5×5×1×4" in result.stdout
    training = run("macs", "mine.py:Mine", "--picture", "1x20x30", "--training", "--json", "t.json")
    assert training.exit_code == 0
    (mine,) = json.loads((tmp_path / "t.json").read_text())
    assert mine["macs_per_picture"]["gemm"] == 600 * (2 * 100 + 3 * 8)


def test_every_convention_beside_the_chosen_one(run: Run, tmp_path: Path) -> None:
    result = run("macs", "vgg16", "--convention", "3-real", "--conventions", "--json", "macs.json")
    assert result.exit_code == 0
    (vgg,) = json.loads((tmp_path / "macs.json").read_text())
    spectral = vgg["spectral_by_convention"]
    assert list(spectral) == list(CONVENTIONS)
    assert vgg["macs_per_picture"]["spectral"] == spectral["3-real"]
    assert spectral["3-real"] * 4 == spectral["4-real"] * 3
    assert f"{spectral['4-real'] / 1e9:.3f}" == "3.943"
    for name, ratio in (("4-real", "3.89"), ("complex", "15.57")):
        assert name in result.stdout
        assert f"({ratio}×)" in result.stdout


def test_draws_the_chart(run: Run, tmp_path: Path) -> None:
    assert run("macs", "sr", "alexnet", "--plot", "chart.png").exit_code == 0
    with Image.open(tmp_path / "chart.png") as chart:
        assert chart.width > 400
        assert len(chart.convert("RGB").getcolors(1 << 24)) > 50


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["alexnet9"], "is not one of alexnet"),
        (["none.py:Mine"], "there is no file"),
        (["mine.py:Other"], "no callable named 'Other'"),
        (["mine.py:number"], "makes a int"),
        (["mine.py:Mine", "--picture", "3x20x30"], "does not run on a 3×20×30 picture"),
        (["sr", "--picture", "20x30"], "CHANNELSxHEIGHTxWIDTH"),
        (["sr", "--plot", "none/chart.png"], "there is no folder"),
        (["broken.py:Mine"], "does not import: SyntaxError"),
    ],
)
def test_complains_in_one_line(
    arguments: list[str], complaint: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "broken.py").write_text("def")
    result = run("macs", *arguments)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
