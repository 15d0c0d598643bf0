"""What a convolution costs on the device: tiles, frames, exposures, MACs, device time and energy.

`ConvolutionPlan` is built from shapes and options alone and is the only place where these are
counted. `driver.convolution` executes the plan, so what it exposes is what the plan says; reports
and benchmarks read it.

Of the ways to do a convolution, the plan takes the one with the fewest frames: a stride by phases
or not (`driver.sampling`), and halos of tiles carried by light or left to electronics along rows
and columns (`driver.cutting`). Electronics may take halos over only where they have no more to do
in all than with halos carried, since each frame spared is one less to encode and decode, and where
seven eighths of the products are left to light.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from itertools import product as product_of

import numpy as np
from numpy.typing import NDArray

from driver.convolution_shapes import MOST, ConvolutionShapes, known_padding_mode, pair
from driver.errors import CapabilityError, ValueRangeError
from driver.info import Timing
from driver.kernel_parts import KernelPart, kernel_parts
from driver.macs import Macs
from driver.numbers import shown, whole
from driver.plan_macs import macs_of
from driver.precision import Precision, preset
from driver.sampling import Sampling, by_phases, dense
from driver.spectral import FORMED_TAPS
from driver.spectral_macs import REAL_MACS, SpectralConvention
from driver.tracking import PILOT_PERIOD

__all__ = ["ConvolutionPlan", "KernelPart", "Macs"]

#: Of a convolution's products as a matrix product: most that electronics may do at seams.
LARGEST_SHARE = 1 / 8


@dataclass(frozen=True)
class ConvolutionPlan(ConvolutionShapes):
    """One two-dimensional convolution on an N×N device, fully determined by shapes and options.

    Build it with `for_shapes`. Sizes are (rows, columns).

    Attributes
    ----------
    grid : int
        N.
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
    def with_halos(self) -> ConvolutionPlan:
        """The plan with all halos carried by light, as gradients need them."""
        if not any(part.has_seams for part in self.parts):
            return self
        parts = _parts(self.grid, self, self.sampling, self.dense, (True, True))
        return replace(self, parts=parts, precision=replace(self.precision, seams=False))

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
        return macs_of(self)

    def spectral_macs(
        self, convention: SpectralConvention = REAL_MACS, *, tiled: bool = True
    ) -> int:
        """MACs of the products between spectra in a convention of the literature.

        Parameters
        ----------
        convention : SpectralConvention
        tiled : bool
            On this device's tiles, rims and what closes seams included (``macs.spectral`` and
            ``macs.seams`` in the default convention); or
            on spectra of whole padded pictures, as if the device were as large as each of them.
        """
        pairs = self.inputs * self.outputs // self.groups
        if tiled:
            planes = len(self.sampling.phases)
            products = planes * pairs * self.tiles * convention.macs(self.grid, self.grid)
            return products + self.macs.seams
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
        return part.chunks(self.planes, self.outputs)

    def forms_kernels(self, part: KernelPart) -> bool:
        """Whether new kernels' spectra are formed while they are multiplied, and not kept.

        Of few taps, where one run of tiles needs them: then that takes less time than to write and
        read them.  Kernels that come again are worth keeping (`driver.kernels`).
        """
        few = part.rows * part.columns <= FORMED_TAPS
        return few and not self.chip_multiplies and len(self.chunks(part)) == 1

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
    shapes = ConvolutionShapes.checked(
        input_shape, weight_shape, stride, padding, dilation, groups, padding_mode
    )
    if grid < 2:
        raise CapabilityError(f"a {grid}×{grid} device cannot convolve")

    def planned(sampling: Sampling, carried: tuple[bool, bool]) -> ConvolutionPlan:
        size = _dense(shapes.output, sampling.stride)
        return ConvolutionPlan(
            **{field.name: getattr(shapes, field.name) for field in fields(shapes)},
            grid=grid,
            dense=size,
            sampling=sampling,
            parts=_parts(grid, shapes, sampling, size, carried),
            precision=precision,
            reference_steps=reference_steps,
            layout=layout,
            product=product,
        )

    samplings = {sampling(shapes.kernel, stride, dilation) for sampling in (dense, by_phases)}
    # Both give the same; small pictures may need no fewer tiles by phases, and more planes.
    best = min(
        (planned(sampling, (True, True)) for sampling in samplings),
        key=lambda plan: (plan.frames, plan.planes),
    )
    if not precision.seams:
        return best
    most = best.macs.electronic
    for sampling, rows, columns in product_of(samplings, (False, True), (False, True)):
        if sampling.stride != (1, 1) or (rows and columns):
            continue
        plan = planned(sampling, (rows, columns))
        if plan.frames < best.frames:
            macs = plan.macs
            if macs.electronic <= most and macs.seams <= LARGEST_SHARE * macs.gemm:
                best = plan
    return best


def _parts(
    grid: int,
    shapes: ConvolutionShapes,
    sampling: Sampling,
    size: tuple[int, int],
    carried: tuple[bool, bool],
) -> tuple[KernelPart, ...]:
    return kernel_parts(
        grid, shapes.batch, shapes.inputs, shapes.groups, sampling, size, shapes.padded, carried
    )


def _dense(output: tuple[int, ...], stride: tuple[int, int]) -> tuple[int, int]:
    return (output[0] - 1) * stride[0] + 1, (output[1] - 1) * stride[1] + 1
