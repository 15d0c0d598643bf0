"""The optical convolutions as torch functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import index
from typing import Any, Literal, TypeAlias

import torch
from torch.nn import functional

import driver.precision
from nn.autograd import differentiable_convolution
from nn.convolution import ConvolutionOptions, pad
from nn.optics import OpticsLike, device_number, resolve_optics
from nn.precisions import word_for

__all__ = [
    "Gradient",
    "PaddingMode",
    "Pair",
    "Precision",
    "Product",
    "check_options",
    "optical_conv1d",
    "optical_conv2d",
]

Gradient: TypeAlias = Literal["exact", "optical", "twin"]
Precision: TypeAlias = "Literal['fast', 'balanced', 'best'] | driver.precision.Precision"
Product: TypeAlias = Literal["electronic", "optical"]
PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
Pair: TypeAlias = "int | tuple[int, ...]"

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
GRADIENTS = ("exact", "optical", "twin")
PRODUCTS = ("electronic", "optical")


def _pair(value: Pair, name: str) -> tuple[int, int]:
    try:
        single = isinstance(value, torch.Tensor) or not isinstance(value, Iterable)
        values = (index(value),) * 2 if single else tuple(map(index, value))  # type: ignore
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


#: Looks of arguments that torch has not refused.
_accepted: set[tuple[object, ...]] = set()
_MOST_ACCEPTED = 4096


def _looks(argument: object) -> object:
    """What torch refuses or accepts an argument by."""
    if isinstance(argument, torch.Tensor):
        return type(argument), argument.shape, argument.dtype, argument.device, argument.layout
    return repr(argument)


def _refuse_what_torch_refuses(convolve: Callable[..., torch.Tensor], *arguments: Any) -> None:
    """Let torch's own function see the arguments, with no picture in the batch: its own errors.

    Arguments that look like others that passed are not shown to it again.
    """
    if torch.compiler.is_compiling():
        _show_torch(convolve, *arguments)
        return
    autocast = tuple(map(torch.is_autocast_enabled, ("cpu", "cuda")))
    looks = (convolve, autocast, *map(_looks, arguments))
    if looks in _accepted:
        return
    _show_torch(convolve, *arguments)
    if len(_accepted) >= _MOST_ACCEPTED:
        _accepted.clear()
    _accepted.add(looks)


def _show_torch(convolve: Callable[..., torch.Tensor], *arguments: Any) -> None:
    input, weight = arguments[:2]
    dimensions = getattr(weight, "ndim", 0)
    if isinstance(input, torch.Tensor) and 0 <= dimensions - input.ndim <= 1:
        input = (input if input.ndim == dimensions else input[None])[:0]
    convolve(input, *arguments[1:])


def _autocast(*tensors: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
    """Tensors in autocast's dtype, where it is on: what torch does for its own convolutions."""
    kind = next(t.device.type for t in tensors if t is not None)
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
        return tensors
    dtype = torch.get_autocast_dtype(kind)
    return tuple(t.to(dtype) if t is not None and t.is_floating_point() else t for t in tensors)


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
    product: Product = "electronic",
) -> torch.Tensor:
    """Two-dimensional convolution (cross-correlation, as in torch) on an optical device.

    ``out[n, k] = bias[k] + sum_c weight[k, c] ⋆ pad(input)[n, c]``, the sum computed by the
    device in float32 with the device's noise, the bias added electronically.

    Parameters
    ----------
    input : torch.Tensor, shape (n, C, H, W) or (C, H, W), floating point or complex
    weight : torch.Tensor, shape (K, C/groups, kh, kw), dtype of `input`
    bias : torch.Tensor or None, shape (K,)
    stride, padding, dilation, groups
        As in `torch.nn.functional.conv2d`; `padding` may be "same" or "valid".
    padding_mode : "zeros", "reflect", "replicate" or "circular"
    optics : Device, str or None
        A device, its URI, or None for the shared default device.
    gradient : "exact", "optical" or "twin"
        "exact": that of `torch.nn.functional.conv2d` at the same input and weight, computed
        electronically in the input's dtype, and differentiable in turn.  "optical": the gradients
        of input and weight are convolutions on the device too, with its noise; the bias's is
        electronic.  "twin": those of the calibrated, noiseless model of the device, limits of its
        chip included (`driver.twin_gradients`).
    precision : "fast", "balanced" or "best", or a `driver.precision.Precision`
        The device's dynamic-range measures: a preset of them, or the caller's own.
    product : "electronic" or "optical"
        What multiplies spectra: electronics, or the chip itself, a frame for each pair of channels.
        A device of layout 4f multiplies on its chip in any case.

    Returns
    -------
    torch.Tensor, shape (n, K, H', W') or (K, H', W'), dtype and place of `input`

    Raises
    ------
    RuntimeError
        For every shape, size or dtype combination that torch refuses too, in torch's words.
    TypeError
        If `input` is neither floating point nor complex (torch convolves integers, exactly; light
        cannot), or `optics` is no device.
    ValueError
        If `padding_mode`, `gradient`, `precision` or `product` is unknown.
    driver.DriverError
        For what the device refuses: NaN or infinity, a device that is closed.
    """
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode must be one of {PADDING_MODES}, got {padding_mode!r}")
    check_options(gradient, precision, product)
    _refuse_what_torch_refuses(
        functional.conv2d, input, weight, bias, stride, padding, dilation, groups
    )
    input, weight, bias = _autocast(input, weight, bias)  # type: ignore[assignment]
    _check_kinds(input, weight)
    if input.is_complex():
        return _of_parts(
            lambda part, kernel: optical_conv2d(
                part,
                kernel,
                None,
                stride,
                padding,
                dilation,
                groups,
                padding_mode=padding_mode,
                optics=optics,
                gradient=gradient,
                precision=precision,
                product=product,
            ),
            input,
            weight,
            bias,
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
            optics=optics,
            gradient=gradient,
            precision=precision,
            product=product,
        )
        return batched[0]

    stride, dilation = _pair(stride, "stride"), _pair(dilation, "dilation")
    if min(dilation) < 1:
        raise RuntimeError("dilation should be greater than zero")
    pads = _pads(padding, (weight.shape[2], weight.shape[3]), stride, dilation)
    if input.numel() == 0 or weight.numel() == 0:
        # Nothing to compute needs no light.
        padded = pad(input, pads, padding_mode)
        return functional.conv2d(padded, weight, bias, stride, 0, dilation, groups)
    left, right, top, bottom = pads
    if padding_mode != "zeros":
        pad(input[:0], pads, padding_mode)  # torch's own errors
    if left != right or top != bottom:
        input = pad(input, pads, padding_mode)
        left = top = 0
    options = ConvolutionOptions(
        stride, (top, left), dilation, groups, padding_mode, word_for(precision), product
    )
    output = differentiable_convolution(
        input, weight, device_number(resolve_optics(optics)), options, gradient
    )
    return output if bias is None else _with_bias(output, bias[:, None, None])


def _with_bias(output: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """The sum: in the output's own memory where no gradient is asked for."""
    if torch.is_grad_enabled():
        return output + bias
    try:
        return output.add_(bias)
    except RuntimeError:  # under `torch.vmap` over the bias alone
        return output + bias


def optical_conv1d(
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
    product: Product = "electronic",
) -> torch.Tensor:
    """One-dimensional convolution on an optical device: pictures of one row.

    Parameters
    ----------
    input : torch.Tensor, shape (n, C, L) or (C, L), floating point or complex
    weight : torch.Tensor, shape (K, C/groups, k), dtype of `input`
    bias : torch.Tensor or None, shape (K,)
    stride, padding, dilation, groups
        As in `torch.nn.functional.conv1d`; `padding` may be "same" or "valid".
    padding_mode, optics, gradient, precision, product
        As in `optical_conv2d`, and so are the errors.

    Returns
    -------
    torch.Tensor, shape (n, K, L') or (K, L'), dtype and place of `input`
    """
    _refuse_what_torch_refuses(
        functional.conv1d, input, weight, bias, stride, padding, dilation, groups
    )
    rows = optical_conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        (1, _single(stride, "stride")),
        padding if isinstance(padding, str) else (0, _single(padding, "padding")),
        (1, _single(dilation, "dilation")),
        groups,
        padding_mode=padding_mode,
        optics=optics,
        gradient=gradient,
        precision=precision,
        product=product,
    )
    return rows.squeeze(-2)


def _single(value: Pair, name: str) -> int:
    values = tuple(value) if isinstance(value, Iterable) else (value,)
    if len(values) != 1:
        raise RuntimeError(f"expected {name} to be an integer or one of them, got {value!r}")
    return index(values[0])


def _of_parts(
    convolve: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    """A complex convolution as four real ones, of which two and two share a batch."""
    batched = input if input.ndim == 4 else input[None]
    parts = torch.cat([batched.real, batched.imag])
    real_real, imag_real = convolve(parts, weight.real).chunk(2)
    real_imag, imag_imag = convolve(parts, weight.imag).chunk(2)
    output = torch.complex(real_real - imag_imag, real_imag + imag_real)
    if bias is not None:
        output = output + bias[:, None, None]
    return output if input.ndim == 4 else output[0]


def _check_kinds(input: torch.Tensor, weight: torch.Tensor) -> None:
    if not (input.is_floating_point() or input.is_complex()):
        raise TypeError(f"an optical convolution needs floating point, got {input.dtype}")
    if input.dtype != weight.dtype:
        raise RuntimeError(
            f"Input type ({input.dtype}) and weight type ({weight.dtype}) should be the same"
        )


def check_options(gradient: str, precision: Precision, product: str) -> None:
    """Refuse a gradient, precision or product that does not exist (errors: `optical_conv2d`)."""
    word_for(precision)
    if gradient not in GRADIENTS:
        raise ValueError(f"gradient must be one of {GRADIENTS}, got {gradient!r}")
    if product not in PRODUCTS:
        raise ValueError(f"product must be one of {PRODUCTS}, got {product!r}")
