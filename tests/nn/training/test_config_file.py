from __future__ import annotations

from pathlib import Path

import pytest

from nn.training.config_file import ConfigError, config_names, differences, load_config

SHIPPED = (
    "feature_mge",
    "optical_finetune",
    "optical_scratch",
    "original",
    "original_distilled",
    "original_long",
    "strong",
)


def test_the_configurations_that_ship_are_sound() -> None:
    assert config_names() == SHIPPED
    for name in SHIPPED:
        assert load_config(name).run.title


def test_the_originals_recipe_is_the_originals() -> None:
    config = load_config("original")
    assert config.network.form == "original"
    assert (config.optimiser.batch, config.optimiser.epochs) == (4, 15)
    assert (config.optimiser.rate, config.optimiser.schedule) == (0.01, "step")
    assert config.optimiser.step_factor == 0.8
    assert (config.loss.mse, config.loss.mge, config.loss.feature) == (1.0, 0.0, 0.0)
    assert (config.data.crops, config.data.flips, config.data.window) == ("centre", False, 256)
    assert (config.optimiser.ema, config.optimiser.weight_decay) == (0.0, 0.0)


def test_single_values_are_overridden() -> None:
    config = load_config(
        "original",
        ["optimiser.rate=0.5", "data.folder=some/where", "data.short_sides=[256, 300]",
         "optics.device=emulator:lab?seed=3", "data.flips=true"],
    )  # fmt: skip
    assert config.optimiser.rate == 0.5
    assert config.data.folder == Path("some/where")
    assert config.data.short_sides == (256, 300)
    assert config.optics.device == "emulator:lab?seed=3"
    assert config.data.flips


def test_another_form_takes_no_sizes_of_the_one_before() -> None:
    config = load_config("strong", ["network.form=single", "network.depth=8"])
    assert config.network.model_dump()["depth"] == 8


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimiser.rate=-1", "optimiser.rate=-1.*greater than 0"),
        ("optimiser.epochs=0", "optimiser.epochs=0"),
        ("optimiser.epochs=1.5", "optimiser.epochs=1.5"),
        ("optimiser.schedule=warm", "optimiser.schedule='warm'.*'step'"),
        ("optimiser.warmup_epochs=99.0", "warmup_epochs must not be more"),
        ("loss.mse=0.0", "must not all be zero"),
        ("loss.mge=-1.0", "loss.mge"),
        ("loss.feature=1.0", "set loss.vgg"),
        ("loss.distillation=1.0", "must be given together"),
        ("data.window=100", "multiple of 8"),
        ("data.repeats=2", "same crop"),
        ("network.form=huge", "network"),
        ("run.processes=3", "multiple of run.processes"),
        ("data.colour=red", "data.colour is not a key"),
        ("colour=red", "not section.key=value"),
        ("data.folder", "not section.key=value"),
    ],
)
def test_what_makes_no_sense_is_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config("original", [override])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are feature_mge"):
        load_config("nothing")
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path / "none.toml")
    file = tmp_path / "mine.toml"
    file.write_text("[data\n")
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(file)
    file.write_text("data = 3\n")
    with pytest.raises(ConfigError, match="must be a section"):
        load_config(file)
    file.write_text("[loss]\nmse = 1.0\n")
    with pytest.raises(ConfigError, match="data is missing"):
        load_config(file)


def test_what_may_change_in_a_resumed_run_is_no_difference() -> None:
    kept = load_config("original")
    longer = load_config("original", ["optimiser.epochs=30", "data.folder=moved", "run.workers=2"])
    assert differences(kept, longer) == []
    other = load_config("original", ["optimiser.batch=8", "network.form=single"])
    found = differences(kept, other)
    assert "optimiser.batch was 4 and is 8" in found
    assert any(line.startswith("network.form was 'original'") for line in found)
