"""Gradients of a device as a torch operator, ``opticonv::convolution_gradients``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import torch
from torch.nn import functional

from driver.convolution import layout_of
from nn.operator import to_host
from nn.optics import numbered_device
from nn.precisions import precision_of

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
    product: str,
    gradient: str,
    of_input: bool,
    of_weight: bool,
    device_number: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients for input and weight, in float32 on the device; empty where not asked for.

    `gradient`: "optical" or "twin".  The spectra that a weight's gradient by light takes are not
    seen by a device of layout 4f: there it is exact.  Operators return tensors and not None.
    """
    device = numbered_device(device_number)
    name = {"optical": "convolve2d_gradients", "twin": "convolve2d_twin_gradients"}[gradient]
    compute = getattr(device, name, None)
    if compute is None:
        raise RuntimeError(f'{device!r} has no {gradient} gradients; use gradient="exact"')
    options: dict[str, Any] = {
        "stride": (stride[0], stride[1]),
        "padding": (padding[0], padding[1]),
        "dilation": (dilation[0], dilation[1]),
        "groups": groups,
        "padding_mode": padding_mode,
        "precision": precision_of(precision),
    }
    if product != "electronic":
        options["product"] = product
    tensors = [to_host(tensor) for tensor in (grad_output, input, weight)]
    exact = of_weight and gradient == "optical" and layout_of(device) == "4f"
    # A twin needs autograd, which inside an operator is off in this thread.
    with ThreadPoolExecutor(1) if gradient == "twin" else nullcontext() as elsewhere:
        wanted = (of_input, of_weight and not exact)
        call = functools.partial(compute, *tensors, wanted=wanted, **options)
        found = call() if elsewhere is None else elsewhere.submit(call).result()
    if exact:
        found = found[0], _of_weight(*tensors, **options)
    of = [
        like.new_empty(0) if result is None else result.to(like.device, like.dtype)
        for result, like in zip(found, (input, weight), strict=True)
    ]
    return of[0], of[1]


def _of_weight(
    grad_output: torch.Tensor,
    input: torch.Tensor,
    weight: torch.Tensor,
    *,
    padding: tuple[int, int],
    padding_mode: str,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    **_: object,
) -> torch.Tensor:
    """The weight's exact gradient."""
    mode = "constant" if padding_mode == "zeros" else padding_mode
    padded = functional.pad(input, (padding[1], padding[1], padding[0], padding[0]), mode=mode)
    wanted = (False, True, False)
    found: torch.Tensor = torch.ops.aten.convolution_backward(
        grad_output, padded, weight, None, stride, (0, 0), dilation, False, (0, 0), groups, wanted
    )[1]
    return found


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
    product: str,
    gradient: str,
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
