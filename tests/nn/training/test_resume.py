"""An interrupted run ends as an uninterrupted one: the same bits, wherever it was interrupted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from nn.training import FinishedRun, InterruptedRunError, StopRequest, TrainingConfig, train
from nn.training.checkpoints import CHECKPOINT

Configured = Callable[..., TrainingConfig]

OPTICAL = (
    "optics.device=emulator:lab?device__n=16", "optics.seed=3", "optics.precision=fast",
    "data.window=16", "optimiser.epochs=2",
)  # fmt: skip


class AskedToStop(Callback):
    """Asks the run to end while it makes its `step`-th step."""

    def __init__(self, step: int) -> None:
        self.request = StopRequest()
        self._step = step

    def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
        if trainer.global_step + 1 == self._step:
            self.ask()

    def ask(self) -> None:
        self.request.is_made = True


class Signalled(AskedToStop):
    """The same by a signal."""

    def ask(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


class PulledPlugError(Exception):
    """The process dies."""


class Dies(AskedToStop):
    def ask(self) -> None:
        raise PulledPlugError


def interrupted(config: TrainingConfig, folder: Path, asked: AskedToStop) -> None:
    with pytest.raises((InterruptedRunError, PulledPlugError)):
        train(config, folder, callbacks=[asked], stop=asked.request)


def same(first: Any, second: Any) -> bool:
    """Whether two nests of numbers and tensors are bit-identical."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def assert_same_end(
    first: tuple[FinishedRun, Path], second: tuple[FinishedRun, Path], *, steps: int
) -> None:
    ends = [torch.load(folder / CHECKPOINT, weights_only=True) for _, folder in (first, second)]
    assert [end["global_step"] for end in ends] == [steps, steps]
    for part in ("state_dict", "optimizer_states", "epoch"):
        assert same(ends[0][part], ends[1][part]), part
    assert same(ends[0]["opticonv"]["processes"], ends[1]["opticonv"]["processes"])
    histories = [[replace(r, seconds=0.0) for r in run.history] for run, _ in (first, second)]
    assert histories[0] == histories[1]
    assert first[0].weights.read_bytes() == second[0].weights.read_bytes()


@pytest.fixture(scope="module")
def whole_runs() -> dict[str, tuple[FinishedRun, Path]]:
    """Uninterrupted runs, each made once."""
    return {}


# Three steps an epoch: 1, 2, 4, 8 lie within one, 3 and 6 end one; 7 begins the last.
@pytest.mark.parametrize("steps", [(1,), (2, 4, 8), (3,), (6, 7)], ids=str)
def test_an_electronic_run_goes_on_exactly(
    configured: Configured, tmp_path_factory: pytest.TempPathFactory,
    whole_runs: dict[str, tuple[FinishedRun, Path]], tmp_path: Path, steps: tuple[int, ...],
) -> None:  # fmt: skip
    config = configured("loss.mge=0.5", "run.checkpoint_every_steps=2")
    if "electronic" not in whole_runs:
        folder = tmp_path_factory.mktemp("whole")
        whole_runs["electronic"] = train(config, folder), folder
    for step in steps:
        interrupted(config, tmp_path, AskedToStop(step))
    assert_same_end((train(config, tmp_path), tmp_path), whole_runs["electronic"], steps=9)


def test_a_run_that_died_goes_on_from_its_last_checkpoint(
    configured: Configured, tmp_path: Path
) -> None:
    """Death in the sixth step, after a checkpoint at the fourth."""
    config = configured("run.checkpoint_every_steps=4", "optimiser.epochs=2")
    whole = train(config, tmp_path / "whole"), tmp_path / "whole"
    interrupted(config, tmp_path / "part", Dies(6))
    kept = torch.load(tmp_path / "part" / CHECKPOINT, weights_only=True)
    assert kept["global_step"] == 4
    part = train(config, tmp_path / "part"), tmp_path / "part"
    assert_same_end(part, whole, steps=6)


def test_workers_and_bfloat16_go_on_exactly(configured: Configured, tmp_path: Path) -> None:
    config = configured(
        "optimiser.precision=bf16", "optimiser.channels_last=true", "optimiser.epochs=2",
        "network.form=residual", "network.channels=4", "network.blocks=1", "run.workers=1",
    )  # fmt: skip
    whole = train(config, tmp_path / "whole"), tmp_path / "whole"
    interrupted(config, tmp_path / "part", AskedToStop(2))
    interrupted(config, tmp_path / "part", AskedToStop(5))
    part = train(config, tmp_path / "part"), tmp_path / "part"
    assert_same_end(part, whole, steps=6)


def test_an_optical_run_goes_on_exactly(configured: Configured, tmp_path: Path) -> None:
    """Noise, drift, pilots, heaters' memory: the device's session is taken up as well."""
    config = configured(*OPTICAL)
    whole = train(config, tmp_path / "whole"), tmp_path / "whole"
    interrupted(config, tmp_path / "part", AskedToStop(2))
    interrupted(config, tmp_path / "part", AskedToStop(3))
    part = train(config, tmp_path / "part"), tmp_path / "part"
    assert_same_end(part, whole, steps=6)
    assert part[0].history[-1].device_frames > 0


def test_an_optical_run_without_its_calibration_is_refused(
    configured: Configured, tmp_path: Path
) -> None:
    config = configured(*OPTICAL)
    interrupted(config, tmp_path, AskedToStop(1))
    (tmp_path / "calibration-0.h5").unlink()
    with pytest.raises(ValueError, match=r"calibration-0\.h5 is gone"):
        train(config, tmp_path)


def test_ctrl_c_ends_after_the_step_and_leaves_the_handler_as_it_was(
    configured: Configured, tmp_path: Path
) -> None:
    config = configured("optimiser.epochs=2")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(InterruptedRunError, match=r"last\.ckpt"):
        train(config, tmp_path, callbacks=[Signalled(2)])
    assert signal.getsignal(signal.SIGINT) is before
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["global_step"] == 2


def test_more_epochs_go_on_and_a_finished_run_stays(configured: Configured, tmp_path: Path) -> None:
    first = train(configured("optimiser.epochs=1", "optimiser.schedule=step"), tmp_path)
    second = train(configured("optimiser.epochs=2", "optimiser.schedule=step"), tmp_path)
    assert second.history[0] == first.history[0]
    weights = second.weights.read_bytes()
    third = train(configured("optimiser.epochs=2", "optimiser.schedule=step"), tmp_path)
    assert third.history == second.history
    assert third.weights.read_bytes() == weights


def test_another_run_or_a_broken_checkpoint_is_refused(
    configured: Configured, tmp_path: Path
) -> None:
    config = configured("optimiser.epochs=1")
    train(config, tmp_path)
    with pytest.raises(ValueError, match=r"optimiser\.batch was 2 and is 3"):
        train(configured("optimiser.epochs=1", "optimiser.batch=3"), tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a checkpoint"):
        train(config, tmp_path)


def test_other_pictures_are_refused(configured: Configured, photos: Path, tmp_path: Path) -> None:
    config = configured("optimiser.epochs=1", "data.limit=4")
    train(config, tmp_path / "run")
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    for picture in sorted(photos.iterdir())[2:]:
        (fewer / picture.name).write_bytes(picture.read_bytes())
    with pytest.raises(ValueError, match="other pictures"):
        train(configured("optimiser.epochs=1", "data.limit=4", f"data.folder={fewer}"),
              tmp_path / "run")  # fmt: skip
