"""Gradients by light as a torch operator, ``opticonv::convolution_gradients``."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nn.operator import to_host
from nn.optics import numbered_device

__all__ = ["convolution_gradients"]


@torch.library.custom_op(
    "opticonv::convolution_gradients",
    mutates_args=(),
    tags=(torch.Tag.nondeterministic_seeded,),
)
def convolution_gradients(
    grad_output: torch.Tensor,
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    padding_mode: str,
    precision: str,
    of_input: bool,
    of_weight: bool,
    device_number: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients for input and weight, in float32 on the device; empty where not asked for.

    Operators return tensors and not None.
    """
    device = numbered_device(device_number)
    by_light = getattr(device, "convolve2d_gradients", None)
    if by_light is None:
        raise RuntimeError(f'{device!r} has no gradients by light; use gradient="exact"')
    found = by_light(
        *(to_host(tensor) for tensor in (grad_output, input, weight)),
        stride=(stride[0], stride[1]),
        padding=(padding[0], padding[1]),
        dilation=(dilation[0], dilation[1]),
        groups=groups,
        padding_mode=padding_mode,
        precision=precision,
        wanted=(of_input, of_weight),
    )
    of = [
        like.new_empty(0) if result is None else result.to(like.device, like.dtype)
        for result, like in zip(found, (input, weight), strict=True)
    ]
    return of[0], of[1]


@convolution_gradients.register_fake
def _shapes(
    grad_output: torch.Tensor,
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    padding_mode: str,
    precision: str,
    of_input: bool,
    of_weight: bool,
    device_number: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What comes out, for tracers that compute shapes only."""
    like = torch.contiguous_format
    return (
        torch.empty_like(input, memory_format=like) if of_input else input.new_empty(0),
        torch.empty_like(weight, memory_format=like) if of_weight else weight.new_empty(0),
    )
