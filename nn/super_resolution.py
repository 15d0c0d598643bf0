"""The ×8 super-resolution network, electronic or optical, with one set of parameters for both.

``c1`` (3→4, 3×3) and ELU; three `UpsampleBlock` s of depth 4 and length 4, 2 and 1; ``cf`` (4→3,
1×1) without activation.  11,183 parameters; 29,798,400 multiply-accumulates in its convolutions
for 32×32 → 256×256.  Stacked deeper, longer or more often it is `nn.networks`' form "stacked".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn
from torch.nn import functional

from nn.networks.layer import check_pictures, convolution_layer
from nn.upsample import channel_upsample2d, icnr_

if TYPE_CHECKING:
    from nn.functional import PaddingMode
    from nn.optics import OpticsLike

__all__ = ["SuperResolutionModel", "UpsampleBlock"]


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
        self.conv_layers = nn.ModuleList(
            convolution_layer(*shape, padding_mode=padding_mode, optical=optical, optics=optics)
            for shape in self.layer_shapes(depth, length, kernel_size)
        )
        self._equalise_groups()

    @staticmethod
    def layer_shapes(depth: int, length: int, kernel_size: int) -> list[tuple[int, int, int]]:
        """Channels in, channels out and kernel size of each convolution."""
        inner = 4 * depth
        return [(inner if index else depth, inner, kernel_size) for index in range(length)]

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
            hidden = functional.elu(convolution(hidden), inplace=not torch.is_grad_enabled())
        # In place, and no enlarged copy of the input: the last block's activations are the largest.
        hidden.unflatten(-3, (-1, 4)).add_(input.unsqueeze(-3))
        return channel_upsample2d(hidden)


class SuperResolutionModel(nn.Module):
    """Enlarge RGB pictures, by default ×8 with the original's 11,183 parameters.

    Keys of the state dict: ``c1``, ``c_stem.i.conv_layers.j``, ``cf``, each with ``weight`` and
    ``bias``; the same for the electronic and the optical network, so one checkpoint runs on both.
    The last layer has no activation: outputs may leave [0, 1] a little; clamp them for display.

    Parameters
    ----------
    optical : bool
        Whether every convolution runs on an optical device.
    optics : Device, str or None
        The device, its URI, or None for the shared default device (opened and calibrated once).
    depth : int
        Channels between the blocks, at least 3, for red, green and blue pass through.
    lengths : sequence of int
        Convolutions of each block, one block per doubling of the size.
    kernel_size : int
        Of ``c1`` and of the blocks, odd.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        Of every layer but ``cf``; the shipped weights were trained with "replicate".

    Attributes
    ----------
    scale : int
        Enlargement, ``2 ** len(lengths)``.
    halo : int
        Pixels of the input beyond which an output pixel doesn't depend on it.

    Raises
    ------
    ValueError
        If `depth` is below 3, `lengths` is empty or the kernel even.
    """

    block: ClassVar[type[UpsampleBlock]] = UpsampleBlock
    """What doubles the size."""

    def __init__(
        self,
        optical: bool = False,
        optics: OpticsLike = None,
        *,
        depth: int = 4,
        lengths: Sequence[int] = (4, 2, 1),
        kernel_size: int = 3,
        padding_mode: PaddingMode = "replicate",
    ) -> None:
        super().__init__()
        if depth < 3:
            raise ValueError(f"red, green and blue pass through: depth must be >= 3, got {depth}")
        if not lengths:
            raise ValueError("an enlarging network needs at least one upsample block")
        self.scale = 2 ** len(lengths)
        radius = kernel_size // 2
        self.halo = radius + math.ceil(sum(n * radius / 2**i for i, n in enumerate(lengths)))
        self.c1 = convolution_layer(
            3, depth, kernel_size, padding_mode=padding_mode, optical=optical, optics=optics
        )
        self.c_stem = nn.ModuleList(
            self.block(depth, length, kernel_size, radius, optical, padding_mode, optics)
            for length in lengths
        )
        self.cf = convolution_layer(
            depth, 3, 1, padding_mode=padding_mode, optical=optical, optics=optics
        )
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
        torch.Tensor, shape (n, 3, scale*H, scale*W), dtype of `input`

        Raises
        ------
        ValueError
            If `input` is not (n, 3, H, W).
        TypeError
            If `input` is not a floating-point tensor (divide 8-bit pictures by 255).
        """
        check_pictures(input)
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
            One of `nn.available_weights` of this network; `nn.model_card` tells what it was trained
            on and what it reaches.
        optical, optics
            As in the constructor.

        Raises
        ------
        ValueError
            If there are no weights of that name, or they are another network's.
        """
        from nn.pretrained import load_pretrained

        model = load_pretrained(name, optical=optical, optics=optics)
        if not isinstance(model, cls):
            raise ValueError(
                f"{name!r} is a {type(model).__name__}: nn.load_pretrained({name!r}) loads it"
            )
        return model
