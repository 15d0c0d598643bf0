"""The torch operator ``opticonv::convolution``: one convolution on the device of a given number.

An operator and not a function, so that compilers, tracers and `torch.func` treat it as one step
that they do not look into.  Its gradient is registered in `nn.autograd`.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from nn.optics import numbered_device
from nn.precisions import precision_of

__all__ = ["Fold", "convolution", "fold", "result_format", "to_host"]


@functools.cache
def _warn_of_transfer(place: str) -> None:
    """Say once for each kind of place that its tensors travel."""
    warnings.warn(
        f"tensors on {place} are copied to the CPU for the optical device and their results copied "
        "back: a transfer in every optical layer",
        stacklevel=2,
    )


def to_host(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as the device takes it: float32, contiguous, on the CPU."""
    if tensor.device.type != "cpu":
        _warn_of_transfer(tensor.device.type)
    return tensor.detach().to("cpu", torch.float32).contiguous()


def _is_channels_last(tensor: torch.Tensor) -> bool:
    return not tensor.is_contiguous() and tensor.is_contiguous(memory_format=torch.channels_last)


def result_format(input: torch.Tensor, weight: torch.Tensor) -> torch.memory_format:
    """How the result lies in memory: with channels last if one of the operands does, as torch's."""
    if _is_channels_last(input) or _is_channels_last(weight):
        return torch.channels_last
    return torch.contiguous_format


@torch.library.custom_op(
    "opticonv::convolution", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,)
)
def convolution(
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    padding_mode: str,
    precision: str,
    product: str,
    gradient: str,
    device_number: int,
) -> torch.Tensor:
    """Convolve (n, C, H, W) with (K, C/groups, kh, kw), in float32; dtype and place of `input`.

    Pairs are (vertical, horizontal).  `precision` in a word of `nn.precisions`.  `gradient` matters
    in the backward pass alone.
    """
    output = numbered_device(device_number).convolve2d(
        to_host(input),
        to_host(weight),
        stride=(stride[0], stride[1]),
        padding=(padding[0], padding[1]),
        dilation=(dilation[0], dilation[1]),
        groups=groups,
        padding_mode=padding_mode,
        precision=precision_of(precision),
        # A device that knows no other product need not know the word.
        **({} if product == "electronic" else {"product": product}),
    )
    return output.to(
        input.device, input.dtype, memory_format=result_format(input, weight), copy=False
    )


@convolution.register_fake
def _shape(
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    *options: object,
) -> torch.Tensor:
    """What comes out, for tracers that compute shapes only."""
    return torch.empty_like(
        functional.conv2d(input, weight, None, stride, padding, dilation, groups),
        memory_format=result_format(input, weight),
    )


@dataclass(frozen=True)
class Fold:
    """A convolution under `torch.vmap` as one convolution of more pictures, outputs or groups."""

    input: torch.Tensor
    weight: torch.Tensor
    groups: int
    dim: int
    """Dimension of the result that holds what was mapped over."""
    sizes: torch.Size
    """What that dimension unfolds to."""

    def unfold(self, output: torch.Tensor) -> torch.Tensor:
        """The result with the mapped dimension, at `dim`."""
        return output.unflatten(self.dim, self.sizes)


def fold(
    size: int,
    in_dims: Sequence[int | None],
    input: torch.Tensor,
    weight: torch.Tensor,
    groups: int,
) -> Fold:
    """Fold a mapped dimension of `size` entries away; `in_dims` as `torch.vmap` gives them."""
    input_dim, weight_dim = in_dims[:2]
    if weight_dim is None:
        assert input_dim is not None
        pictures = input.movedim(input_dim, 0)
        return Fold(pictures.flatten(0, 1), weight, groups, 0, pictures.shape[:2])
    kernels = weight.movedim(weight_dim, 0)
    if input_dim is not None:
        channels = input.movedim(input_dim, 1).flatten(1, 2)
    elif groups == 1:
        return Fold(input, kernels.flatten(0, 1), 1, 1, kernels.shape[:2])
    else:
        channels = input[:, None].expand(-1, size, -1, -1, -1).flatten(1, 2)
    return Fold(channels, kernels.flatten(0, 1), groups * size, 1, kernels.shape[:2])


@convolution.register_vmap
def _mapped(
    info: Any,
    in_dims: tuple[int | None, ...],
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    *options: Any,
) -> tuple[torch.Tensor, int]:
    one = fold(info.batch_size, in_dims, input, weight, groups)
    result = convolution(one.input, one.weight, stride, padding, dilation, one.groups, *options)
    return one.unfold(result), one.dim
