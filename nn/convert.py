"""Put a torch model's convolutions on an optical device, or take them back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from nn.functional import Gradient, Precision, Product
from nn.modules import OpticalConv1d, OpticalConv2d, OpticalLayer
from nn.optics import OpticsLike

__all__ = ["convert_to_electronic", "convert_to_optical"]

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
    parametrizations (weight normalisation and the like), training mode and state-dict keys stay.
    Layers that are optical already get the device and the options given here.  Transposed and
    three-dimensional convolutions, linear layers, and convolutions that a model calls as functions
    stay electronic.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.
    optics : Device, str or None
        See `nn.OpticalConv2d`.
    skip : str or iterable of str
        Qualified names of layers to leave electronic, or patterns of them (``"*.downsample.*"``);
        a container's name skips all within.
    gradient, precision, product
        See `nn.optical_conv2d`.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If a name in `skip` is not in the model; or if a layer is of a subclass of Conv1d or Conv2d,
        whose own behaviour would be lost (name it in `skip`), or is lazy or scripted, and cannot
        change.
    """

    def to_optical(name: str, layer: nn.Module) -> None:
        plain = type_before_parametrizations(layer)
        kind = plain if plain in ELECTRONIC else OPTICAL.get(plain)
        if kind is None:
            raise _no_plain_layer(name, layer)
        _retype(layer, kind)
        assert isinstance(layer, OpticalLayer)
        layer.set_optics(optics, gradient, precision, product)

    return _converted(model, skip, tuple(OPTICAL), to_optical)


def convert_to_electronic(model: nn.Module, skip: Iterable[str] = ()) -> nn.Module:
    """A copy of `model` whose every optical layer is torch's own again; weights are shared.

    Parameters and errors as for `convert_to_optical`.
    """

    def to_electronic(name: str, layer: nn.Module) -> None:
        kind = ELECTRONIC.get(type_before_parametrizations(layer))
        if kind is None:
            raise _no_plain_layer(name, layer)
        _retype(layer, kind)
        for optical in ("_optics", "gradient", "precision", "product"):
            del layer.__dict__[optical]

    return _converted(model, skip, tuple(ELECTRONIC), to_electronic)


def _no_plain_layer(name: str, layer: nn.Module) -> ValueError:
    name, kind = name or "the model", type(layer).__name__
    if isinstance(layer, nn.modules.lazy.LazyModuleMixin):
        return ValueError(f"{name} is a {kind}: run the model once, so that it takes its shape")
    return ValueError(
        f"{name} is a {kind}, not a plain Conv1d or Conv2d; "
        "its own behaviour would be lost: name it in skip to leave it electronic"
    )


def _retype(layer: nn.Module, kind: type[nn.Module]) -> None:
    """Make the layer one of another class; its parametrized tensors stay properties of its own."""
    if is_parametrized(layer):
        own = {k: v for k, v in vars(type(layer)).items() if k not in ("__dict__", "__weakref__")}
        kind = type(f"Parametrized{kind.__name__}", (kind,), own)
    layer.__class__ = kind


def _converted(
    model: nn.Module,
    skip: Iterable[str],
    kinds: tuple[type[nn.Module], ...],
    convert: Callable[[str, nn.Module], None],
) -> nn.Module:
    result = copy.deepcopy(model, {id(tensor): tensor for tensor in _tensors(model)})
    names = dict(result.named_modules(remove_duplicate=False))
    patterns = (skip,) if isinstance(skip, str) else tuple(skip)
    skipped: set[int] = set()
    for pattern in patterns:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise ValueError(f"skip names {pattern!r}, which is not in the model")
        for name in found:
            skipped.update(map(id, names[name].modules()))
    # What a ScriptModule was before.
    scripted = {kind.__name__ for kind in kinds}
    converted: set[int] = set()
    for name, module in names.items():
        if id(module) in skipped | converted:
            continue
        if getattr(module, "original_name", None) in scripted:
            raise ValueError(
                f"{name or 'the model'} is scripted and cannot change: convert the model before "
                "scripting, or name it in skip"
            )
        if isinstance(module, kinds):
            convert(name, module)
            converted.add(id(module))
    return result


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    """What a copy shares: parameters, buffers, and tensors that a layer keeps beside them.

    Such are weights that a hook computes (weight normalisation, pruning); they cannot be copied.
    """
    kept = [
        value
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, torch.Tensor)
    ]
    return [*model.parameters(), *model.buffers(), *kept]
