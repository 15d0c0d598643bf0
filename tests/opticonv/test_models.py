from __future__ import annotations

from importlib import resources

import pytest
from typer.testing import CliRunner

from nn import available_weights, model_card
from opticonv.cli import app
from opticonv.models import card_text


def test_lists_every_set_of_weights() -> None:
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0
    for name in available_weights():
        assert name in result.output


def test_shows_a_card() -> None:
    result = CliRunner().invoke(app, ["models", "original"])
    assert result.exit_code == 0
    assert "11,183 parameters" in result.output
    assert "psnr_rgb_db" in result.output


def test_refuses_an_unknown_name_and_names_the_known() -> None:
    result = CliRunner().invoke(app, ["models", "nobody"])
    assert result.exit_code == 1
    assert "original" in result.output


@pytest.mark.parametrize("name", available_weights())
def test_the_text_beside_the_weights_is_the_cards(name: str) -> None:
    shipped = (resources.files("nn") / "weights" / f"{name}.md").read_text(encoding="utf-8")
    assert shipped == card_text(name, model_card(name))
