"""Put a torch model's convolutions on an optical device, or take them back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import TypeVar

from torch import nn

from nn.functional import Gradient, Precision, Product
from nn.modules import OpticalConv1d, OpticalConv2d, OpticalLayer
from nn.optics import OpticsLike

__all__ = ["convert_to_electronic", "convert_to_optical"]

Model = TypeVar("Model", bound=nn.Module)

OPTICAL: dict[type[nn.Module], type[OpticalLayer]] = {
    nn.Conv1d: OpticalConv1d,
    nn.Conv2d: OpticalConv2d,
}
"""Which layer of torch becomes which optical one."""

ELECTRONIC = {optical: electronic for electronic, optical in OPTICAL.items()}


def convert_to_optical(
    model: nn.Module,
    optics: OpticsLike = None,
    skip: Iterable[str] = (),
    *,
    gradient: Gradient = "exact",
    precision: Precision = "balanced",
    product: Product = "electronic",
) -> nn.Module:
    """A copy of `model` whose every `Conv1d` and `Conv2d` runs on a device; weights are shared.

    The copy holds the very same parameters and buffers: training either trains both.  Hooks,
    training mode and state-dict keys stay.  Layers that are optical already change device.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.
    optics : Device, str or None
        See `nn.OpticalConv2d`.
    skip : iterable of str
        Qualified names of layers to leave electronic; a name of a container skips all within.
    gradient, precision, product
        See `nn.optical_conv2d`.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If a name in `skip` is not in the model, or a layer is of a subclass of Conv1d or Conv2d,
        whose own behaviour would be lost (name it in `skip`).
    """

    def to_optical(name: str, layer: nn.Module) -> nn.Module:
        kind = OPTICAL.get(type(layer), type(layer))
        if not issubclass(kind, OpticalLayer) or kind not in ELECTRONIC:
            raise ValueError(
                f"{name or 'the model'} is a {type(layer).__name__}, not a plain Conv1d or Conv2d; "
                "its own behaviour would be lost: name it in skip to leave it electronic"
            )
        converted = _retyped(layer, kind)
        converted.set_optics(optics, gradient, precision, product)
        return converted

    return _converted(model, skip, tuple(OPTICAL), to_optical)


def convert_to_electronic(model: nn.Module, skip: Iterable[str] = ()) -> nn.Module:
    """A copy of `model` whose every optical layer is torch's own again; weights are shared.

    Parameters and errors as for `convert_to_optical`.
    """

    def to_electronic(name: str, layer: nn.Module) -> nn.Module:
        converted = _retyped(layer, ELECTRONIC[type(layer)])  # type: ignore[index]
        for optical in ("_optics", "gradient", "precision", "product"):
            del converted.__dict__[optical]
        return converted

    return _converted(model, skip, tuple(ELECTRONIC), to_electronic)


Layer = TypeVar("Layer", bound=nn.Module)


def _retyped(layer: nn.Module, kind: type[Layer]) -> Layer:
    """The same layer (parameters, hooks, mode) as an object of another class."""
    converted = kind.__new__(kind)
    converted.__dict__.update(layer.__dict__)
    return converted


def _converted(
    model: nn.Module,
    skip: Iterable[str],
    kinds: tuple[type[nn.Module], ...],
    convert: Callable[[str, nn.Module], nn.Module],
) -> nn.Module:
    shared = [*model.parameters(), *model.buffers()]
    result = copy.deepcopy(model, {id(tensor): tensor for tensor in shared})
    names = dict(result.named_modules(remove_duplicate=False))
    skip = (skip,) if isinstance(skip, str) else tuple(skip)
    for name in skip:
        if name not in names:
            raise ValueError(f"skip names {name!r}, which is not in the model")
    replacements: dict[int, nn.Module] = {}
    for name, module in names.items():
        skipped = any(name == s or name.startswith(f"{s}.") for s in skip)
        if skipped or not isinstance(module, kinds):
            continue
        if id(module) not in replacements:
            replacements[id(module)] = convert(name, module)
        if name == "":
            return replacements[id(module)]
        parent, _, child = name.rpartition(".")
        setattr(names[parent], child, replacements[id(module)])
    return result
