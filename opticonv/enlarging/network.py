"""The network that enlarges, with weights that ship or a file's."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from nn import SuperResolutionModel
from nn.super_resolution import available_weights
from opticonv.errors import CommandError

__all__ = ["halo_of", "load_network", "scale_of"]


def scale_of(model: nn.Module) -> int:
    """How many times a network enlarges: its attribute `scale`."""
    return _whole(model, "scale")


def halo_of(model: nn.Module) -> int:
    """Input pixels around one that its part of the output can depend on: attribute `halo`."""
    return _whole(model, "halo")


def _whole(model: nn.Module, name: str) -> int:
    value = getattr(model, name, None)
    if not isinstance(value, int):
        raise TypeError(
            f"a network needs a whole number as its attribute {name!r}; {type(model).__name__} "
            f"has {value!r}"
        )
    return value


def load_network(weights: str) -> SuperResolutionModel:
    """The electronic network with packaged weights, or those of a .safetensors file.

    Raises
    ------
    CommandError
        There are no such weights, or the file isn't one of this network's.
    """
    if not weights.endswith(".safetensors"):
        if weights not in available_weights():
            known = ", ".join(available_weights())
            raise CommandError(
                f"no weights named {weights!r}; there are {known}, or name a .safetensors file"
            )
        return SuperResolutionModel.from_pretrained(weights)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    model = SuperResolutionModel()
    if not Path(weights).is_file():
        raise CommandError(f"there is no file {weights}")
    try:
        model.load_state_dict(load_file(weights))
    except SafetensorError as error:
        raise CommandError(f"{weights} is not a sound .safetensors file: {error}") from None
    except RuntimeError:
        raise CommandError(f"{weights} does not hold the weights of this network") from None
    return model.eval()
