"""The optical convolution as a torch function."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any, Literal, TypeAlias

import torch
from torch.nn import functional

from nn.convolution import ConvolutionOptions, convolve_on_device, pad
from nn.gradients import exact_gradients, optical_gradients
from nn.optics import OpticsLike, device_number, resolve_optics

__all__ = ["Gradient", "PaddingMode", "Pair", "Precision", "check_gradient", "optical_conv2d"]

Gradient: TypeAlias = Literal["exact", "optical"]
Precision: TypeAlias = Literal["fast", "balanced", "best"]
PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
Pair: TypeAlias = "int | tuple[int, ...]"

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
GRADIENTS = ("exact", "optical")


def _pair(value: Pair, name: str) -> tuple[int, int]:
    try:
        values = tuple(map(index, value)) if isinstance(value, Iterable) else (index(value),) * 2
    except TypeError:
        values = ()
    if len(values) == 1:
        values *= 2
    if len(values) != 2:
        raise RuntimeError(f"expected {name} to be an integer or two of them, got {value!r}")
    return values[0], values[1]


def _pads(
    padding: Pair | str,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int, int, int]:
    """Padding as (left, right, top, bottom), the order of torch's pad; extra pixels go last."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        if stride != (1, 1):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        top, left = total[0] // 2, total[1] // 2
        return left, total[1] - left, top, total[0] - top
    if isinstance(padding, str):
        raise RuntimeError(f"Invalid padding string: {padding!r}")
    vertical, horizontal = _pair(padding, "padding")
    if vertical < 0 or horizontal < 0:
        raise RuntimeError("negative padding is not supported")
    return horizontal, horizontal, vertical, vertical


class _OpticalConvolution(torch.autograd.Function):
    """Forward on the device; backward as `gradient` says."""

    @staticmethod
    def forward(
        input: torch.Tensor,
        weight: torch.Tensor,
        device_number: int,
        options: ConvolutionOptions,
        gradient: Gradient,
    ) -> torch.Tensor:
        return convolve_on_device(input, weight, device_number, options)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        input, weight, ctx.device_number, ctx.options, ctx.gradient = inputs
        ctx.save_for_backward(input, weight)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (grad_output,) = grad_outputs
        input, weight = ctx.saved_tensors
        wanted = (ctx.needs_input_grad[0], ctx.needs_input_grad[1])
        if ctx.gradient == "optical":
            gradients = optical_gradients(
                grad_output, input, weight, ctx.device_number, ctx.options, wanted
            )
        else:
            gradients = exact_gradients(grad_output, input, weight, ctx.options, wanted)
        return *gradients, None, None, None


def optical_conv2d(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingMode = "zeros",
    optics: OpticsLike,
    gradient: Gradient = "exact",
    precision: Precision = "balanced",
) -> torch.Tensor:
    """Two-dimensional convolution (cross-correlation, as in torch) on an optical device.

    ``out[n, k] = bias[k] + sum_c weight[k, c] ⋆ pad(input)[n, c]``, the sum computed by the
    device in float32 with the device's noise, the bias added electronically.

    Parameters
    ----------
    input : torch.Tensor, shape (n, C, H, W) or (C, H, W), floating point
    weight : torch.Tensor, shape (K, C/groups, kh, kw), dtype of `input`
    bias : torch.Tensor or None, shape (K,)
    stride, padding, dilation, groups
        As in `torch.nn.functional.conv2d`; `padding` may be "same" or "valid".
    padding_mode : "zeros", "reflect", "replicate" or "circular"
    optics : Device, str or None
        A device, its URI, or None for the shared default device.
    gradient : "exact" or "optical"
        "exact": that of `torch.nn.functional.conv2d` at the same input and weight, computed
        electronically in the input's dtype, and differentiable in turn.  "optical": the gradients
        of input and weight are convolutions on the device too, with its noise; the bias's is
        electronic.
    precision : "fast", "balanced" or "best"
        Preset of the device's dynamic-range measures.

    Returns
    -------
    torch.Tensor, shape (n, K, H', W') or (K, H', W'), dtype and place of `input`

    Raises
    ------
    RuntimeError
        For every shape, size or dtype combination that torch refuses too, in torch's words.
    TypeError
        If `input` is not real floating point, or `optics` is no device.
    ValueError
        If `padding_mode` or `gradient` is unknown.
    driver.DriverError
        For what the device refuses: NaN or infinity, a device that is closed.
    """
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode must be one of {PADDING_MODES}, got {padding_mode!r}")
    check_gradient(gradient)
    device = resolve_optics(optics)
    if torch.is_autocast_enabled(input.device.type):
        dtype = torch.get_autocast_dtype(input.device.type)
        input, weight = input.to(dtype), weight.to(dtype)
        bias = bias if bias is None else bias.to(dtype)
    if not input.is_floating_point():
        raise TypeError(f"an optical convolution needs real floating point, got {input.dtype}")
    if input.dtype != weight.dtype:
        raise RuntimeError(
            f"Input type ({input.dtype}) and weight type ({weight.dtype}) should be the same"
        )
    if input.ndim == 3:
        batched = optical_conv2d(
            input[None],
            weight,
            bias,
            stride,
            padding,
            dilation,
            groups,
            padding_mode=padding_mode,
            optics=device,
            gradient=gradient,
            precision=precision,
        )
        return batched[0]

    stride, dilation = _pair(stride, "stride"), _pair(dilation, "dilation")
    if weight.ndim != 4 or input.ndim != 4:
        raise RuntimeError(
            "expected input (n, C, H, W) or (C, H, W) and weight (K, C/groups, kh, kw), got "
            f"{tuple(input.shape)} and {tuple(weight.shape)}"
        )
    if min(dilation) < 1:
        raise RuntimeError("non-positive dilation is not supported")
    pads = _pads(padding, (weight.shape[2], weight.shape[3]), stride, dilation)
    # torch itself, on an empty batch, refuses what it would refuse.
    nothing = input.numel() == 0 or weight.numel() == 0
    rehearsed = pad(input if nothing else input[:0], pads, padding_mode)
    empty = functional.conv2d(rehearsed, weight, bias, stride, 0, dilation, groups)
    if nothing:
        return empty
    left, right, top, bottom = pads
    if left != right or top != bottom:
        input = pad(input, pads, padding_mode)
        left = top = 0
    options = ConvolutionOptions(stride, (top, left), dilation, groups, padding_mode, precision)
    output: torch.Tensor = _OpticalConvolution.apply(
        input, weight, device_number(device), options, gradient
    )
    return output if bias is None else output + bias[:, None, None]


def check_gradient(gradient: str) -> None:
    """Refuse a way of computing gradients that does not exist (errors: `optical_conv2d`)."""
    if gradient not in GRADIENTS:
        raise ValueError(f"gradient must be one of {GRADIENTS}, got {gradient!r}")
