"""What is judged: baselines, the best linear filter, networks on electronics and on light."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import nn

from driver import Device
from nn import convert_to_optical
from nn.interpolation import INTERPOLATIONS, interpolate
from nn.judging import LinearFilter
from nn.pretrained import available_weights, load_pretrained
from nn.weight_files import load_weights
from opticonv.errors import CommandError
from opticonv.options import Precision

__all__ = [
    "FAMILIES",
    "Family",
    "Method",
    "NamedNetwork",
    "baselines",
    "digest_of",
    "electronic",
    "linear_name",
    "load_networks",
    "optical",
    "optical_name",
    "parse_families",
]

Family = Literal["nearest", "bilinear", "bicubic", "lanczos3", "linear", "electronic", "optical"]

FAMILIES: tuple[Family, ...] = get_args(Family)
"""What ``--methods`` takes, in the order of the tables."""


@dataclass(frozen=True)
class Method:
    """One way to enlarge ×8.

    Attributes
    ----------
    name : str
        As the tables show it.
    kind : "baseline", "electronic" or "optical"
    enlarge : callable
        From (n, 3, H, W) in [0, 1] to (n, 3, 8H, 8W).
    weights : str or None
        Of a network: its name.
    seed : int or None
        Of an optical method: the specimen.
    """

    name: str
    kind: Literal["baseline", "electronic", "optical"]
    enlarge: Callable[[torch.Tensor], torch.Tensor]
    weights: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class NamedNetwork:
    """A network, the name that the tables call it by, and a digest of its weights."""

    name: str
    model: nn.Module
    digest: str


def parse_families(text: str | None) -> tuple[Family, ...]:
    """``nearest,bicubic,optical`` as a user writes it; None: all there are.

    Raises
    ------
    CommandError
        A name that isn't known.
    """
    if text is None:
        return FAMILIES
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    for name in wanted:
        if name not in FAMILIES:
            raise CommandError(f"no method {name!r}; there are {', '.join(FAMILIES)}")
    if not wanted:
        raise CommandError(f"--methods names none; there are {', '.join(FAMILIES)}")
    return tuple(family for family in FAMILIES if family in wanted)


def digest_of(tensors: Iterable[torch.Tensor]) -> str:
    """The first 16 hex digits of a SHA-256 over the bytes of some tensors."""
    digest = sha256()
    for tensor in tensors:
        digest.update(tensor.detach().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def load_networks(weights: Sequence[str]) -> tuple[NamedNetwork, ...]:
    """Networks by the names of packaged weights, ``FILE.safetensors`` or ``NAME=FILE``.

    Raises
    ------
    CommandError
        There are no such weights, or two have one name.
    """
    networks: list[NamedNetwork] = []
    for given in weights:
        name, _, file = given.rpartition("=")
        try:
            if file.endswith(".safetensors"):
                model = load_weights(file)
                name = name or Path(file).stem
            elif given in available_weights():
                name, model = given, load_pretrained(given)
            else:
                known = ", ".join(available_weights())
                raise CommandError(
                    f"no weights named {given!r}; there are {known}, or name a .safetensors file, "
                    "or NAME=FILE.safetensors"
                )
        except (FileNotFoundError, ValueError) as error:
            raise CommandError(str(error)) from None
        if any(network.name == name for network in networks):
            raise CommandError(f"two networks are named {name!r}; tell them apart by NAME=FILE")
        networks.append(NamedNetwork(name, model, digest_of(model.state_dict().values())))
    return tuple(networks)


def baselines(families: Sequence[Family], linear: LinearFilter | None) -> list[Method]:
    """The methods that are no network: interpolations that are wanted, and the filter if any."""
    found: list[Method] = [
        Method(kind, "baseline", partial(interpolate, kind=kind))
        for kind in INTERPOLATIONS
        if kind in families
    ]
    if linear is not None:
        found.append(Method(linear_name(linear), "baseline", linear))
    return found


def linear_name(linear: LinearFilter) -> str:
    """What the tables call a linear filter."""
    return f"linear {linear.k}×{linear.k}"


def electronic(network: NamedNetwork) -> Method:
    """A network computed by the host."""
    return Method(f"{network.name}, electronic", "electronic", network.model, network.name)


def optical_name(network: NamedNetwork) -> str:
    """What the tables call a network on light."""
    return f"{network.name}, optical"


def optical(
    network: NamedNetwork, device: Device, seed: int | None, precision: Precision
) -> Method:
    """A network whose every convolution runs on `device`."""
    model = convert_to_optical(network.model, device, precision=precision)
    return Method(optical_name(network), "optical", model, network.name, seed)
