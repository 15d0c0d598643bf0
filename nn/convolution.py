"""One convolution on a device: its options in normal form, and the call itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from nn.operator import convolution

__all__ = ["ConvolutionOptions", "convolve_exactly", "convolve_on_device", "pad"]


@dataclass(frozen=True)
class ConvolutionOptions:
    """Options of one convolution; pairs are (vertical, horizontal)."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    padding_mode: str
    precision: str
    """In a word: `nn.precisions`."""
    product: str = "electronic"


def pad(input: torch.Tensor, pads: tuple[int, int, int, int], mode: str) -> torch.Tensor:
    """Pad by (left, right, top, bottom) pixels; `mode` in the words of `torch.nn.Conv2d`."""
    return functional.pad(input, pads, mode="constant" if mode == "zeros" else mode)


def convolve_on_device(
    input: torch.Tensor, weight: torch.Tensor, device_number: int, options: ConvolutionOptions
) -> torch.Tensor:
    """Convolve on the device of that number, in float32 on the CPU.

    Parameters
    ----------
    input : torch.Tensor, shape (n, C, H, W), floating point
    weight : torch.Tensor, shape (K, C/groups, kh, kw)
    device_number : int
        From `nn.optics.device_number`.
    options : ConvolutionOptions

    Returns
    -------
    torch.Tensor, shape (n, K, H', W'), dtype and place of `input`, without gradient
    """
    return convolution(
        input,
        weight,
        options.stride,
        options.padding,
        options.dilation,
        options.groups,
        options.padding_mode,
        options.precision,
        options.product,
        "exact",
        device_number,
    )


def convolve_exactly(
    input: torch.Tensor, weight: torch.Tensor, options: ConvolutionOptions
) -> torch.Tensor:
    """The same, computed electronically by torch."""
    vertical, horizontal = options.padding
    padded = pad(input, (horizontal, horizontal, vertical, vertical), options.padding_mode)
    return functional.conv2d(
        padded, weight, None, options.stride, 0, options.dilation, options.groups
    )
