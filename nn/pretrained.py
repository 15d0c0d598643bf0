"""The weights that come with the package."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from torch import nn

from nn.cards import ModelCard
from nn.weight_files import load_weights

if TYPE_CHECKING:
    from nn.optics import OpticsLike

__all__ = ["available_weights", "load_pretrained", "model_card"]

SUFFIX = ".safetensors"

FOLDER = resources.files("nn") / "weights"


def available_weights() -> tuple[str, ...]:
    """Names that `load_pretrained` and `model_card` accept."""
    names = (entry.name for entry in FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)))


def load_pretrained(
    name: str = "original", *, optical: bool = False, optics: OpticsLike = None
) -> nn.Module:
    """A network with weights that come with the package, in eval mode.

    Parameters
    ----------
    name : str
        One of `available_weights`; `model_card` says what it is.
    optical, optics
        As for `nn.SuperResolutionModel`.

    Returns
    -------
    torch.nn.Module
        From (n, 3, H, W) in [0, 1] to (n, 3, 8*H, 8*W).

    Raises
    ------
    ValueError
        If there are no weights of that name.
    """
    _check(name)
    with resources.as_file(FOLDER / f"{name}{SUFFIX}") as path:
        return load_weights(path, optical=optical, optics=optics)


def model_card(name: str) -> ModelCard:
    """What the weights of that name are; raises ValueError if there are none."""
    _check(name)
    return ModelCard.model_validate_json((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def _check(name: str) -> None:
    if name not in available_weights():
        known = ", ".join(available_weights()) or "none"
        raise ValueError(f"no weights named {name!r} come with the package; known: {known}")
