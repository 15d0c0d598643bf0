"""One photograph reduced and enlarged in every way, with its figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from nn import bicubic_upsample, decimate
from nn.judging import Quality, psnr
from opticonv.demo.samples import Photo
from opticonv.enlarging import SCALE, enlarge
from opticonv.enlarging.matching import matched_picture
from opticonv.metering import Convolution, Cost, MeteredDevice

__all__ = ["Enlargements", "Trial", "run_large", "run_trial"]


@dataclass(frozen=True)
class Enlargements:
    """A picture and its enlargements ×8: uint8, (3, H, W) and (3, 8H, 8W).

    `matched` is the optical one with the small picture's distribution of each colour.
    """

    small: torch.Tensor
    bicubic: torch.Tensor
    electronic: torch.Tensor
    optical: torch.Tensor
    matched: torch.Tensor


@dataclass(frozen=True)
class Trial:
    """What became of one photograph.

    `quality` is by method and against `truth`; both are None where nobody knows the truth.
    """

    name: str
    truth: torch.Tensor | None
    pictures: Enlargements
    quality: dict[str, Quality] | None
    optical_vs_electronic_db: float
    convolutions: Sequence[Convolution]
    cost: Cost
    electronic_time_s: float


def run_trial(photo: Photo, network: nn.Module, optical: nn.Module, meter: MeteredDevice) -> Trial:
    """Reduce a 256² photograph to 32² and enlarge that.

    Parameters
    ----------
    photo : Photo
    network, optical : torch.nn.Module
        The same network on electronics and on `meter`.
    meter : MeteredDevice
    """
    trial = run_large(photo.name, decimate(photo.picture, SCALE), network, optical, meter)
    truth = photo.picture.float() / 255.0
    quality = {
        method: Quality.between(getattr(trial.pictures, method).float() / 255.0, truth)
        for method in ("bicubic", "electronic", "optical", "matched")
    }
    return Trial(**{**vars(trial), "truth": photo.picture, "quality": quality})


def run_large(
    name: str, small: torch.Tensor, network: nn.Module, optical: nn.Module, meter: MeteredDevice
) -> Trial:
    """Enlarge a picture (3, H, W), uint8, whose truth is not known; see `run_trial`."""
    begin = time.perf_counter()
    electronic = enlarge(network, small)
    electronic_time_s = time.perf_counter() - begin
    meter.start()
    by_light = enlarge(optical, small)
    cost = meter.cost()
    smooth = bicubic_upsample(small.float() / 255.0, SCALE)
    bicubic = (smooth.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
    return Trial(
        name=name,
        truth=None,
        pictures=Enlargements(small, bicubic, electronic, by_light, _matched(by_light, small)),
        quality=None,
        optical_vs_electronic_db=psnr(by_light.float() / 255.0, electronic.float() / 255.0),
        convolutions=tuple(meter.convolutions),
        cost=cost,
        electronic_time_s=electronic_time_s,
    )


def _matched(large: torch.Tensor, small: torch.Tensor) -> torch.Tensor:
    planes = (picture.permute(1, 2, 0).numpy() for picture in (large, small))
    return torch.from_numpy(matched_picture(*planes)).permute(2, 0, 1).contiguous()
