"""The network that enlarges, with weights that ship or a file's, and what tiling asks of it."""

from __future__ import annotations

from torch import nn

from nn import available_weights, load_pretrained
from nn.weight_files import load_weights
from opticonv.errors import CommandError

__all__ = ["grain_of", "halo_of", "load_network", "scale_of"]


def load_network(weights: str) -> nn.Module:
    """The electronic network with packaged weights, or those of a .safetensors file.

    Raises
    ------
    CommandError
        There are no such weights, or the file isn't one of a network here.
    """
    if weights.endswith(".safetensors"):
        try:
            return load_weights(weights)
        except (FileNotFoundError, ValueError) as error:
            raise CommandError(str(error)) from None
    if weights not in available_weights():
        known = ", ".join(available_weights())
        raise CommandError(
            f"no weights named {weights!r}; there are {known}, or name a .safetensors file"
        )
    return load_pretrained(weights)


def scale_of(model: nn.Module) -> int:
    """How many times a network enlarges: its attribute `scale`."""
    return _whole(model, "scale", None)


def halo_of(model: nn.Module) -> int:
    """Input pixels around one that its part of the output can depend on: attribute `halo`."""
    return _whole(model, "halo", None)


def grain_of(model: nn.Module) -> int:
    """Multiples of which windows must begin at, for networks that pool: attribute `coarsest`, or 1.

    The halo of a network that has it is a multiple of it.
    """
    return _whole(model, "coarsest", 1)


def _whole(model: nn.Module, name: str, otherwise: int | None) -> int:
    value = getattr(model, name, otherwise)
    if not isinstance(value, int):
        raise TypeError(
            f"a network needs a whole number as its attribute {name!r}; {type(model).__name__} "
            f"has {value!r}"
        )
    return value
