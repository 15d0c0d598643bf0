"""Two processes, started as a user starts them, each with its own device."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from nn.training.checkpoints import CHECKPOINT

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def train(photos: Path, out: Path, *values: str, launcher: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run the command in processes of its own; the checkpoint that it leaves."""
    command = [
        sys.executable, *launcher, "-m", "opticonv", "train",
        "--config", "original", "--out", str(out), f"data.folder={photos}", "data.limit=6",
        "data.validation_limit=3", "data.crops=random", "data.window=16", "optimiser.batch=2",
        "optimiser.rate=0.001", "run.threads=1", "run.pictures=0", *values,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    checkpoint: dict[str, Any] = torch.load(out / CHECKPOINT, weights_only=True)
    return checkpoint


@pytest.mark.slow
def test_two_processes_train_what_one_does(photos: Path, tmp_path: Path) -> None:
    """Each takes half of every batch, and the mean of their gradients is the batch's."""
    one = train(photos, tmp_path / "one", "optimiser.epochs=2")
    two = train(photos, tmp_path / "two", "optimiser.epochs=2", "run.processes=2")
    assert one["global_step"] == two["global_step"] == 6
    for name, value in one["state_dict"].items():
        # Sums in another order: float32's 6e-8 of a gradient, which Adam divides by its size,
        # in six steps of 1e-3. A wrong share would move weights by about 1e-3.
        assert torch.allclose(value, two["state_dict"][name], rtol=0, atol=2e-5), name
    records = [end["opticonv"]["history"][-1] for end in (one, two)]
    assert records[0]["loss"] == pytest.approx(records[1]["loss"], rel=1e-3)
    psnr = "validation_psnr_rgb_db"
    assert records[0][psnr] == pytest.approx(records[1][psnr], abs=1e-2)


@pytest.mark.slow
def test_two_processes_with_a_device_each_go_on_exactly(photos: Path, tmp_path: Path) -> None:
    optics = ("optics.device=emulator:lab?device__n=16", "optics.seed=5", "optics.precision=fast")
    whole = train(photos, tmp_path / "whole", *optics, "optimiser.epochs=2", launcher=TORCHRUN)
    serials = [process["optics"]["serial"] for process in whole["opticonv"]["processes"]]
    frames = [process["optics"]["frames"] for process in whole["opticonv"]["processes"]]
    assert len(set(serials)) == 2
    assert min(frames) > 0
    train(photos, tmp_path / "part", *optics, "optimiser.epochs=1", launcher=TORCHRUN)
    part = train(photos, tmp_path / "part", *optics, "optimiser.epochs=2", launcher=TORCHRUN)
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, part["state_dict"][name]), name
    assert frames == [process["optics"]["frames"] for process in part["opticonv"]["processes"]]
    assert load_file(tmp_path / "part" / "weights.safetensors").keys() == whole_keys(whole)


def whole_keys(checkpoint: dict[str, Any]) -> set[str]:
    """Names of the trained network's parameters."""
    return {
        name.removeprefix("network.")
        for name in checkpoint["state_dict"]
        if name.startswith("network.")
    }
