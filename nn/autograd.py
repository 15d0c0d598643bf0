"""How an optical convolution is differentiated: backward, forward-mode, and under `torch.vmap`."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import torch

from nn.convolution import ConvolutionOptions, convolve_exactly, convolve_on_device
from nn.gradients import Gradients, device_gradients, exact_gradients
from nn.operator import convolution, fold
from nn.optics import numbered_device

__all__ = ["differentiable_convolution"]


class OpticalConvolution(torch.autograd.Function):
    """Forward on the device; derivatives as `gradient` says; many at once under `torch.vmap`."""

    @staticmethod
    def forward(
        input: torch.Tensor,
        weight: torch.Tensor,
        device_number: int,
        options: ConvolutionOptions,
        gradient: str,
    ) -> torch.Tensor:
        return convolve_on_device(input, weight, device_number, options)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        input, weight, ctx.device_number, ctx.options, ctx.gradient = inputs
        ctx.save_for_backward(input, weight)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return *_gradients(ctx, *grad_outputs), None, None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        input: torch.Tensor,
        weight: torch.Tensor,
        device_number: int,
        options: ConvolutionOptions,
        gradient: str,
    ) -> tuple[torch.Tensor, int]:
        one = fold(info.batch_size, in_dims, input, weight, options.groups)
        options = replace(options, groups=one.groups)
        output = differentiable_convolution(one.input, one.weight, device_number, options, gradient)
        return one.unfold(output), one.dim


# `apply` asks for it at every call.
OpticalConvolution.forward.__signature__ = inspect.signature(  # type: ignore[attr-defined]
    OpticalConvolution.forward
)


class DualConvolution(OpticalConvolution):
    """The same in forward mode too, which compilers do not follow."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        OpticalConvolution.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[:2])
        ctx.device = numbered_device(inputs[2])  # lives until the backward pass

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> torch.Tensor:
        """The output's tangent, exactly: a convolution is linear in either operand.

        Raises
        ------
        RuntimeError
            With gradients of the device's own, which go backward alone.
        """
        if ctx.gradient != "exact":
            raise RuntimeError(
                f'{ctx.gradient} gradients go backward alone; forward mode needs gradient="exact"'
            )
        (input, weight), (of_input, of_weight) = ctx.saved_tensors, tangents[:2]
        parts = [
            convolve_exactly(x, w, ctx.options)
            for x, w in ((of_input, weight), (input, of_weight))
            if x is not None and w is not None
        ]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def differentiable_convolution(
    input: torch.Tensor,
    weight: torch.Tensor,
    device_number: int,
    options: ConvolutionOptions,
    gradient: str,
) -> torch.Tensor:
    """`nn.convolution.convolve_on_device`, differentiable as `gradient` says."""
    kind = OpticalConvolution if torch.compiler.is_compiling() else DualConvolution
    output: torch.Tensor = kind.apply(input, weight, device_number, options, gradient)
    return output


def _gradients(ctx: Any, grad_output: torch.Tensor) -> Gradients:
    input, weight = ctx.saved_tensors
    wanted = (ctx.needs_input_grad[0], ctx.needs_input_grad[1])
    if ctx.gradient == "exact":
        return exact_gradients(grad_output, input, weight, ctx.options, wanted)
    return device_gradients(
        grad_output, input, weight, ctx.device_number, ctx.options, ctx.gradient, wanted
    )


def _remember(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    """The operator's context: as `OpticalConvolution.setup_context`, from its own arguments."""
    input, weight, stride, padding, dilation, *rest, ctx.gradient, ctx.device_number = inputs
    pairs = [(s[0], s[1]) for s in (stride, padding, dilation)]
    ctx.options = ConvolutionOptions(pairs[0], pairs[1], pairs[2], *rest)
    ctx.save_for_backward(input, weight)


# torch.func wants a Function; who calls the bare operator has a gradient as well.
convolution.register_autograd(
    lambda ctx, grad_output: (*_gradients(ctx, grad_output), *(None,) * 9),
    setup_context=_remember,
)
