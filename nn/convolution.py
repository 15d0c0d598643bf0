"""One convolution on a device: its options in normal form, and the call itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from nn.optics import numbered_device

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


@torch.library.custom_op("opticonv::convolution", mutates_args=())
def _convolution(
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    padding_mode: str,
    precision: str,
    device_number: int,
) -> torch.Tensor:
    output = numbered_device(device_number).convolve2d(
        input.detach().to("cpu", torch.float32).contiguous(),
        weight.detach().to("cpu", torch.float32).contiguous(),
        stride=(stride[0], stride[1]),
        padding=(padding[0], padding[1]),
        dilation=(dilation[0], dilation[1]),
        groups=groups,
        padding_mode=padding_mode,
        precision=precision,
    )
    return output.to(input.device, input.dtype)


@_convolution.register_fake
def _convolution_shape(
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
    *options: object,
) -> torch.Tensor:
    """What comes out, for tracers that compute shapes only."""
    return torch.empty_like(
        functional.conv2d(input, weight, None, stride, padding, dilation, groups),
        memory_format=torch.contiguous_format,
    )


def convolve_on_device(
    input: torch.Tensor, weight: torch.Tensor, device_number: int, options: ConvolutionOptions
) -> torch.Tensor:
    """Convolve on the device of that number, in float32 on the CPU.

    A torch operator (``opticonv::convolution``), so that compilers call it and do not look inside.

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
    return _convolution(
        input,
        weight,
        options.stride,
        options.padding,
        options.dilation,
        options.groups,
        options.padding_mode,
        options.precision,
        device_number,
    )
