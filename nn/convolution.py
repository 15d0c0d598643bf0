"""One convolution on a device: its options in normal form, and the call itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from nn.optics import OpticalDevice

__all__ = ["ConvolutionOptions", "convolve_on_device", "pad"]


@dataclass(frozen=True)
class ConvolutionOptions:
    """Options of one convolution; pairs are (vertical, horizontal)."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    padding_mode: str
    precision: str


def pad(input: torch.Tensor, pads: tuple[int, int, int, int], mode: str) -> torch.Tensor:
    """Pad by (left, right, top, bottom) pixels; `mode` in the words of `torch.nn.Conv2d`."""
    return functional.pad(input, pads, mode="constant" if mode == "zeros" else mode)


def convolve_on_device(
    input: torch.Tensor, weight: torch.Tensor, device: OpticalDevice, options: ConvolutionOptions
) -> torch.Tensor:
    """Convolve (n, C, H, W) with (K, C/groups, kh, kw) on the device, in float32 on the CPU.

    Returns
    -------
    torch.Tensor, shape (n, K, H', W'), dtype and place of `input`, without gradient
    """
    output = device.convolve2d(
        input.detach().to("cpu", torch.float32).contiguous(),
        weight.detach().to("cpu", torch.float32).contiguous(),
        stride=options.stride,
        padding=options.padding,
        dilation=options.dilation,
        groups=options.groups,
        padding_mode=options.padding_mode,
        precision=options.precision,
    )
    return output.to(input.device, input.dtype)
