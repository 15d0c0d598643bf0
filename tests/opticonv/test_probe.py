"""`opticonv probe`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from opticonv.specimens import photograph_batch

Run = Callable[..., Any]

MINE = """
from torch import nn
def mine():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 3))
def none():
    return nn.ReLU()
"""


def test_a_users_network_on_a_users_picture(run: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    done = run(
        "probe", "mine.py:mine", photo, "--device", "emulator:ideal", "--picture", "1x12x14",
        "--json", "probe.json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "hurts most" in done.stdout
    report = json.loads((tmp_path / "probe.json").read_text())
    assert [layer["name"] for layer in report["layers"]] == ["0", "2"]
    assert report["layers"][0]["gemm_macs"] == 2 * 9 * 10 * 12
    assert report["error"] < 1e-4


def test_a_network_without_convolutions_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    done = run("probe", "mine.py:none", "--device", "emulator:ideal")
    assert done.exit_code == 1
    assert "no optical layer" in done.stderr


def test_pictures_are_cropped_and_resized(photo: Path) -> None:
    batch = photograph_batch([photo, photo], (3, 8, 8))
    assert batch.shape == (2, 3, 8, 8)
    assert 0 <= batch.min() < batch.max() <= 1
    grey = photograph_batch([], (5, 20, 30))
    assert grey.shape == (1, 5, 20, 30)
    assert torch.equal(grey[:, 0], grey[:, 4])
