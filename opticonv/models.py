"""`opticonv models`: the weights that come with the package, and the card of each."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markdown import Markdown

from nn import ModelCard, available_weights, model_card
from opticonv.console import count, report_table, result_console
from opticonv.errors import CommandError

__all__ = ["card_text", "models"]


def models(
    name: Annotated[
        str | None, typer.Argument(help="Weights to show the card of; all in a table if left out.")
    ] = None,
) -> None:
    """List the weights that come with the package, or show one's model card."""
    console = result_console()
    if name is not None:
        if name not in available_weights():
            known = ", ".join(available_weights())
            raise CommandError(
                f"no weights named {name!r} come with the package; there are {known}"
            )
        console.print(Markdown(card_text(name, model_card(name))))
        return
    cards = {known: model_card(known) for known in available_weights()}
    sets = list(dict.fromkeys(set_name for card in cards.values() for set_name in card.quality))
    table = report_table("Weights: PSNR (dB, RGB) of the electronic network")
    table.add_column("name", no_wrap=True)
    table.add_column("network")
    table.add_column("parameters", justify="right")
    for set_name in sets:
        table.add_column(set_name, justify="right")
    for known, card in cards.items():
        table.add_row(
            known, card.title, count(card.parameters), *(_psnr(card, set_name) for set_name in sets)
        )
    console.print(table)


def _psnr(card: ModelCard, set_name: str) -> str:
    try:
        return f"{card.quality[set_name]['electronic']['psnr_rgb_db']:.2f}"
    except KeyError:
        return ""


def card_text(name: str, card: ModelCard) -> str:
    """A model card in Markdown: what NAME.md beside the weights holds."""
    lines = [f"# {name}", "", card.title + ".", ""]
    lines += [f"- Network: `{card.network.model_dump_json()}`, {card.parameters:,} parameters."]
    lines += [f"- Input: {card.sampling}."]
    lines += ["- Data: " + "; ".join(f"{key} {_said(card.data[key])}" for key in card.data) + "."]
    recipe = ((key, value) for key, value in card.recipe.items() if value is not None)
    lines += ["- Recipe: " + "; ".join(f"{key} {_said(value)}" for key, value in recipe) + "."]
    lines += ["", "```bash", card.command, "```", ""]
    for set_name, methods in card.quality.items():
        figures = list(dict.fromkeys(figure for row in methods.values() for figure in row))
        lines += [
            f"| {set_name} | " + " | ".join(figures) + " |",
            "|---" * (len(figures) + 1) + "|",
        ]
        for method, row in methods.items():
            cells = (f"{row[figure]:.4g}" if figure in row else "" for figure in figures)
            lines += [_row(method, *cells)]
        lines += [""]
    lines += [f"- {note}" for note in card.notes]
    return "\n".join(lines).rstrip() + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
