from __future__ import annotations

import pytest

from nn import ModelCard, available_weights, model_card
from opticonv.report.losses import loss_label, loss_order


def card(parameters: int = 11183, **recipe: object) -> ModelCard:
    known = model_card("original").model_dump()
    return ModelCard.model_validate({**known, "recipe": recipe, "parameters": parameters})


@pytest.mark.parametrize(
    ("recipe", "label"),
    [
        ({"mse": 1.0, "mge": 0.0, "feature": 0.0}, "MSE"),
        ({"mse": 1.0, "mge": 1.0}, "MSE + MGE"),
        ({"mse": 1, "mge": 0.5}, "MSE + 0.5 MGE"),
        ({"mse": 0.0, "feature": 1.0, "mge": 0.0}, "(FL, MGE) = (1, 0)"),
        ({"feature": 1.0, "mge": 3.0}, "(FL, MGE) = (1, 3)"),
        ({"loss": {"feature": 1, "mge": 2}}, "(FL, MGE) = (1, 2)"),
    ],
)
def test_a_loss_is_written_as_in_the_article(recipe: dict[str, object], label: str) -> None:
    assert loss_label(card(**recipe)) == label


def test_a_recipe_without_known_losses_goes_by_its_title() -> None:
    assert loss_label(card(epochs=3)) == model_card("original").title


def test_mse_comes_first_and_then_features_with_more_and_more_gradient() -> None:
    cards = {
        "fl2": card(feature=1, mge=2),
        "strong": card(parameters=10**6, mse=1),
        "fl0": card(feature=1, mge=0),
        "mge": card(mse=1, mge=1),
        "mse": card(mse=1),
    }
    assert loss_order(cards.items()) == ["mse", "strong", "mge", "fl0", "fl2"]


def test_the_shipped_weights_are_told_apart_by_their_losses() -> None:
    names = loss_order((name, model_card(name)) for name in available_weights())
    assert [(name, loss_label(model_card(name))) for name in names] == [
        ("original", "MSE"),
        ("strong", "MSE"),
        ("original-mse1-fl5", "MSE + 5 FL"),
        ("original-mge", "MSE + 10 MGE"),
        ("original-fl1-mge0", "(FL, MGE) = (1, 0)"),
        ("original-fl1-mge1", "(FL, MGE) = (1, 1)"),
        ("original-fl1-mge2", "(FL, MGE) = (1, 2)"),
        ("original-fl1-mge3", "(FL, MGE) = (1, 3)"),
    ]
