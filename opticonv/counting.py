"""MACs of a network's convolutions: as a matrix product, spectral, the better of both, tiled.

Every figure is `driver.plan.ConvolutionPlan`'s; here they are only added up, per picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from driver.gradient_plan import GradientPlan
from driver.plan import ConvolutionPlan
from driver.spectral_macs import REAL_MACS, SpectralConvention
from nn.layers import ConvolutionCall, watched
from opticonv.errors import CommandError
from opticonv.networks import Network

__all__ = ["LayerCount", "NetworkCount", "count_network"]


@dataclass(frozen=True)
class LayerCount:
    """One convolution: its plan for the whole batch, and the gradients that training takes.

    Attributes
    ----------
    wanted : (bool, bool)
        Whether the input's gradient is needed (anything before it is trained), and the weight's.
    """

    name: str
    kernel: str
    plan: ConvolutionPlan
    wanted: tuple[bool, bool]

    @property
    def passes(self) -> int:
        """Products of this size that a training step takes: forward, and each gradient."""
        return 1 + sum(self.wanted)

    def electronic(self, training: bool) -> int:
        """All that the device's electronics do for the batch.

        In training with both gradients by light, and kernels' spectra anew, since weights change.
        """
        macs = self.plan.macs
        if not training:
            return macs.electronic
        gradients = GradientPlan(self.plan, self.wanted).electronic_macs
        return macs.electronic + macs.kernels + gradients


@dataclass(frozen=True)
class NetworkCount:
    """MACs of one network per picture; all properties are of the whole network.

    Attributes
    ----------
    batch : int
        Pictures that share tiles; counts are divided by it.
    training : bool
        Whether gradients are counted as well: each is as many products as the forward pass, as a
        matrix product and spectrally.
    other_macs : int
        Of linear and transposed layers, which stay electronic either way.
    """

    name: str
    picture: tuple[int, int, int]
    grid: int
    batch: int
    training: bool
    convention: SpectralConvention
    layers: tuple[LayerCount, ...]
    other_macs: int

    def tiled_products(self, layer: LayerCount) -> float:
        """One layer's products on the device's tiles, per picture; gradients carry all halos."""
        forward = layer.plan.spectral_macs(self.convention)
        gradient = layer.plan.with_halos.spectral_macs(self.convention)
        return (forward + self.training * (layer.passes - 1) * gradient) / self.batch

    def of(self, layer: LayerCount, macs: int) -> float:
        """A count of one layer's plan, forward or training, per picture."""
        return macs * (layer.passes if self.training else 1) / self.batch

    def _sum(self, count: Callable[[ConvolutionPlan], int]) -> float:
        return sum(self.of(layer, count(layer.plan)) for layer in self.layers)

    @property
    def gemm(self) -> float:
        """Convolutions as matrix products."""
        return self._sum(lambda plan: plan.macs.gemm)

    @property
    def spectral(self) -> float:
        """Spectral products of whole pictures, transforms free."""
        return self.spectral_by(self.convention)

    def spectral_by(self, convention: SpectralConvention) -> float:
        """`spectral` in another convention."""
        return self._sum(lambda plan: plan.spectral_macs(convention, tiled=False))

    @property
    def best(self) -> float:
        """Each layer as a matrix product or spectrally, whichever is fewer."""
        return self._sum(
            lambda plan: min(plan.macs.gemm, plan.spectral_macs(self.convention, tiled=False))
        )

    @property
    def tiled(self) -> float:
        """Spectral products on the device's tiles, with what electronics do at their seams."""
        return sum(self.tiled_products(layer) for layer in self.layers)

    @property
    def best_tiled(self) -> float:
        """Each layer as a matrix product or spectrally on tiles, whichever is fewer."""
        return sum(
            min(self.of(layer, layer.plan.macs.gemm), self.tiled_products(layer))
            for layer in self.layers
        )

    @property
    def electronic(self) -> float:
        """All that the device's electronics do: also encoding and decoding (`LayerCount`)."""
        return sum(layer.electronic(self.training) for layer in self.layers) / self.batch

    @property
    def best_electronic(self) -> float:
        """The same, of those layers for which it is fewer than a matrix product."""
        return sum(
            min(self.of(layer, layer.plan.macs.gemm), layer.electronic(self.training) / self.batch)
            for layer in self.layers
        )


def count_network(
    network: Network,
    *,
    grid: int,
    batch: int = 128,
    training: bool = False,
    precision: str = "balanced",
    convention: SpectralConvention = REAL_MACS,
    reference_steps: int = 4,
    layout: str = "mft",
) -> NetworkCount:
    """Follow a network's shapes, without computing anything, and count.

    Raises
    ------
    CommandError
        If the network does not run on that picture.
    """
    model = network.on_meta()
    others: list[int] = []
    handles = [
        layer.register_forward_hook(_counter(layer, others, training)) for layer in model.modules()
    ]
    try:
        with watched(model) as calls, torch.enable_grad():
            model(torch.empty(1, *network.picture, device="meta"))
    except (RuntimeError, ValueError, TypeError) as error:
        size = "×".join(map(str, network.picture))
        raise CommandError(f"{network.name} does not run on a {size} picture: {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    return NetworkCount(
        name=network.name,
        picture=network.picture,
        grid=grid,
        batch=batch,
        training=training,
        convention=convention,
        layers=tuple(_layers(calls, grid, precision, batch, reference_steps, layout)),
        other_macs=sum(others),
    )


def _layers(
    calls: Iterable[ConvolutionCall],
    grid: int,
    precision: str,
    batch: int,
    reference_steps: int,
    layout: str,
) -> Iterable[LayerCount]:
    for call in calls:
        layer = call.layer
        size = "×".join(map(str, (*layer.kernel_size, layer.in_channels, layer.out_channels)))
        wanted = (call.input_needs_gradient, layer.weight.requires_grad)
        plan = call.plan(
            grid, precision, batch=batch, reference_steps=reference_steps, layout=layout
        )
        yield LayerCount(call.name, size, plan, wanted)


def _counter(
    layer: nn.Module, counts: list[int], training: bool
) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
    """A hook that counts the MACs of linear and transposed layers for one picture."""

    def note(_: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        if isinstance(layer, nn.Linear):
            macs = output.numel() * layer.in_features
        elif isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
            taps = layer.weight.shape[2:].numel()
            macs = inputs[0].numel() * layer.out_channels // layer.groups * taps
        else:
            return
        passes = 1 + layer.weight.requires_grad + inputs[0].requires_grad if training else 1
        counts.append(macs * passes)

    return note
