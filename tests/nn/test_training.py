from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer import Typer
from typer.testing import CliRunner, Result

from nn.judging import evaluate
from nn.super_resolution import SuperResolutionModel
from nn.training import Recipe, export_weights, learning_rate, resume_or_start, train
from nn.training_cli import train_command


@pytest.fixture
def pictures() -> torch.Tensor:
    """Six smooth pictures, uint8."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(6, 3, 8, 8, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (256, 256), mode="bicubic").clamp(0, 1)
    return (smooth * 255).to(torch.uint8)


def test_step_schedule_is_the_originals() -> None:
    recipe = Recipe()
    rates = [learning_rate(recipe, epoch) for epoch in (0, 0.9, 1, 2)]
    assert rates == pytest.approx([0.01, 0.01, 0.008, 0.0064])


def test_cosine_schedule_falls_to_a_hundredth() -> None:
    recipe = Recipe(schedule="cosine", epochs=10)
    rates = [learning_rate(recipe, epoch) for epoch in (0, 5, 10)]
    assert rates == pytest.approx([0.01, (0.01 + 0.0001) / 2, 0.0001])


@pytest.mark.parametrize(
    "change", [{"epochs": 0}, {"rate": 0.0}, {"schedule": "warm"}, {"mse": 0.0}, {"mge": -1.0}]
)
def test_a_recipe_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        replace(Recipe(), **change)


def test_training_learns(pictures: torch.Tensor, tmp_path: Path) -> None:
    state = resume_or_start(Recipe(epochs=6, rate=0.005), tmp_path / "last.pt")
    history = list(train(state, pictures, pictures[:2]))
    assert [entry.epoch for entry in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1].loss < history[0].loss
    assert history[-1].validation_psnr_rgb_db > history[0].validation_psnr_rgb_db


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    pictures: torch.Tensor, tmp_path: Path
) -> None:
    recipe = Recipe(epochs=3, augment=True, mge=1.0)
    whole = resume_or_start(recipe, tmp_path / "none.pt")
    list(train(whole, pictures, pictures[:1]))

    path = tmp_path / "last.pt"
    first = resume_or_start(recipe, path)
    epochs = iter(train(first, pictures, pictures[:1]))
    next(epochs)
    first.save(path)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # in the middle of the second epoch
        next(iter(train(first, pictures, pictures[:1], on_batch=interrupt)))
    second = resume_or_start(recipe, path)
    assert len(second.history) == 1
    list(train(second, pictures, pictures[:1]))
    for mine, theirs in zip(second.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_another_recipe_or_a_broken_state_is_refused(
    pictures: torch.Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "last.pt"
    state = resume_or_start(Recipe(epochs=1), path)
    state.save(path)
    assert resume_or_start(Recipe(epochs=5), path).history == []
    with pytest.raises(ValueError, match="another recipe"):
        resume_or_start(Recipe(epochs=1, batch=8), path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="not the state of a training run"):
        resume_or_start(Recipe(epochs=1), path)


def test_feature_loss_needs_its_weights(pictures: torch.Tensor, tmp_path: Path) -> None:
    state = resume_or_start(Recipe(epochs=1, feature=1.0), tmp_path / "last.pt")
    with pytest.raises(ValueError, match="VGG-16"):
        next(iter(train(state, pictures, pictures)))


def test_a_loss_that_explodes_is_said_so(pictures: torch.Tensor, tmp_path: Path) -> None:
    state = resume_or_start(Recipe(epochs=3, rate=1e6), tmp_path / "last.pt")
    with pytest.raises(ValueError, match="lower the rate"):
        list(train(state, pictures, pictures[:1]))


def test_exported_weights_load_and_leave_no_part_behind(tmp_path: Path) -> None:
    model = SuperResolutionModel()
    export_weights(model, tmp_path / "w.safetensors", {"note": "×8"})
    SuperResolutionModel().load_state_dict(load_file(tmp_path / "w.safetensors"))
    assert json.loads((tmp_path / "w.json").read_text()) == {"note": "×8"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.json", "w.safetensors"]


def _command(*arguments: object) -> Result:
    app = Typer()
    app.command()(train_command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_command_trains_resumes_and_records_what_the_weights_reach(
    pictures: torch.Tensor, tmp_path: Path
) -> None:
    photos, test = tmp_path / "photos", tmp_path / "test"
    for folder, some in ((photos, pictures), (test, pictures[:1])):
        folder.mkdir()
        for index, picture in enumerate(some):
            Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / f"{index}.png")
    out = tmp_path / "w.safetensors"
    first = _command(photos, "--out", out, "--epochs", 1, "--test", test)
    assert first.exit_code == 0, first.output
    second = _command(photos, "--out", out, "--epochs", 2, "--test", test)
    assert "1 epochs already done" in second.output
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["epochs_finished"] == 2
    assert sum(card["data"].values()) == 6
    assert set(card["quality"]) == {"validation", "test"}
    assert str(tmp_path) not in card["command"]
    weights = SuperResolutionModel()
    weights.load_state_dict(load_file(out))
    target = pictures[0].float() / 255.0
    recorded = card["quality"]["test"]["network"]["psnr_rgb_db"]
    assert evaluate(weights.eval(), target).psnr_rgb_db == pytest.approx(recorded)


def test_command_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    result = _command(tmp_path / "none", "--out", tmp_path / "w.safetensors")
    assert result.exit_code == 2
    assert "no folder of photographs" in result.output
    assert "Traceback" not in result.output
