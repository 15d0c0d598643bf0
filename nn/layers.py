"""Which convolutions a network runs, and on what shapes: what plans are made from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from driver.plan import ConvolutionPlan
from driver.precision import Precision

__all__ = ["ConvolutionCall", "convolution_calls", "convolutions_of", "watched"]

Convolution = nn.Conv1d | nn.Conv2d


@dataclass(frozen=True)
class ConvolutionCall:
    """One call of one layer.

    Attributes
    ----------
    name : str
        The layer's qualified name; a layer that is called twice makes two calls.
    layer : torch.nn.Conv1d or torch.nn.Conv2d
    input_shape : tuple of int
        Batched: (n, C, H, W) or (n, C, L).
    input_needs_gradient : bool
        Whether a backward pass would need the gradient of its input.
    """

    name: str
    layer: Convolution
    input_shape: tuple[int, ...]
    input_needs_gradient: bool = False

    def plan(
        self,
        grid: int,
        precision: str | Precision = "balanced",
        *,
        batch: int | None = None,
        reference_steps: int = 4,
        layout: str = "mft",
        product: str | None = None,
    ) -> ConvolutionPlan:
        """What the call takes on an N×N device; of `batch` pictures instead of those it had.

        ``reference_steps`` and ``layout`` are the device's (`driver.DeviceInfo`); ``product``
        is an optical layer's own by default.

        Raises
        ------
        driver.ShapeError, driver.ValueRangeError
            If it cannot be planned.
        """
        layer = self.layer
        pictures, channels, *size = self.input_shape
        rows = [1] if isinstance(layer, nn.Conv1d) else []
        padding = layer.padding

        def pair(values: tuple[int, ...], of_the_row: int) -> tuple[int, int]:
            first, *rest = values
            return (first, rest[0]) if rest else (of_the_row, first)

        return ConvolutionPlan.for_shapes(
            (pictures if batch is None else batch, channels, *rows, *size),
            (*layer.weight.shape[:2], *rows, *layer.weight.shape[2:]),
            grid=grid,
            stride=pair(layer.stride, 1),
            padding=padding if isinstance(padding, str) else pair(padding, 0),
            dilation=pair(layer.dilation, 1),
            groups=layer.groups,
            padding_mode=layer.padding_mode,
            precision=precision,
            reference_steps=reference_steps,
            layout=layout,
            product=product or str(getattr(layer, "product", "electronic")),
        )


def convolutions_of(model: nn.Module) -> dict[str, Convolution]:
    """A model's convolution layers by their first name, optical or not."""
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, Convolution)}


@contextmanager
def watched(model: nn.Module) -> Iterator[list[ConvolutionCall]]:
    """Note the convolutions that the model runs inside the block, in order."""
    calls: list[ConvolutionCall] = []

    def watch(name: str, layer: Convolution) -> torch.utils.hooks.RemovableHandle:
        def note(
            _: nn.Module, inputs: tuple[torch.Tensor, ...], named: dict[str, torch.Tensor]
        ) -> None:
            input = inputs[0] if inputs else named["input"]
            shape = tuple(input.shape)
            if len(shape) < layer.weight.ndim:
                shape = (1, *shape)
            calls.append(ConvolutionCall(name, layer, shape, input.requires_grad))

        return layer.register_forward_pre_hook(note, with_kwargs=True)

    handles = [watch(name, layer) for name, layer in convolutions_of(model).items()]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def convolution_calls(model: nn.Module, *inputs: torch.Tensor) -> list[ConvolutionCall]:
    """The convolutions that one forward pass runs, in order.

    On the meta device, nothing is computed: move a copy of the model and its inputs there.
    """
    with watched(model) as calls, torch.enable_grad():
        model(*inputs)
    return calls
