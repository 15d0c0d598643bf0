"""Networks by name: how to build each, and the picture that it is counted on."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from nn import SuperResolutionModel, build_network
from opticonv.errors import CommandError
from opticonv.networks.alexnet import alexnet
from opticonv.networks.resnet import resnet18, resnet34, resnet34_7x7, resnet50
from opticonv.networks.unet import unet
from opticonv.networks.vgg import vgg16

__all__ = ["BUILT_IN", "CHARTED", "Network", "load_network_named", "title_of"]


@dataclass(frozen=True)
class Network:
    """A network to count.

    Attributes
    ----------
    name : str
    build : callable
        Makes the module.
    picture : (int, int, int)
        Channels, height and width of one input.
    """

    name: str
    build: Callable[[], nn.Module]
    picture: tuple[int, int, int]

    def on_meta(self) -> nn.Module:
        """The module without numbers: shapes alone, no memory, whatever its size."""
        with torch.device("meta"):
            module = self.build()
        return module.to("meta").eval()


PHOTO = (3, 32, 32)
"""What the super-resolution networks were trained to enlarge to 256×256."""

BUILT_IN = {
    network.name: network
    for network in (
        Network("alexnet", alexnet, (3, 224, 224)),
        Network("vgg16", vgg16, (3, 224, 224)),
        Network("resnet18", resnet18, (3, 224, 224)),
        Network("resnet34", resnet34, (3, 224, 224)),
        Network("resnet50", resnet50, (3, 224, 224)),
        Network("resnet34-7x7", resnet34_7x7, (3, 224, 224)),
        Network("unet", unet, (3, 256, 256)),
        Network("sr", SuperResolutionModel, PHOTO),
        *(
            Network(f"sr-{form.replace('_', '-')}", partial(build_network, {"form": form}), PHOTO)
            for form in ("zero_insertion", "single", "unet", "residual")
        ),
    )
}

CHARTED = ("alexnet", "vgg16", "resnet18", "resnet34", "resnet50", "resnet34-7x7", "unet", "sr")
"""Names of those that are counted where none is named."""

_TITLES = {
    "alexnet": "AlexNet",
    "vgg16": "VGG-16",
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "resnet34-7x7": "ResNet-34 7×7",
    "unet": "U-Net",
    "sr": "SR, ×8",
}


def title_of(name: str) -> str:
    """What papers call a network of that name; of a user's own, ``FILE.py:FACTORY``, the factory.

    >>> title_of("resnet34-7x7"), title_of("nets/mine.py:Mine"), title_of("sr-unet")
    ('ResNet-34 7×7', 'Mine', 'sr-unet')
    """
    return _TITLES.get(name, name.rpartition(":")[2])


def load_network_named(name: str, picture: tuple[int, int, int] | None = None) -> Network:
    """A built-in network, or what the factory of a Python file makes.

    Parameters
    ----------
    name : str
        A name of `BUILT_IN`, or ``FILE.py:FACTORY``: a callable without arguments (a class, too)
        that returns a `torch.nn.Module`.
    picture : (int, int, int), optional
        Channels, height and width; by default the network's own, 3×224×224 for a file's.

    Raises
    ------
    CommandError
        If there is no such network, file or factory, or it does not make a module.
    """
    if name in BUILT_IN:
        known = BUILT_IN[name]
        return Network(name, known.build, picture or known.picture)
    path, colon, factory = name.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise CommandError(
            f"{name!r} is not one of {', '.join(BUILT_IN)}, nor a factory in a file, "
            "FILE.py:FACTORY"
        )
    build = _factory(Path(path), factory)

    def checked() -> nn.Module:
        module = build()
        if not isinstance(module, nn.Module):
            raise CommandError(f"{name} makes a {type(module).__name__}, not a torch.nn.Module")
        return module

    return Network(name, checked, picture or (3, 224, 224))


def _factory(path: Path, name: str) -> Callable[[], object]:
    if not path.is_file():
        raise CommandError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"_counted_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CommandError(f"{path} does not import: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise CommandError(f"{path} has no callable named {name!r}")
    factory: Callable[[], object] = found
    return factory
