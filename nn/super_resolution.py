"""The ×8 super-resolution network, electronic or optical, with one set of parameters for both.

``c1`` (3→4, 3×3) and ELU; three `UpsampleBlock` s of depth 4 and length 4, 2 and 1; ``cf`` (4→3,
1×1) without activation.  11,183 parameters; 29,798,400 multiply-accumulates in its convolutions
for 32×32 → 256×256.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from nn.upsample import channel_upsample2d, icnr_

if TYPE_CHECKING:
    from nn.functional import PaddingMode
    from nn.optics import OpticsLike

__all__ = ["SuperResolutionModel", "UpsampleBlock", "available_weights"]


def _convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    padding: int,
    padding_mode: PaddingMode,
    optical: bool,
    optics: OpticsLike,
) -> nn.Conv2d:
    """One convolution layer of the network, on the device if `optical`."""
    if optical:
        from nn.modules import OpticalConv2d

        return OpticalConv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=padding,
            padding_mode=padding_mode,
            optics=optics,
        )
    return nn.Conv2d(
        in_channels, out_channels, kernel_size, padding=padding, padding_mode=padding_mode
    )


class UpsampleBlock(nn.Module):
    """Convolutions, a nearest-neighbour residual and a sub-pixel enlargement ×2.

    `length` convolutions (depth → 4·depth, then 4·depth → 4·depth), each followed by ELU; the
    block's input is added to the four sub-channels of each channel (channel ``4c+s`` gets input
    channel ``c``); `channel_upsample2d` makes ``depth`` channels of twice the size of that.

    Parameters
    ----------
    depth : int
        Channels in and out.
    length : int
        Number of convolutions, at least 1.
    kernel_size, padding : int
        Of every convolution; ``kernel_size == 2 * padding + 1``, so that the size is kept.
    optical : bool
        Whether the convolutions run on an optical device.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
    optics : Device, str or None
        The device, its URI, or None for the shared default device; unused unless `optical`.

    Raises
    ------
    ValueError
        If `length` is below 1 or the convolutions would not keep the size.
    """

    def __init__(
        self,
        depth: int,
        length: int,
        kernel_size: int,
        padding: int,
        optical: bool = False,
        padding_mode: PaddingMode = "replicate",
        optics: OpticsLike = None,
    ) -> None:
        super().__init__()
        if length < 1:
            raise ValueError(f"an upsample block needs at least one convolution, got {length}")
        if kernel_size != 2 * padding + 1:
            raise ValueError(
                "the residual needs convolutions that keep the size, kernel_size = 2*padding + 1; "
                f"got kernel_size={kernel_size}, padding={padding}"
            )
        inner = 4 * depth
        self.conv_layers = nn.ModuleList(
            _convolution(
                depth if index == 0 else inner,
                inner,
                kernel_size,
                padding,
                padding_mode,
                optical,
                optics,
            )
            for index in range(length)
        )
        self._equalise_groups()

    def _equalise_groups(self) -> None:
        """Checkerboard-free start: ICNR on the last convolution's kernels and biases."""
        last = self.conv_layers[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        icnr_(last.weight)
        icnr_(last.bias)

    @torch.no_grad()
    def scale_start(self, factor: float) -> None:
        """Weaken what the convolutions add to the residual, before training."""
        last = self.conv_layers[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        last.weight.mul_(factor)
        last.bias.mul_(factor)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge ``(n, depth, H, W)`` to ``(n, depth, 2H, 2W)``."""
        hidden = input
        for convolution in self.conv_layers:
            hidden = functional.elu(convolution(hidden))
        return channel_upsample2d(hidden + input.repeat_interleave(4, dim=-3))


class SuperResolutionModel(nn.Module):
    """Enlarge RGB pictures ×8.

    Keys of the state dict: ``c1``, ``c_stem.i.conv_layers.j``, ``cf``, each with ``weight`` and
    ``bias``; the same for the electronic and the optical network, so one checkpoint runs on both.
    The last layer has no activation: outputs may leave [0, 1] a little; clamp them for display.

    Parameters
    ----------
    optical : bool
        Whether every convolution runs on an optical device.
    optics : Device, str or None
        The device, its URI, or None for the shared default device (opened and calibrated once).
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        Of every 3×3 layer; the shipped weights were trained with "replicate".
    """

    scale = 8

    def __init__(
        self,
        optical: bool = False,
        optics: OpticsLike = None,
        *,
        padding_mode: PaddingMode = "replicate",
    ) -> None:
        super().__init__()
        depth = 4
        self.c1 = _convolution(3, depth, 3, 1, padding_mode, optical, optics)
        self.c_stem = nn.ModuleList(
            UpsampleBlock(depth, length, 3, 1, optical, padding_mode, optics)
            for length in (4, 2, 1)
        )
        self.cf = _convolution(depth, 3, 1, 0, padding_mode, optical, optics)
        self._start_near_nearest_neighbour()

    @torch.no_grad()
    def _start_near_nearest_neighbour(self) -> None:
        """Begin close to what the residuals alone would do: a nearest-neighbour enlargement.

        ``c1`` and ``cf`` pass red, green and blue through, and the convolutions of the blocks add
        a tenth of their usual start (ICNR's equal groups stay equal).  Five epochs from here
        reach the validation PSNR of fifty from torch's own start.
        """
        colours = torch.arange(3)
        for layer in (self.c1, self.cf):
            layer.weight.mul_(0.1)
            layer.weight[
                colours, colours, layer.kernel_size[0] // 2, layer.kernel_size[1] // 2
            ] += 1
            assert layer.bias is not None
            layer.bias.zero_()
        for block in self.c_stem:
            assert isinstance(block, UpsampleBlock)
            block.scale_start(0.1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Enlarge a batch of pictures.

        Parameters
        ----------
        input : torch.Tensor, shape (n, 3, H, W), floating point
            RGB in [0, 1], any size from 1×1.

        Returns
        -------
        torch.Tensor, shape (n, 3, 8*H, 8*W), dtype of `input`

        Raises
        ------
        ValueError
            If `input` is not (n, 3, H, W).
        TypeError
            If `input` is not a floating-point tensor (divide 8-bit pictures by 255).
        """
        if not isinstance(input, torch.Tensor) or not input.is_floating_point():
            kind = input.dtype if isinstance(input, torch.Tensor) else type(input).__name__
            raise TypeError(f"pictures must be floating-point tensors in [0, 1], got {kind}")
        if input.ndim != 4 or input.shape[1] != 3 or 0 in input.shape[2:]:
            raise ValueError(
                f"pictures must have shape (n, 3, H, W), H and W >= 1, got {tuple(input.shape)}"
            )
        hidden = functional.elu(self.c1(input))
        for block in self.c_stem:
            hidden = block(hidden)
        output: torch.Tensor = self.cf(hidden)
        return output

    @classmethod
    def from_pretrained(
        cls, name: str = "original", *, optical: bool = False, optics: OpticsLike = None
    ) -> SuperResolutionModel:
        """The network with weights that come with the package, in eval mode.

        Parameters
        ----------
        name : str
            One of `available_weights`; what it was trained on and what it reaches is in the JSON
            file of that name beside it.
        optical, optics
            As in the constructor.

        Raises
        ------
        ValueError
            If there are no weights of that name.
        """
        from safetensors.torch import load

        if name not in available_weights():
            known = ", ".join(available_weights()) or "none"
            raise ValueError(f"no weights named {name!r} come with the package; known: {known}")
        data = (resources.files("nn") / "weights" / f"{name}.safetensors").read_bytes()
        model = cls(optical=optical, optics=optics)
        model.load_state_dict(load(data))
        return model.eval()


def available_weights() -> tuple[str, ...]:
    """Names that `SuperResolutionModel.from_pretrained` accepts."""
    suffix = ".safetensors"
    folder = resources.files("nn") / "weights"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix)))
