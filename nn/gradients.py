"""Gradients of a convolution with respect to its input and weight: exact, and the device's.

With ``out = sum_c w[k, c] ⋆ P(x)[c]``, ``P`` the padding, stride ``s`` and dilation ``d``:

- input: ``grad_x = P* (g↑s * w)``, the convolution of the zero-inserted output gradient with the
  kernel, then the adjoint of the padding;
- weight: ``grad_w[k, c] = sum_n g↑s[n, k] ⋆ P(x)[n, c]`` at the lags ``0, d, 2d, …``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from nn.convolution import ConvolutionOptions, pad
from nn.gradient_operator import convolution_gradients

__all__ = ["Gradients", "device_gradients", "exact_gradients"]

Gradients = tuple[torch.Tensor | None, torch.Tensor | None]


def _padded(
    input: torch.Tensor, options: ConvolutionOptions
) -> tuple[torch.Tensor, Callable[[torch.Tensor], tuple[torch.Tensor]]]:
    """The padded input, and the adjoint of that padding."""
    vertical, horizontal = options.padding
    pads = (horizontal, horizontal, vertical, vertical)
    padded, adjoint, *_ = torch.func.vjp(lambda x: pad(x, pads, options.padding_mode), input)
    return padded, adjoint


def exact_gradients(
    grad_output: torch.Tensor,
    input: torch.Tensor,
    weight: torch.Tensor,
    options: ConvolutionOptions,
    wanted: tuple[bool, bool],
) -> Gradients:
    """Gradients of the exact convolution, computed electronically, differentiable in turn.

    Parameters
    ----------
    grad_output : torch.Tensor, shape (n, K, H', W')
    input : torch.Tensor, shape (n, C, H, W)
    weight : torch.Tensor, shape (K, C/groups, kh, kw)
    options : ConvolutionOptions
    wanted : (bool, bool)
        Whether the input's and the weight's gradients are wanted.

    Returns
    -------
    grad_input, grad_weight : torch.Tensor or None
        Shaped as `input` and `weight`; None where not wanted.
    """
    if options.padding_mode == "zeros":
        padding, padded, adjoint = options.padding, input, None
    else:
        padded, adjoint = _padded(input, options)
        padding = (0, 0)
    grad_input, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad_output,
        padded,
        weight,
        None,
        options.stride,
        padding,
        options.dilation,
        False,
        (0, 0),
        options.groups,
        (*wanted, False),
    )
    if adjoint is not None and wanted[0]:
        (grad_input,) = adjoint(grad_input)
    return grad_input if wanted[0] else None, grad_weight if wanted[1] else None


def device_gradients(
    grad_output: torch.Tensor,
    input: torch.Tensor,
    weight: torch.Tensor,
    device_number: int,
    options: ConvolutionOptions,
    gradient: str,
    wanted: tuple[bool, bool],
) -> Gradients:
    """Both gradients of the device's own: "optical", by light and with its noise, or its "twin".

    See `driver.gradients` and `driver.twin_gradients`; `driver.gradient_plan` counts frames.

    Parameters and results as for `exact_gradients`, without gradients of their own: differentiating
    them in turn is a RuntimeError.
    """
    found = DeviceGradients.apply(
        grad_output, input, weight, device_number, options, gradient, wanted
    )
    of_input, of_weight = found
    return of_input if wanted[0] else None, of_weight if wanted[1] else None


class DeviceGradients(torch.autograd.Function):
    """The operator of gradients; many at once under `torch.vmap`, and no gradient of its own."""

    @staticmethod
    def forward(
        grad_output: torch.Tensor,
        input: torch.Tensor,
        weight: torch.Tensor,
        device_number: int,
        options: ConvolutionOptions,
        gradient: str,
        wanted: tuple[bool, bool],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return convolution_gradients(
            grad_output,
            input,
            weight,
            options.stride,
            options.padding,
            options.dilation,
            options.groups,
            options.padding_mode,
            options.precision,
            options.product,
            gradient,
            *wanted,
            device_number,
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.gradient = inputs[5]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> Any:
        raise RuntimeError(
            f'{ctx.gradient} gradients cannot be differentiated in turn; use gradient="exact"'
        )

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        grad_output: torch.Tensor,
        input: torch.Tensor,
        weight: torch.Tensor,
        device_number: int,
        options: ConvolutionOptions,
        gradient: str,
        wanted: tuple[bool, bool],
    ) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[int | None, int | None]]:
        """In one call: as more pictures, or as more groups where each has a weight of its own."""
        size: int = info.batch_size
        pictures = in_dims[2] is None and not wanted[1]
        into = 0 if pictures else 1

        def folded(tensor: torch.Tensor, dim: int | None, into: int) -> torch.Tensor:
            if dim is None:
                tensor = tensor.unsqueeze(into).repeat_interleave(size, into)
            else:
                tensor = tensor.movedim(dim, into)
            return tensor.flatten(into, into + 1)

        if not pictures:
            options = replace(options, groups=options.groups * size)
        of_input, of_weight = DeviceGradients.apply(
            folded(grad_output, in_dims[0], into),
            folded(input, in_dims[1], into),
            weight if pictures else folded(weight, in_dims[2], 0),
            device_number,
            options,
            gradient,
            wanted,
        )
        if wanted[0]:
            of_input = of_input.unflatten(into, (size, -1))
        if wanted[1]:
            of_weight = of_weight.unflatten(0, (size, -1))
        return (of_input, of_weight), (into if wanted[0] else None, 0 if wanted[1] else None)
