"""Convolution layers on analogue accelerators of others, with their noise on: peers of `layer.py`.

Neither kit is a dependency, since both ask for a torch of their own; each is used where it can be
imported:

    pip install --no-deps aihwkit-lightning    # crossbars in torch operations
    pip install --no-deps aihwkit              # the same kit's parent; its torch tiles

Both multiply matrices: a convolution is unfolded, its inputs are rounded to 7 or 8 bits, products
get noise, and the sums are rounded to 8 bits.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch

__all__ = ["analogue_layers"]


def _lightning(channels: int, kernel: int) -> torch.nn.Module:
    """Converters of 8 bits, noise on weights and sums; there is noise in training mode alone."""
    nn = importlib.import_module("aihwkit_lightning.nn")
    configs = importlib.import_module("aihwkit_lightning.simulator.configs")
    config = configs.TorchInferenceRPUConfig()
    config.pre_post.input_range.enable = True
    config.pre_post.input_range.init_from_data = 0
    config.pre_post.input_range.init_value = 1.0  # the largest input
    config.forward.inp_res = config.forward.out_res = 2**8 - 2
    config.forward.out_bound = 12.0
    config.forward.out_noise = 0.04
    config.modifier.noise_type = configs.WeightNoiseInjectionType.ADD_NORMAL_PER_CHANNEL
    config.modifier.std_dev = 0.02
    return nn.AnalogConv2d(
        channels, channels, kernel, padding=kernel // 2, bias=False, rpu_config=config
    ).train()


def _aihwkit(channels: int, kernel: int) -> torch.nn.Module:
    """Its converters and noise by default: 7 and 8 bits, 0.06 on sums."""
    nn = importlib.import_module("aihwkit.nn")
    configs = importlib.import_module("aihwkit.simulator.configs")
    return nn.AnalogConv2d(
        channels,
        channels,
        kernel,
        padding=kernel // 2,
        bias=False,
        rpu_config=configs.TorchInferenceRPUConfig(),
    )


KITS = {"aihwkit-lightning, with noise": _lightning, "aihwkit, torch tiles, with noise": _aihwkit}


def analogue_layers(
    channels: int, kernel: int, weight: torch.Tensor | None = None
) -> dict[str, torch.nn.Module]:
    """A layer of each kit that can be imported, of the given weight if there is one."""
    layers: dict[str, Any] = {}
    for name, make in KITS.items():
        try:
            layers[name] = make(channels, kernel)
        except ImportError:
            continue
        if weight is not None:
            flat = weight if "lightning" in name else weight.reshape(channels, -1)
            layers[name].set_weights(flat)
    return layers
