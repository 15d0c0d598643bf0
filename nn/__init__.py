"""Neural networks on an optical computer: layers, conversion, and the ×8 super-resolution network.

>>> from nn import OpticalConv2d, SuperResolutionModel
>>> layer = OpticalConv2d(4, 16, 3, padding=1, padding_mode="replicate", optics="emulator:lab")
>>> model = SuperResolutionModel.from_pretrained("original", optical=True)

Names are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nn.cards import ModelCard
    from nn.convert import convert_to_electronic, convert_to_optical
    from nn.functional import optical_conv1d, optical_conv2d
    from nn.losses import VGGFeatureLoss, mge_loss, vgg_feature_loss
    from nn.modules import OpticalConv1d, OpticalConv2d
    from nn.networks import NetworkConfig, build_network
    from nn.pretrained import available_weights, load_pretrained, model_card
    from nn.probing import ProbeReport, probe
    from nn.sampling import bicubic_upsample, decimate
    from nn.super_resolution import SuperResolutionModel, UpsampleBlock
    from nn.upsample import channel_upsample2d, icnr_, pad_within
    from nn.weight_files import load_weights, save_weights

__all__ = [
    "ModelCard",
    "NetworkConfig",
    "OpticalConv1d",
    "OpticalConv2d",
    "ProbeReport",
    "SuperResolutionModel",
    "UpsampleBlock",
    "VGGFeatureLoss",
    "available_weights",
    "bicubic_upsample",
    "build_network",
    "channel_upsample2d",
    "convert_to_electronic",
    "convert_to_optical",
    "decimate",
    "icnr_",
    "load_pretrained",
    "load_weights",
    "mge_loss",
    "model_card",
    "optical_conv1d",
    "optical_conv2d",
    "pad_within",
    "probe",
    "save_weights",
    "vgg_feature_loss",
]

_HOME = {
    "ModelCard": "nn.cards",
    "NetworkConfig": "nn.networks",
    "OpticalConv1d": "nn.modules",
    "OpticalConv2d": "nn.modules",
    "ProbeReport": "nn.probing",
    "SuperResolutionModel": "nn.super_resolution",
    "UpsampleBlock": "nn.super_resolution",
    "VGGFeatureLoss": "nn.losses",
    "available_weights": "nn.pretrained",
    "bicubic_upsample": "nn.sampling",
    "build_network": "nn.networks",
    "channel_upsample2d": "nn.upsample",
    "convert_to_electronic": "nn.convert",
    "convert_to_optical": "nn.convert",
    "decimate": "nn.sampling",
    "icnr_": "nn.upsample",
    "load_pretrained": "nn.pretrained",
    "load_weights": "nn.weight_files",
    "mge_loss": "nn.losses",
    "model_card": "nn.pretrained",
    "optical_conv1d": "nn.functional",
    "optical_conv2d": "nn.functional",
    "pad_within": "nn.upsample",
    "probe": "nn.probing",
    "save_weights": "nn.weight_files",
    "vgg_feature_loss": "nn.losses",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
