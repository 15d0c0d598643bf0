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
    from nn.convert import convert_to_electronic, convert_to_optical
    from nn.functional import optical_conv1d, optical_conv2d
    from nn.losses import VGGFeatureLoss, mge_loss, vgg_feature_loss
    from nn.modules import OpticalConv1d, OpticalConv2d
    from nn.probing import ProbeReport, probe
    from nn.sampling import bicubic_upsample, decimate
    from nn.super_resolution import SuperResolutionModel, UpsampleBlock
    from nn.upsample import channel_upsample2d, icnr_, pad_within

__all__ = [
    "OpticalConv1d",
    "OpticalConv2d",
    "ProbeReport",
    "SuperResolutionModel",
    "UpsampleBlock",
    "VGGFeatureLoss",
    "bicubic_upsample",
    "channel_upsample2d",
    "convert_to_electronic",
    "convert_to_optical",
    "decimate",
    "icnr_",
    "mge_loss",
    "optical_conv1d",
    "optical_conv2d",
    "pad_within",
    "probe",
    "vgg_feature_loss",
]

_HOME = {
    "OpticalConv1d": "nn.modules",
    "OpticalConv2d": "nn.modules",
    "ProbeReport": "nn.probing",
    "SuperResolutionModel": "nn.super_resolution",
    "UpsampleBlock": "nn.super_resolution",
    "VGGFeatureLoss": "nn.losses",
    "bicubic_upsample": "nn.sampling",
    "channel_upsample2d": "nn.upsample",
    "convert_to_electronic": "nn.convert",
    "convert_to_optical": "nn.convert",
    "decimate": "nn.sampling",
    "icnr_": "nn.upsample",
    "mge_loss": "nn.losses",
    "optical_conv1d": "nn.functional",
    "optical_conv2d": "nn.functional",
    "pad_within": "nn.upsample",
    "probe": "nn.probing",
    "vgg_feature_loss": "nn.losses",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
