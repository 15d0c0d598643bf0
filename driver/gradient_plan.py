"""What the gradients of a convolution cost on the device, beyond the convolution itself."""

from __future__ import annotations

from dataclasses import dataclass

from driver.codec_macs import PILOT_MACS
from driver.glue_macs import (
    TAYLOR_MACS,
    fit_macs,
    moment_macs,
    picture_scaling_macs,
    product_scaling_macs,
    taps_macs,
)
from driver.plan import ConvolutionPlan, KernelPart
from driver.plan_macs import COMPLEX_MACS, kernel_macs, macs_per_item
from driver.spectral import half_width
from driver.tracking import PILOT_PERIOD

__all__ = ["GradientPlan"]


@dataclass(frozen=True)
class GradientPlan:
    """Frames and MACs of `driver.gradients.convolve2d_gradients`.

    With ``product="optical"`` each pair of channels takes frames of its own: for the input two
    tiles share one, for the kernels two planes of a tile.

    In layout 4f the input's gradient takes a frame for each pair of channels, as the convolution
    does, and the kernels' gradient is a matrix product.

    Attributes
    ----------
    plan : ConvolutionPlan
        Of the convolution; kept with all halos carried by light (`ConvolutionPlan.with_halos`).
    wanted : (bool, bool)
        The input's and the kernels' gradients.
    """

    plan: ConvolutionPlan
    wanted: tuple[bool, bool] = (True, True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plan", self.plan.with_halos)

    @property
    def _in_one_pass(self) -> bool:
        return self.plan.layout == "4f"

    def chunks(self, part: KernelPart) -> list[tuple[int, int]]:
        """Runs of tiles of one kernel part that pass through the device together."""
        return self.plan.chunks(part)

    @property
    def cotangent_frames(self) -> int:
        """Frames of the output's gradient."""
        if not any(self.wanted) or self._in_one_pass:
            return 0
        return self.plan.frames_of(self.plan.outputs) * self.plan.precision.pictures.frames_per_item

    @property
    def picture_frames(self) -> int:
        """Frames of the input, once more: for the kernels' gradient."""
        return self.plan.picture_frames if self.wanted[1] and not self._in_one_pass else 0

    @property
    def product_frames(self) -> int:
        """Frames of the input's gradient and, where the chip multiplies, of the kernels'."""
        options = self.plan.precision
        passed = options.pictures if self._in_one_pass else options.products
        return self._product_items * passed.frames_per_item

    @property
    def _product_items(self) -> int:
        plan, (of_input, of_kernel) = self.plan, self.wanted
        if self._in_one_pass:
            return of_input * plan.pair_frames
        if not plan.chip_multiplies:
            return of_input * plan.frames_of(plan.planes)
        return of_input * plan.pair_frames + of_kernel * self._correlation_frames

    @property
    def _correlation_frames(self) -> int:
        """Frames of every tile's pairs of an output channel with one or two planes."""
        plan = self.plan
        planes = plan.planes // plan.groups
        per_output = -(-planes // 2) if plan.precision.pack else planes
        return plan.tiles * plan.outputs * per_output

    @property
    def frames(self) -> int:
        """Data frames; pilots and retries come on top."""
        return self.cotangent_frames + self.picture_frames + self.product_frames

    @property
    def pilots(self) -> int:
        """Pilot frames, one per `PILOT_PERIOD` begun."""
        return -(-self.frames // PILOT_PERIOD)

    @property
    def electronic_macs(self) -> int:
        """Real MACs of the electronics, by the rules of `driver.macs` and `driver.glue_macs`."""
        if self._in_one_pass:
            return self._macs_in_one_pass()
        plan, of_kernel = self.plan, self.wanted[1]
        bins, pixels = plan.grid * half_width(plan.grid), plan.grid**2
        pairs, into = plan.pairs, picture_scaling_macs(pixels, bins)
        macs = plan.tiles * (plan.outputs + plan.planes * of_kernel) * into
        for part in plan.parts:
            for height, width, count in part.layout.sizes():
                macs += count * plan.outputs * moment_macs((height, width))
                if of_kernel:
                    size = (height + part.extent[0] - 1, width + part.extent[1] - 1)
                    macs += count * (plan.planes * fit_macs(size) + TAYLOR_MACS * pairs)
        macs += self._macs_on_chip(bins) if plan.chip_multiplies else self._product_macs(bins)
        items = plan.frames_of(plan.outputs) * any(self.wanted)
        items += plan.frames_of(plan.planes) * of_kernel
        codec = items * macs_per_item(plan.precision.pictures)
        codec += self._product_items * macs_per_item(
            plan.precision.products, operand=plan.chip_multiplies
        )
        return macs + pixels * (codec + PILOT_MACS * self.pilots)

    def _product_macs(self, bins: int) -> int:
        """Products of spectra, and what takes them to frames and back or to the taps."""
        plan, (of_input, of_kernel) = self.plan, self.wanted
        macs = (of_input + of_kernel) * COMPLEX_MACS * bins * plan.tiles * plan.pairs
        if of_input:
            macs += plan.tiles * plan.planes * product_scaling_macs(plan.grid**2, bins)
            macs += sum(kernel_macs(plan, p) for p in plan.parts if plan.forms_kernels(p))
        if of_kernel:
            macs += plan.pairs * sum(
                taps_macs(plan.grid, (part.rows, part.columns)) for part in plan.parts
            )
        return macs

    def _macs_on_chip(self, bins: int) -> int:
        """Energy and scale of each spectrum into its frame, and the scale out of what is read."""
        plan, (of_input, of_kernel) = self.plan, self.wanted
        macs = 0
        if of_input:
            macs += plan.tiles * (plan.outputs * 4 * bins + plan.pairs * plan.grid**2)
        if of_kernel:
            macs += plan.tiles * (plan.planes + plan.outputs) * 4 * bins
            macs += plan.pairs * sum(
                part.layout.tiles * part.rows * part.columns for part in plan.parts
            )
        return macs

    def _macs_in_one_pass(self) -> int:
        plan, (of_input, of_kernel) = self.plan, self.wanted
        pixels, macs = plan.grid**2, plan.macs.gemm if of_kernel else 0
        if of_input:
            # Energy and scale into a frame, the scale out of each pair's picture; no moments.
            macs += plan.tiles * pixels * (2 * plan.outputs + plan.pairs)
            macs += plan.pair_frames * pixels * macs_per_item(plan.precision.pictures, operand=True)
        return macs + pixels * PILOT_MACS * self.pilots
