from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nn.data import load_photos
from nn.judging import evaluate
from nn.pretrained import load_pretrained
from nn.training import TrainingConfig, train
from nn.training.lit_module import DivergedError
from nn.weight_files import load_weights

Configured = Callable[..., TrainingConfig]


def test_training_learns_and_leaves_what_it_should(configured: Configured, tmp_path: Path) -> None:
    config = configured(
        "data.window=128", "data.validation_limit=5", "optimiser.epochs=6",
        "optimiser.schedule=constant", "optimiser.rate=0.002",
    )  # fmt: skip
    run = train(config, tmp_path, command="opticonv train")
    losses = [record.loss for record in run.history]
    assert [record.epoch for record in run.history] == [1, 2, 3, 4, 5, 6]
    assert losses[-1] < losses[0]
    assert run.history[-1].validation_psnr_rgb_db > run.history[0].validation_psnr_rgb_db
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"last.ckpt", "log", "weights.json", "weights.safetensors"}


def test_the_card_says_what_the_weights_are_and_reach(
    configured: Configured, photos: Path, tmp_path: Path
) -> None:
    test = tmp_path / "Set1"
    test.mkdir()
    (test / "one.png").write_bytes((photos / "00.png").read_bytes())
    config = configured("optimiser.epochs=2", f"data.test=['{test}']", "run.title=A trial")
    run = train(config, tmp_path / "run", command="opticonv train --config original_long")
    card = json.loads(run.weights.with_suffix(".json").read_text())
    assert run.card is not None
    assert card == run.card.model_dump(mode="json")
    assert card["title"] == "A trial"
    assert card["parameters"] == 11183
    assert card["command"] == "opticonv train --config original_long"
    assert card["data"] == {"training_pictures": 6, "validation_pictures": 1, "left_out": 0}
    assert card["recipe"]["epochs_finished"] == 2
    best = max(run.history, key=lambda record: record.validation_psnr_rgb_db)
    assert card["recipe"]["exported"]["epoch"] == best.epoch
    assert str(tmp_path) not in json.dumps(card)
    assert set(card["quality"]) == {"validation", "Set1"}
    target = load_photos(photos, "validation", limit=1).pictures[0].float() / 255
    measured = evaluate(load_weights(run.weights), target).psnr_rgb_db
    assert card["quality"]["validation"]["electronic"]["psnr_rgb_db"] == pytest.approx(measured)
    # Validation does not round to 8 bits: that moves the error by 1/12 LSB^2, 1e-6 of the peak.
    assert best.validation_psnr_rgb_db == pytest.approx(measured, abs=0.05)


def test_a_loss_that_is_not_about_psnr_keeps_its_newest_weights(
    configured: Configured, tmp_path: Path
) -> None:
    # The gradient error alone says nothing of a picture's level, and a rate this high is unsteady:
    # the PSNR of three epochs falls and rises. Whichever is highest, the last is kept.
    changes = ("loss.mse=0.0", "loss.mge=1.0", "optimiser.rate=0.05", "optimiser.epochs=3")
    run = train(configured(*changes), tmp_path)
    assert run.card is not None
    kept = run.card.recipe["exported"]
    assert kept["epoch"] == 3
    best = max(run.history, key=lambda record: record.validation_psnr_rgb_db)
    assert best.epoch != 3, "the highest PSNR came last: this run cannot tell the two rules apart"


def test_the_log_has_terms_rate_psnr_and_pictures(configured: Configured, tmp_path: Path) -> None:
    config = configured(
        "optimiser.epochs=2", "loss.mge=1.0", "run.log_every_steps=1", "run.pictures=1"
    )
    run = train(config, tmp_path)
    log = EventAccumulator(str(tmp_path / "log")).Reload()
    scalars = {"loss", "loss/mse", "loss/mge", "rate", "validation/psnr_rgb_db"}
    assert scalars <= set(log.Tags()["scalars"])
    assert [event.step for event in log.Scalars("loss")] == [1, 2, 3, 4, 5, 6]
    terms = run.history[-1].terms
    assert run.history[-1].loss == pytest.approx(terms["mse"] + terms["mge"])
    logged = [event.value for event in log.Scalars("loss/mse")][-3:]
    assert terms["mse"] == pytest.approx(sum(logged) / 3)
    assert [event.step for event in log.Images("input, output, truth")] == [3, 6]
    picture = log.Images("input, output, truth")[0]
    assert (picture.width, picture.height) == (3 * 256, 256)


def test_fine_tuning_begins_at_the_given_weights(configured: Configured, tmp_path: Path) -> None:
    config = configured(
        "run.start=original", "optimiser.epochs=1", "optimiser.rate=1e-12", "optimiser.ema=0.0"
    )
    run = train(config, tmp_path)
    tuned, shipped = load_weights(run.weights), load_pretrained("original")
    for mine, theirs in zip(tuned.parameters(), shipped.parameters(), strict=True):
        # Three steps of Adam move a weight by at most 3e-12, below float32's resolution of most.
        assert torch.allclose(mine, theirs, rtol=0, atol=1e-11)


def test_optical_fine_tuning_of_an_electronic_run(configured: Configured, tmp_path: Path) -> None:
    electronic = train(configured("optimiser.epochs=1"), tmp_path / "electronic")
    config = configured(
        f"run.start={electronic.weights}", "optics.device=emulator:ideal?device__n=16",
        "optimiser.epochs=1", "optimiser.rate=1e-12", "data.window=16",
    )  # fmt: skip
    optical = train(config, tmp_path / "optical")
    assert optical.card is not None
    assert set(optical.card.quality["validation"]) == {"optical", "electronic", "bicubic"}
    assert optical.history[-1].device_frames > 0
    # An ideal device convolves to 1e-5: the same weights are as good on it.
    assert optical.history[-1].validation_psnr_rgb_db == pytest.approx(
        electronic.history[-1].validation_psnr_rgb_db, abs=1e-2
    )


@pytest.mark.parametrize("gradient", ["exact", "optical", "twin"])
def test_the_device_is_in_the_loop_with_each_gradient(
    configured: Configured, tmp_path: Path, gradient: str
) -> None:
    config = configured(
        "optics.device=emulator:lab?device__n=16", "optics.seed=3", "optics.precision=fast",
        f"optics.gradient={gradient}", "data.window=16", "data.limit=2", "optimiser.epochs=2",
        "network.form=single", "network.depth=4", "network.length=1",
    )  # fmt: skip
    run = train(config, tmp_path)
    frames = [record.device_frames for record in run.history]
    assert 0 < frames[0] < frames[1]
    assert run.card is not None
    assert run.card.recipe["optics"]["gradient"] == gradient


def test_weights_of_another_network_are_refused(configured: Configured, tmp_path: Path) -> None:
    config = configured("run.start=original", "network.form=single")
    with pytest.raises(ValueError, match="another network"):
        train(config, tmp_path)


def test_a_loss_that_explodes_is_said_so(configured: Configured, tmp_path: Path) -> None:
    config = configured(
        "optimiser.rate=1e12", "optimiser.schedule=constant", "optimiser.warmup_epochs=0.0"
    )
    with pytest.raises(DivergedError, match=r"lower optimiser\.rate"):
        train(config, tmp_path)


def test_clipping_bounds_the_gradient(configured: Configured, tmp_path: Path) -> None:
    """Adam forgets the gradient's size but for its epsilon: a tiny bound shows as tiny steps."""
    values = ("optimiser.epochs=1", "optimiser.schedule=constant", "optimiser.ema=0.0",
              "optimiser.warmup_epochs=0.0", "optimiser.rate=0.001")  # fmt: skip
    free = load_weights(train(configured(*values, "optimiser.clip=5.0"), tmp_path / "a").weights)
    bound = load_weights(train(configured(*values, "optimiser.clip=1e-12"), tmp_path / "b").weights)
    start = load_weights(train(configured(*values, "optimiser.rate=1e-12"), tmp_path / "c").weights)

    def moved(model: torch.nn.Module) -> float:
        pairs = zip(model.parameters(), start.parameters(), strict=True)
        return max(float((mine - theirs).detach().abs().max()) for mine, theirs in pairs)

    # With |g| <= 1e-12 and epsilon 1e-8 a step is at most 1e-4 of the rate; else about the rate.
    assert moved(bound) < 1e-6
    assert moved(free) > 1e-4
