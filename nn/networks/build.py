"""From a configuration to the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from nn.networks.config import (
    NetworkConfig,
    OriginalConfig,
    ResidualConfig,
    SingleConfig,
    StackedConfig,
    UNetConfig,
    ZeroInsertionConfig,
    parse_network_config,
)

if TYPE_CHECKING:
    from nn.optics import OpticsLike

__all__ = ["build_network"]


def build_network(
    config: NetworkConfig | Mapping[str, Any],
    *,
    optical: bool = False,
    optics: OpticsLike = None,
) -> nn.Module:
    """The network of a configuration, at the start of its training.

    Parameters
    ----------
    config : NetworkConfig or mapping
        A mapping goes through `parse_network_config`.
    optical, optics
        As for `nn.SuperResolutionModel`.

    Returns
    -------
    torch.nn.Module
        From (n, 3, H, W) to (n, 3, scale*H, scale*W), with ``scale`` and ``halo``.

    Raises
    ------
    pydantic.ValidationError
        A `ValueError` that names each value that is wrong, unknown or missing.
    """
    if isinstance(config, Mapping):
        config = parse_network_config(config)
    sizes = config.model_dump(exclude={"form"})
    return _network_class(config)(optical=optical, optics=optics, **sizes)


def _network_class(config: NetworkConfig) -> type[nn.Module]:
    # Imported here: the networks' modules import `nn.networks.layer`, and with it this package.
    from nn.networks.residual import ResidualModel
    from nn.networks.single import SingleUpsampleModel
    from nn.networks.unet import UNetModel
    from nn.networks.zero_insertion import ZeroInsertionModel
    from nn.super_resolution import SuperResolutionModel

    classes: dict[type[NetworkConfig], type[nn.Module]] = {
        OriginalConfig: SuperResolutionModel,
        StackedConfig: SuperResolutionModel,
        ZeroInsertionConfig: ZeroInsertionModel,
        SingleConfig: SingleUpsampleModel,
        UNetConfig: UNetModel,
        ResidualConfig: ResidualModel,
    }
    return classes[type(config)]
