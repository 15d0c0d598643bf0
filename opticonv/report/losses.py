"""Which weights the table of losses shows, and how a loss is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nn import ModelCard

__all__ = ["loss_label", "loss_order"]

TERMS = {"mse": "MSE", "feature": "FL", "mge": "MGE"}
"""How a loss is named, by its key in a recipe."""


def loss_weights(card: ModelCard) -> dict[str, float]:
    """Weight of each loss in the training, by its key in the recipe; nought where it had none."""
    recipe: Mapping[str, Any] = card.recipe
    nested = recipe.get("loss", recipe.get("losses"))
    terms = nested if isinstance(nested, Mapping) else recipe
    return {key: float(terms.get(key) or 0.0) for key in TERMS}


def loss_label(card: ModelCard) -> str:
    """As the article writes it: “(FL, MGE) = (1, 2)”, “MSE”, “MSE + 0.5 MGE”."""
    weights = loss_weights(card)
    if weights["feature"] and not weights["mse"]:
        return f"(FL, MGE) = ({weights['feature']:g}, {weights['mge']:g})"
    parts = [
        name if weights[key] == 1 else f"{weights[key]:g} {name}"
        for key, name in TERMS.items()
        if weights[key]
    ]
    return " + ".join(parts) or card.title


def loss_order(cards: Iterable[tuple[str, ModelCard]]) -> list[str]:
    """Names of weights as the table has them: MSE and its variants, then FL, by rising MGE."""

    def place(entry: tuple[str, ModelCard]) -> tuple[bool, float, float, int, str]:
        weights = loss_weights(entry[1])
        terms = (weights["mse"] == 0, weights["mge"], weights["feature"])
        return (*terms, entry[1].parameters, entry[0])

    return [name for name, _ in sorted(cards, key=place)]
