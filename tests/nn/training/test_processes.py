"""Two processes, started as a user starts them, each with its own device."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from nn.training.checkpoints import CHECKPOINT

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


OPTICS = ("optics.device=emulator:lab?device__n=16", "optics.seed=5", "optics.precision=fast")

DEADLINE_S = 300.0
"""Minutes on a busy machine: a run that hangs takes longer than any that doesn't."""


def command_of(
    photos: Path, out: Path, values: tuple[str, ...], launcher: tuple[str, ...] = ()
) -> list[str]:
    """What a user types."""
    return [
        sys.executable, *launcher, "-m", "opticonv", "train",
        "--config", "original", "--out", str(out), f"data.folder={photos}", "data.limit=6",
        "data.validation_limit=3", "data.crops=random", "data.window=16", "optimiser.batch=2",
        "optimiser.rate=0.001", "run.threads=1", "run.pictures=0", *values,
    ]  # fmt: skip


def left_by(out: Path) -> dict[str, Any]:
    """The newest checkpoint of a run."""
    checkpoint: dict[str, Any] = torch.load(out / CHECKPOINT, weights_only=True)
    return checkpoint


def train(photos: Path, out: Path, *values: str, launcher: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run the command in processes of its own; the checkpoint that it leaves."""
    command = command_of(photos, out, values, launcher)
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    return left_by(out)


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The command as a group of processes, none of which outlives the block."""
    run = subprocess.Popen(
        command, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield run
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def age_of(path: Path) -> int | None:
    """When a file was written; None if there is none."""
    return path.stat().st_mtime_ns if path.exists() else None


def children_of(process: int) -> list[int]:
    """Processes that a process has started."""
    listed = Path(f"/proc/{process}/task/{process}/children")
    if not listed.exists():
        pytest.skip("this kernel does not list children in /proc")
    return [int(child) for child in listed.read_text().split()]


def interrupt_amid_epoch(photos: Path, out: Path, values: tuple[str, ...], *, alone: bool) -> int:
    """Start a run of two processes and interrupt it after its first step; its exit status.

    All of them are interrupted, as Ctrl-C does, or, `alone`, only the second.
    """
    often = ("run.processes=2", "run.checkpoint_every_steps=1", *values)
    before = age_of(out / CHECKPOINT)
    with started(command_of(photos, out, often)) as run:
        limit = time.monotonic() + DEADLINE_S
        while age_of(out / CHECKPOINT) == before:
            assert run.poll() is None, run.communicate()[0]
            assert time.monotonic() < limit, "no step was made"
            time.sleep(0.02)
        if alone:
            (second,) = children_of(run.pid)
            os.kill(second, signal.SIGTERM)
        else:
            os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=DEADLINE_S)
        return run.returncode


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
    whole = train(photos, tmp_path / "whole", *OPTICS, "optimiser.epochs=2", launcher=TORCHRUN)
    serials = [process["optics"]["serial"] for process in whole["opticonv"]["processes"]]
    frames = [process["optics"]["frames"] for process in whole["opticonv"]["processes"]]
    assert len(set(serials)) == 2
    assert min(frames) > 0
    train(photos, tmp_path / "part", *OPTICS, "optimiser.epochs=1", launcher=TORCHRUN)
    part = train(photos, tmp_path / "part", *OPTICS, "optimiser.epochs=2", launcher=TORCHRUN)
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, part["state_dict"][name]), name
    assert frames == [process["optics"]["frames"] for process in part["opticonv"]["processes"]]
    assert load_file(tmp_path / "part" / "weights.safetensors").keys() == whole_keys(whole)


@pytest.mark.slow
def test_two_processes_interrupted_amid_an_epoch_go_on_exactly(
    photos: Path, tmp_path: Path
) -> None:
    """By Ctrl-C, and by a signal that only one of them gets: neither waits for the other."""
    # Thirty steps an epoch: a few are made while the signal is on its way.
    values = (*OPTICS, "data.repeats=10", "optimiser.epochs=1")
    whole = train(photos, tmp_path / "whole", *values, "run.processes=2")
    assert whole["global_step"] == 30
    steps = []
    for alone in (False, True):
        status = interrupt_amid_epoch(photos, tmp_path / "part", values, alone=alone)
        assert status == 130
        steps.append(left_by(tmp_path / "part")["global_step"])
    assert 0 < steps[0] < steps[1] < 30
    part = train(photos, tmp_path / "part", *values, "run.processes=2")
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, part["state_dict"][name]), name
    sessions = [
        [process["optics"]["frames"] for process in run["opticonv"]["processes"]]
        for run in (whole, part)
    ]
    assert sessions[0] == sessions[1]


def whole_keys(checkpoint: dict[str, Any]) -> set[str]:
    """Names of the trained network's parameters."""
    return {
        name.removeprefix("network.")
        for name in checkpoint["state_dict"]
        if name.startswith("network.")
    }
