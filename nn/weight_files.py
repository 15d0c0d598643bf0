"""Weights of a network in a safetensors file that says which network they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from nn.networks import NetworkConfig, build_network, parse_network_config

if TYPE_CHECKING:
    from nn.optics import OpticsLike

__all__ = ["load_weights", "save_weights"]

NETWORK = "network"
"""Key of the file's metadata: the network's configuration as JSON."""


def save_weights(
    path: Path | str,
    model: nn.Module,
    config: NetworkConfig,
    *,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a network's parameters and its configuration; the file is whole or not there.

    Parameters
    ----------
    path : path
        The file; replaced if it exists.
    model : torch.nn.Module
        Of `config`, electronic or optical.
    config : NetworkConfig
    dtype : torch.dtype
        Of the stored numbers; float16 halves the file and rounds to 2^-11.
    """
    path = Path(path)
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in model.state_dict().items()
    }
    # The configuration in full, so that later defaults don't change what the file means.
    written = save(tensors, {NETWORK: config.model_dump_json()})
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(written)
    os.replace(part, path)


def load_weights(
    path: Path | str, *, optical: bool = False, optics: OpticsLike = None
) -> nn.Module:
    """The network of a weights file, in eval mode, float32.

    A file that names no network is taken for the original's.

    Parameters
    ----------
    path : path
    optical, optics
        As for `nn.SuperResolutionModel`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no safetensors file, its configuration is wrong, or its tensors are another
        network's.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights file at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from error
    try:
        config = parse_network_config(json.loads(metadata.get(NETWORK, '{"form": "original"}')))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} does not say which network it holds: {error}") from error
    model = build_network(config, optical=optical, optics=optics)
    _check(tensors, model, path, config)
    model.load_state_dict(tensors)
    return model.eval()


def _check(
    tensors: dict[str, torch.Tensor], model: nn.Module, path: Path, config: NetworkConfig
) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted({*expected, *found}):
        if name not in found:
            problem = f"{name} is missing"
        elif name not in expected:
            problem = f"{name} does not belong to it"
        elif found[name] != expected[name]:
            problem = f"{name} has shape {found[name]}, not {expected[name]}"
        else:
            continue
        raise ValueError(f"{path} does not hold the {config.form!r} network: {problem}")
