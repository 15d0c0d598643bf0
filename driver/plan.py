"""What a convolution costs on the device: tiles, frames, exposures, MACs, device time and energy.

`ConvolutionPlan` is built from shapes and options alone and is the only place where these are
counted. `driver.convolution` executes the plan, so what it exposes is what the plan says; reports
and benchmarks read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from driver.codec_macs import DRIFT_MACS, PILOT_MACS, decode_macs, encode_macs
from driver.convolution_shapes import (
    MOST,
    check_padding,
    check_shapes,
    known_padding_mode,
    padding_sides,
    pair,
)
from driver.errors import CapabilityError, ShapeError, ValueRangeError
from driver.glue_macs import picture_scaling_macs, polynomial_macs, product_scaling_macs
from driver.info import Timing
from driver.kernel_parts import KernelPart, kernel_parts
from driver.macs import Macs
from driver.numbers import shown, whole
from driver.precision import PassOptions, Precision, preset
from driver.sampling import Sampling, by_phases, dense
from driver.spectral import half_width
from driver.spectral_macs import REAL_MACS, SpectralConvention
from driver.tracking import PILOT_PERIOD

__all__ = ["COMPLEX_MACS", "ConvolutionPlan", "KernelPart", "Macs", "macs_per_item"]

#: Real MACs per complex product.
COMPLEX_MACS = 4

#: Numbers of a padded input, batch and channels together: 8 GiB of float32.
LARGEST_INPUT = 1 << 31


@dataclass(frozen=True)
class ConvolutionPlan:
    """One two-dimensional convolution on an N×N device, fully determined by shapes and options.

    Build it with `for_shapes`. Sizes are (rows, columns).

    Attributes
    ----------
    grid : int
        N.
    batch, inputs, outputs, groups : int
        Pictures, channels in and out, and channel groups.
    kernel, stride, dilation : (int, int)
    padding : (int, int, int, int)
        Pixels added electronically at top, bottom, left, right.
    padding_mode : str
    size, padded, output : (int, int)
        Sizes of the picture, of the padded picture and of the result.
    dense : (int, int)
        Size of what is computed, of which `sampling.stride` takes the result.
    sampling : Sampling
        Which pixels each plane takes: how a stride is spared (`driver.sampling`).
    parts : tuple of KernelPart
    precision : Precision
    reference_steps : int
        Steps of one exposure, each a camera read-out of its own.
    layout : str
        "mft": two passes; "4f": one for each pair of channels, exposed as `precision.pictures`.
    product : str
        What multiplies spectra in layout mft, "electronic" or "optical": the second pass then takes
        a frame for each pair of channels.
    """

    grid: int
    batch: int
    inputs: int
    outputs: int
    groups: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    padding_mode: str
    size: tuple[int, int]
    padded: tuple[int, int]
    output: tuple[int, int]
    dense: tuple[int, int]
    sampling: Sampling
    parts: tuple[KernelPart, ...]
    precision: Precision
    reference_steps: int = 4
    layout: str = "mft"
    product: str = "electronic"

    @staticmethod
    def for_shapes(
        input_shape: tuple[int, ...],
        weight_shape: tuple[int, ...],
        *,
        grid: int,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
        precision: str | Precision = "balanced",
        pack: bool | None = None,
        reference_steps: int = 4,
        layout: str = "mft",
        product: str = "electronic",
    ) -> ConvolutionPlan:
        """Plan ``conv2d`` of an input (B, Cin, H, W) with a weight (Cout, Cin/groups, kh, kw).

        Options mean what they mean in ``torch.nn.Conv2d``. ``pack`` overrides the preset's packing
        of two real pictures in a frame; ``reference_steps`` is the device's
        (`driver.DeviceInfo.reference_steps`), and so is ``layout``; ``product`` as in
        `driver.convolution.convolve2d`.

        Raises
        ------
        ShapeError
            If the shapes do not fit together.
        ValueRangeError
            If an option is not one of those allowed.
        """
        return _plan(
            tuple(input_shape),
            tuple(weight_shape),
            grid,
            pair(stride, "stride", 1),
            padding if isinstance(padding, str) else pair(padding, "padding", 0),
            pair(dilation, "dilation", 1),
            whole(groups, "groups", 1, MOST),
            known_padding_mode(padding_mode),
            preset(precision, pack, product, layout),
            whole(reference_steps, "reference_steps", 1, 4),
            layout,
            product,
        )

    @property
    def tiles(self) -> int:
        """Tiles per channel, over all kernel parts."""
        return sum(part.layout.tiles for part in self.parts)

    @property
    def planes(self) -> int:
        """Pictures of pass 1 in a tile: input channels, times the phases of a stride."""
        return self.inputs * len(self.sampling.phases)

    @cached_property
    def output_sources(self) -> NDArray[np.uint32]:
        """As `KernelPart.sources`, for the output."""
        sources = np.zeros((self.outputs, 3), np.uint32)
        sources[:, 0] = np.arange(self.outputs)
        return sources

    @property
    def pairs(self) -> int:
        """Pairs of a plane and an output channel that are convolved."""
        return self.planes * self.outputs // self.groups

    @property
    def unpacked(self) -> ConvolutionPlan:
        """The plan with one picture in a frame."""
        return replace(self, precision=replace(self.precision, pack=False))

    @property
    def chip_multiplies(self) -> bool:
        """Whether the second stage shows kernels' spectra, a frame for each pair of channels."""
        return self.layout == "4f" or self.product == "optical"

    @property
    def pair_frames(self) -> int:
        """Frames of every tile of every pair of channels, where tiles of one plane share frames."""
        per_frame = 2 if self.precision.pack else 1
        return self.pairs * sum(
            -(-(last - first) // per_frame)
            for part in self.parts
            for first, last in self.chunks(part)
        )

    @property
    def picture_frames(self) -> int:
        """Frames of pass 1: every tile of every plane; in layout 4f, of every pair of channels."""
        items = self.pair_frames if self.layout == "4f" else self.frames_of(self.planes)
        return items * self.precision.pictures.frames_per_item

    @property
    def product_frames(self) -> int:
        """Frames of pass 2: every tile of every output channel or, on the chip, of every pair."""
        if self.layout == "4f":
            return 0
        items = self.pair_frames if self.chip_multiplies else self.frames_of(self.outputs)
        return items * self.precision.products.frames_per_item

    @property
    def frames(self) -> int:
        """Data frames of both passes; pilots and retries come on top."""
        return self.picture_frames + self.product_frames

    @property
    def pilots(self) -> int:
        """Pilot frames of drift tracking, one per `PILOT_PERIOD` begun.

        A device counts frames across calls, and takes another when its last pilot is old: telemetry
        tells what was really taken.
        """
        return -(-self.frames // PILOT_PERIOD)

    @property
    def exposures(self) -> int:
        """Camera exposures of data and pilot frames, every reference step counted."""
        return self.reference_steps * (self._merged + self.pilots)

    @property
    def macs(self) -> Macs:
        """Multiply-accumulates, with their conventions in `Macs`."""
        pairs = self.inputs * self.outputs // self.groups
        plane_pairs = self.planes * self.outputs // self.groups
        pixels, bins = self.grid**2, self.grid * half_width(self.grid)
        polynomial = sum(
            count * polynomial_macs((h, w), part.extent, plane_pairs, self.planes, self.outputs)
            for part in self.parts
            for h, w, count in part.layout.sizes()
        )
        return Macs(
            gemm=self.batch * self.output[0] * self.output[1] * pairs * prod(self.kernel),
            spectral=0 if self.chip_multiplies else COMPLEX_MACS * bins * self.tiles * plane_pairs,
            # Rows of the transform take real taps (2 real MACs), columns complex ones.
            kernels=plane_pairs
            * sum(
                2 * self.grid * part.rows * part.columns + COMPLEX_MACS * bins * part.columns
                for part in self.parts
            ),
            polynomial=polynomial,
            scaling=self._scaling_macs(pixels, bins),
            codec=pixels * (self._codec_macs() + PILOT_MACS * self.pilots),
        )

    def _scaling_macs(self, pixels: int, bins: int) -> int:
        if self.layout == "4f":
            # Energy and scale into a frame, the scale out of each pair's picture.
            return self.tiles * pixels * (2 * self.planes + self.pairs)
        pictures = self.planes * picture_scaling_macs(pixels, bins)
        if self.chip_multiplies:
            # Energy and scale of each spectrum, both complex, into a frame, and as above.
            return self.tiles * (pictures + self.planes * 4 * bins + self.pairs * pixels)
        return self.tiles * (pictures + self.outputs * product_scaling_macs(pixels, bins))

    def _codec_macs(self) -> int:
        """Of all data frames, a pixel."""
        pictures, products = self.precision.pictures, self.precision.products
        if self.layout == "4f":
            return self.pair_frames * macs_per_item(pictures, operand=True)
        back = (
            self.pair_frames * macs_per_item(products, operand=True)
            if self.chip_multiplies
            else self.frames_of(self.outputs) * macs_per_item(products)
        )
        return self.frames_of(self.planes) * macs_per_item(pictures) + back

    def spectral_macs(
        self, convention: SpectralConvention = REAL_MACS, *, tiled: bool = True
    ) -> int:
        """MACs of the products between spectra in a convention of the literature.

        Parameters
        ----------
        convention : SpectralConvention
        tiled : bool
            On this device's tiles, rims included (``macs.spectral`` in the default convention); or
            on spectra of whole padded pictures, as if the device were as large as each of them.
        """
        pairs = self.inputs * self.outputs // self.groups
        if tiled:
            planes = len(self.sampling.phases)
            return planes * pairs * self.tiles * convention.macs(self.grid, self.grid)
        return pairs * self.batch * convention.macs(*self.padded)

    def device_time_s(self, timing: Timing) -> float:
        """Seconds of device time for data and pilot frames."""
        pictures, products = self.precision.pictures, self.precision.products
        steps = self.reference_steps
        microseconds = (
            self.picture_frames * timing.frame_us(pictures.exposures_per_frame, steps)
            + self.product_frames * timing.frame_us(products.exposures_per_frame, steps)
            + self.pilots * timing.frame_us(1, steps)
        )
        return microseconds * 1e-6

    def energy_j(self, timing: Timing, power_w: float) -> float:
        """Joules of a device that draws ``power_w`` watts while it works."""
        return power_w * self.device_time_s(timing)

    def chunks(self, part: KernelPart) -> list[tuple[int, int]]:
        """Runs of tiles of one kernel part that pass through the device together."""
        return part.chunks(self.planes + self.outputs)

    @property
    def _merged(self) -> int:
        """Exposures of data frames, all their steps one."""
        pictures, products = self.precision.pictures, self.precision.products
        return (
            self.picture_frames * pictures.exposures_per_frame
            + self.product_frames * products.exposures_per_frame
        )

    def frames_of(self, channels: int) -> int:
        """Frames that all tiles of so many channels take."""
        per_frame = 2 if self.precision.pack else 1
        return sum(
            -(-(last - first) * channels // per_frame)
            for part in self.parts
            for first, last in self.chunks(part)
        )


def macs_per_item(options: PassOptions, *, operand: bool = False) -> int:
    """Real MACs per pixel of one target's way through a pass, alone or beside an operand."""
    decode = options.frames_per_item * decode_macs(options.exposures_per_frame)
    return encode_macs(options.residual, operand=operand) + decode + DRIFT_MACS


@lru_cache(maxsize=512)
def _plan(
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    grid: int,
    stride: tuple[int, int],
    padding: str | tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    padding_mode: str,
    precision: Precision,
    reference_steps: int,
    layout: str,
    product: str,
) -> ConvolutionPlan:
    if layout not in ("mft", "4f"):
        raise ValueRangeError(f"layout is 'mft' or '4f', not {layout!r}")
    if product not in ("electronic", "optical"):
        raise ValueRangeError(f"product is 'electronic' or 'optical', not {shown(product)}")
    check_shapes(input_shape, weight_shape, groups)
    if grid < 2:
        raise CapabilityError(f"a {grid}×{grid} device cannot convolve")
    batch, inputs, *size = input_shape
    outputs, _, *taps = weight_shape
    kernel = (taps[0], taps[1])
    pads = padding_sides(padding, kernel, stride, dilation)
    check_padding(padding_mode, (size[0], size[1]), pads)
    padded = (size[0] + pads[0] + pads[1], size[1] + pads[2] + pads[3])
    extent = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    if padded[0] < extent[0] or padded[1] < extent[1]:
        raise ShapeError(
            f"the kernel reaches over {extent[0]}×{extent[1]} pixels, more than the padded input's "
            f"{padded[0]}×{padded[1]}"
        )
    if batch * max(inputs, 1) * padded[0] * padded[1] > LARGEST_INPUT:
        raise ValueRangeError(
            f"the padded input would have {batch}×{inputs}×{padded[0]}×{padded[1]} numbers; "
            f"at most {LARGEST_INPUT} go through one call"
        )
    output = tuple((p - e) // s + 1 for p, e, s in zip(padded, extent, stride, strict=True))
    candidates = {sampling(kernel, stride, dilation) for sampling in (dense, by_phases)}
    plans = [
        ConvolutionPlan(
            grid=grid,
            batch=batch,
            inputs=inputs,
            outputs=outputs,
            groups=groups,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            padding=pads,
            padding_mode=padding_mode,
            size=(size[0], size[1]),
            padded=padded,
            output=(output[0], output[1]),
            dense=_dense(output, sampling.stride),
            sampling=sampling,
            parts=kernel_parts(
                grid, batch, inputs, groups, sampling, _dense(output, sampling.stride), padded
            ),
            precision=precision,
            reference_steps=reference_steps,
            layout=layout,
            product=product,
        )
        for sampling in candidates
    ]
    # Both give the same; small pictures may need no fewer tiles by phases, and more planes.
    return min(plans, key=lambda plan: (plan.frames, plan.planes))


def _dense(output: tuple[int, ...], stride: tuple[int, int]) -> tuple[int, int]:
    return (output[0] - 1) * stride[0] + 1, (output[1] - 1) * stride[1] + 1
