"""The optical convolutions as layers with the signatures and state dicts of torch's own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from nn.functional import (
    Gradient,
    PaddingMode,
    Precision,
    Product,
    check_options,
    optical_conv1d,
    optical_conv2d,
)
from nn.optics import OpticalDevice, OpticsLike, OpticsReference

__all__ = ["OpticalConv1d", "OpticalConv2d", "OpticalLayer"]


class OpticalLayer(nn.Module):
    """What optical layers have beside torch's: a device, a way of differentiating, a precision."""

    _optics: OpticsReference
    gradient: Gradient
    precision: Precision
    product: Product
    _optical: Callable[..., torch.Tensor]
    """The functional form of the layer's kind."""

    def set_optics(
        self,
        optics: OpticsLike,
        gradient: Gradient,
        precision: Precision,
        product: Product = "electronic",
    ) -> None:
        """Choose device, gradient, precision and product anew; parameters stay as they are."""
        check_options(gradient, precision, product)
        self._optics = OpticsReference(optics)
        self.gradient = gradient
        self.precision = precision
        self.product = product

    @property
    def optics(self) -> OpticalDevice:
        """The device; setting it takes a device, a URI or None as the constructor does."""
        return self._optics.device()

    @optics.setter
    def optics(self, optics: OpticsLike) -> None:
        self._optics = OpticsReference(optics)

    def _conv_forward(
        self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return type(self)._optical(
            input,
            weight,
            bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            padding_mode=self.padding_mode,
            optics=self.optics,
            gradient=self.gradient,
            precision=self.precision,
            product=self.product,
        )

    def extra_repr(self) -> str:
        """Torch's description, then the optical part."""
        return (
            f"{super().extra_repr()}, optics={self._optics!r}, gradient={self.gradient!r}, "
            f"precision={self.precision!r}, product={self.product!r}"
        )


class OpticalConv2d(OpticalLayer, nn.Conv2d):
    """`torch.nn.Conv2d` whose convolution runs on an optical device.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        As in `torch.nn.Conv2d`.
    device, dtype
        Of the parameters, as in torch; the optical device is `optics`.
    optics : Device, str or None
        A device, a URI (opened at once and shared in this process), or None for the shared
        default device, opened and calibrated at its first use.
    gradient : "exact", "optical" or "twin"
        See `nn.optical_conv2d`.
    precision : "fast", "balanced" or "best", or a `driver.precision.Precision`
    product : "electronic" or "optical"

    Notes
    -----
    A deep copy of the layer shares its device.  A pickled layer remembers the URI; one that was
    given a device object asks for a new one after unpickling.
    """

    _optical = staticmethod(optical_conv2d)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        optics: OpticsLike = None,
        gradient: Gradient = "exact",
        precision: Precision = "balanced",
        product: Product = "electronic",
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.set_optics(optics, gradient, precision, product)


class OpticalConv1d(OpticalLayer, nn.Conv1d):
    """`torch.nn.Conv1d` whose convolution runs on an optical device.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        As in `torch.nn.Conv1d`.
    device, dtype, optics, gradient, precision, product
        As in `OpticalConv2d`, whose notes hold here too.
    """

    _optical = staticmethod(optical_conv1d)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: int | tuple[int] | str = 0,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        optics: OpticsLike = None,
        gradient: Gradient = "exact",
        precision: Precision = "balanced",
        product: Product = "electronic",
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.set_optics(optics, gradient, precision, product)
