"""What every super-resolution network is made of: convolution layers, a check of its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from nn.functional import PaddingMode
    from nn.optics import OpticsLike

__all__ = ["check_pictures", "convolution_layer"]


def convolution_layer(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    *,
    padding_mode: PaddingMode = "replicate",
    bias: bool = True,
    optical: bool = False,
    optics: OpticsLike = None,
) -> nn.Conv2d:
    """A convolution that keeps the size, on the device if `optical`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int
        Odd.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
    bias : bool
    optical : bool
        Whether it runs on an optical device.
    optics : Device, str or None
        The device, its URI, or None for the shared default device; unused unless `optical`.

    Raises
    ------
    ValueError
        If `kernel_size` is even: no padding would keep the size.
    """
    if kernel_size % 2 == 0:
        raise ValueError(f"only a kernel of odd size keeps the picture's size, got {kernel_size}")
    padding = kernel_size // 2
    if optical:
        from nn.modules import OpticalConv2d

        return OpticalConv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=padding,
            bias=bias,
            padding_mode=padding_mode,
            optics=optics,
        )
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size,
        padding=padding,
        bias=bias,
        padding_mode=padding_mode,
    )


def check_pictures(input: torch.Tensor) -> None:
    """Refuse what is not a batch of RGB pictures.

    Raises
    ------
    TypeError
        If `input` is not a floating-point tensor (divide 8-bit pictures by 255).
    ValueError
        If its shape is not (n, 3, H, W) with H and W at least 1.
    """
    if not isinstance(input, torch.Tensor) or not input.is_floating_point():
        kind = input.dtype if isinstance(input, torch.Tensor) else type(input).__name__
        raise TypeError(f"pictures must be floating-point tensors in [0, 1], got {kind}")
    if input.ndim != 4 or input.shape[1] != 3 or 0 in input.shape[2:]:
        raise ValueError(
            f"pictures must have shape (n, 3, H, W), H and W >= 1, got {tuple(input.shape)}"
        )
