"""Gradients of a convolution with respect to its input and weight, electronic and optical.

With ``out = sum_c w[k, c] ⋆ P(x)[c]``, ``P`` the padding, stride ``s`` and dilation ``d``:

- input: ``grad_x = P* (g↑s * w)``, the convolution of the zero-inserted output gradient with the
  kernel, then the adjoint of the padding;
- weight: ``grad_w[k, c] = sum_n g↑s[n, k] ⋆ P(x)[n, c]`` at the lags ``0, d, 2d, …``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch.nn import functional

from nn.convolution import ConvolutionOptions, convolve_on_device, pad

__all__ = ["Gradients", "exact_gradients", "optical_gradients"]

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


def optical_gradients(
    grad_output: torch.Tensor,
    input: torch.Tensor,
    weight: torch.Tensor,
    device_number: int,
    options: ConvolutionOptions,
    wanted: tuple[bool, bool],
) -> Gradients:
    """Both gradients as convolutions on the device, with its noise.

    The device's plan counts them like any other convolution.  For the weight's gradient the
    output gradient serves as the kernel (its spectrum is electronic, as every kernel's is) and
    the pictures of the batch as channels.  Paddings and zero insertions are electronic.

    Parameters and results as for `exact_gradients`, without gradients of their own.

    Raises
    ------
    RuntimeError
        If the gradients are to be differentiated in turn.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(
            'optical gradients cannot be differentiated in turn; use gradient="exact"'
        )
    padded, adjoint = _padded(input, options)
    grad_input = grad_weight = None
    if wanted[0]:
        grad_padded = _optical_input_gradient(grad_output, padded, weight, device_number, options)
        (grad_input,) = adjoint(grad_padded)
    if wanted[1]:
        grad_weight = _optical_weight_gradient(grad_output, padded, weight, device_number, options)
    return grad_input, grad_weight


def _optical_input_gradient(
    grad_output: torch.Tensor,
    padded: torch.Tensor,
    weight: torch.Tensor,
    device_number: int,
    options: ConvolutionOptions,
) -> torch.Tensor:
    """Gradient for the padded input: full convolution with the mirrored, transposed kernels."""
    groups, (rows, columns) = options.groups, options.stride
    *batch, height, width = grad_output.shape
    spread = grad_output.new_zeros(*batch, (height - 1) * rows + 1, (width - 1) * columns + 1)
    spread[..., ::rows, ::columns] = grad_output
    by_group = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    reach = [d * (k - 1) for d, k in zip(options.dilation, weight.shape[2:], strict=True)]
    full = replace(options, stride=(1, 1), padding=(reach[0], reach[1]), padding_mode="zeros")
    gradient = convolve_on_device(spread, by_group.flip(2, 3), device_number, full)
    # Rows and columns that the stride never reached have no gradient.
    beyond = [
        whole - part for whole, part in zip(padded.shape[2:], gradient.shape[2:], strict=True)
    ]
    return functional.pad(gradient, (0, beyond[1], 0, beyond[0]))


def _optical_weight_gradient(
    grad_output: torch.Tensor,
    padded: torch.Tensor,
    weight: torch.Tensor,
    device_number: int,
    options: ConvolutionOptions,
) -> torch.Tensor:
    """Correlation of the padded input with the output gradient, summed over the batch."""
    height, width = (
        (length - 1) * stride + dilation * (kernel - 1) + 1
        for length, stride, dilation, kernel in zip(
            grad_output.shape[2:], options.stride, options.dilation, weight.shape[2:], strict=True
        )
    )
    lags = replace(
        options,
        stride=options.dilation,
        dilation=options.stride,
        padding=(0, 0),
        padding_mode="zeros",
        groups=1,
    )
    gradients = [
        convolve_on_device(pictures.transpose(0, 1), kernels.transpose(0, 1), device_number, lags)
        for pictures, kernels in zip(
            padded[..., :height, :width].chunk(options.groups, dim=1),
            grad_output.chunk(options.groups, dim=1),
            strict=True,
        )
    ]
    return torch.cat([gradient.transpose(0, 1) for gradient in gradients])
