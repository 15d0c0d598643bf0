"""Gradients of a convolution by light: from the spectra of its input and of its output's gradient.

With ``y = conv2d(x, w)`` and the gradient g of y, cut where the outputs lie, with zeros around:

- input: each segment's ``g * w`` (a full convolution, so that it reaches over the segment's halo)
  takes one product with the conjugate of the kernel's spectrum and a pass back; segments overlap
  and are added up, through padding and sampling.
- kernel: ``dw[k] = sum_r g[r] x[r + k]`` at the taps alone is the correlation's spectrum
  ``X conj(G)``, summed over tiles, and a few rows and columns of its inverse transform: electronic.

What was taken off x as a polynomial comes back into dw by the moments of g, exactly.

With ``product="optical"`` the chip forms the products of spectra, a frame for each pair of channels
(`driver.optical_product`).

A device of layout 4f convolves g with the kernels in one pass (`driver.one_pass`).  Spectra its
camera does not see, and so it has no gradient of kernels.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from driver.chip_products import MultiplyingDevice, operands
from driver.convolution import (
    KERNELS,
    SupervisedDevice,
    as_array,
    in_float32,
    layout_of,
    threads_of,
    unit,
)
from driver.cutting import fold
from driver.errors import CapabilityError, ShapeError
from driver.gradient_plan import GradientPlan
from driver.kernels import Kernels
from driver.one_pass import cotangent_tiles
from driver.optical_product import correlate_on_chip, multiplied_cotangents
from driver.packing_rule import precision_for
from driver.passes import FourierDevice, cotangent_spectra, picture_spectra, product_frames
from driver.plan import ConvolutionPlan, KernelPart
from driver.precision import Precision
from driver.scratch import scratch
from driver.spectral import correlate_taps

__all__ = ["convolve2d_gradients"]

Float = NDArray[np.float32]

#: How dw at tap (k, l) depends on g's moments and a polynomial's coefficients (`driver.cutting`
#: orders both): monomial in (k, l), moment, coefficient, factor.
_TAYLOR = (
    *((0, i, i, 1.0) for i in range(6)),
    (1, 0, 1, 1.0),
    (1, 1, 2, 2.0),
    (1, 3, 4, 1.0),
    (2, 0, 2, 1.0),
    (3, 0, 3, 1.0),
    (3, 3, 5, 2.0),
    (3, 1, 4, 1.0),
    (4, 0, 4, 1.0),
    (5, 0, 5, 1.0),
)


def convolve2d_gradients(
    device: FourierDevice,
    grad_output: Any,
    x: Any,
    weight: Any,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    precision: str | Precision = "balanced",
    pack: bool | None = None,
    product: str = "electronic",
    wanted: tuple[bool, bool] = (True, True),
) -> tuple[Any, Any]:
    """Gradients of `driver.convolution.convolve2d` with respect to its input and its kernels.

    Parameters
    ----------
    device
        An open device; of layout 4f for the input's gradient alone.
    grad_output : (B, Cout, Ho, Wo), float32 or float64, NumPy array or torch CPU tensor
        The output's gradient.
    x : (B, Cin, H, W)
    weight : (Cout, Cin/groups, kh, kw)
    stride, padding, dilation, groups, padding_mode, precision, pack, product
        As in the convolution; in layout 4f gradients travel alone unless ``pack`` says otherwise.
    wanted : (bool, bool)
        Whether the input's and the kernels' gradients are wanted; `driver.gradient_plan` says what
        frames each needs.

    Returns
    -------
    grad_x, grad_weight
        Shaped as x and weight, of the kind that these are; None where not wanted.

    Raises
    ------
    ShapeError, DTypeError, NonFiniteError, ValueRangeError
        Before any frame is exposed.
    CapabilityError
        Before any frame is exposed: the device's laser is off, or the kernels' gradient is wanted
        of a device of layout 4f.
    BackendError
        After the last frame: no light reached the camera.
    """
    cotangent, _ = as_array(grad_output, "grad_output")
    pictures, restore_x = as_array(x, "input")
    kernels, restore_w = as_array(weight, "weight")
    layout = layout_of(device)
    if layout == "4f" and wanted[1]:
        raise CapabilityError(
            "the kernels' gradient by light needs spectra, which a 4f device's camera does not see"
            ": take the exact one, wanted=(True, False)"
        )
    if layout == "4f" and pack is None:
        pack = False  # a gradient has dark rims, and only alone does it get a pedestal
    plan = ConvolutionPlan.for_shapes(
        pictures.shape,
        kernels.shape,
        grid=device.n,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        precision=precision_for(device, precision, pack, product, layout),
        layout=layout,
        product=product,
    ).with_halos
    shape = (plan.batch, plan.outputs, *plan.output)
    if cotangent.shape != shape:
        raise ShapeError(f"grad_output {cotangent.shape} must have the output's shape, {shape}")
    if not any(wanted):
        return None, None
    threads = threads_of(device)
    units = [
        unit(array, name, threads)
        for array, name in ((cotangent, "grad_output"), (pictures, "input"), (kernels, "weight"))
    ]
    dy, xs, ws = (
        in_float32(array if one == 1 else array / one)
        for array, one in zip((cotangent, pictures, kernels), units, strict=True)
    )
    with device.one_job() if isinstance(device, SupervisedDevice) else nullcontext():
        dx, dw = _gradients(device, plan, _dense(plan, dy), xs, ws, wanted, threads)
    results: list[Any] = []
    for array, like, other, restore in (
        (dx, pictures, units[2], restore_x),
        (dw, kernels, units[1], restore_w),
    ):
        if array is None:
            results.append(None)
            continue
        scaled = array.astype(like.dtype, copy=False)
        if units[0] != 1 or other != 1:
            scaled = scaled * like.dtype.type(units[0]) * like.dtype.type(other)
        results.append(restore(scaled))
    return results[0], results[1]


def _dense(plan: ConvolutionPlan, dy: Float) -> Float:
    """The gradient of all that is computed, zero where a stride drops it."""
    if plan.dense == plan.output:
        return dy
    rows, columns = plan.sampling.stride
    dense = np.zeros((*dy.shape[:2], *plan.dense), np.float32)
    dense[:, :, ::rows, ::columns] = dy
    return dense


def _gradients(
    device: FourierDevice,
    plan: ConvolutionPlan,
    dy: Float,
    x: Float,
    weight: Float,
    wanted: tuple[bool, bool],
    threads: int,
) -> tuple[Float | None, Float | None]:
    dx = np.zeros(x.shape, np.float32) if wanted[0] else None
    groups = plan.groups
    of_planes = np.zeros(
        (groups, plan.outputs // groups, plan.planes // groups, *plan.sampling.kernel), np.float32
    )
    for part in plan.parts:
        kernels = KERNELS.get(weight, plan, part, threads, met_again=False)
        if plan.layout == "4f":
            assert dx is not None
            _fold_in_one_pass(device, plan, part, dy, kernels, dx, threads)
            continue
        of_part = np.zeros(kernels.weight.shape, np.float32)
        able, shown = cast(MultiplyingDevice, device), None
        if plan.chip_multiplies and dx is not None:
            shown = np.conj(np.swapaxes(operands(kernels), 1, 2))
        for tiles in GradientPlan(plan, wanted).chunks(part):
            g, moments = cotangent_spectra(device, plan, part, tiles, dy, threads)
            if wanted[1]:
                spectra, taken = picture_spectra(device, plan, part, tiles, x, threads)
                if plan.chip_multiplies:
                    correlate_on_chip(able, plan, spectra, g, of_part, threads)
                else:
                    dilation = plan.sampling.dilation
                    correlate_taps(spectra, g, of_part, dilation, grid=plan.grid, threads=threads)
                of_part += _of_polynomials(plan, part, moments, taken.polynomials)
            if shown is not None:
                assert dx is not None
                frames, scale = multiplied_cotangents(able, plan, g, shown, threads)
                fold(plan.unpacked, part, tiles, frames, scale, dx, threads)
            elif dx is not None:
                products = _adjoint_products(plan, g, kernels, threads)
                frames, scale = product_frames(device, plan, products, threads)
                fold(plan, part, tiles, frames, scale, dx, threads)
        of_planes[
            ...,
            part.first_row : part.first_row + part.rows,
            part.first_column : part.first_column + part.columns,
        ] = of_part
    dw = plan.sampling.taps(of_planes, plan.inputs // groups).reshape(weight.shape)
    return dx, dw if wanted[1] else None


def _fold_in_one_pass(
    device: FourierDevice,
    plan: ConvolutionPlan,
    part: KernelPart,
    dy: Float,
    kernels: Kernels,
    dx: Float,
    threads: int,
) -> None:
    """Add what one part of the kernels sends back to the input, on a device of layout 4f."""
    shown = np.conj(np.swapaxes(operands(kernels), 1, 2))
    able = cast(MultiplyingDevice, device)
    for tiles in GradientPlan(plan).chunks(part):
        frames, scale = cotangent_tiles(able, plan, part, tiles, dy, shown, threads)
        fold(plan.unpacked, part, tiles, frames, scale, dx, threads)


def _adjoint_products(plan: ConvolutionPlan, g: Float, kernels: Kernels, threads: int) -> Float:
    """Spectra (blocks, t, groups, out, …) times kernels' conjugates: (blocks, t, groups, in, …)."""
    blocks, tiles, groups = g.shape[:3]
    products = scratch(
        "products", (blocks, tiles, groups, plan.planes // groups, 2, 16), np.float32
    )
    kernels.multiply(g, products, adjoint=True, threads=threads)
    return products


def _of_polynomials(
    plan: ConvolutionPlan, part: KernelPart, moments: Float, polynomials: Float
) -> Float:
    """``sum_r g[r] p(r + k)`` at every tap: of all segments (groups, out, in, kh, kw)."""
    groups, count = plan.groups, len(moments)
    d = moments.reshape(count, 6, groups, -1).transpose(2, 3, 1, 0).reshape(groups, -1, count)
    a = polynomials.reshape(count, 6, groups, -1).transpose(2, 0, 1, 3).reshape(groups, count, -1)
    pairs = (d @ a).reshape(groups, plan.outputs // groups, 6, 6, -1)
    taylor = np.zeros((*pairs.shape[:2], pairs.shape[-1], 6), np.float32)
    for monomial, moment, coefficient, factor in _TAYLOR:
        taylor[..., monomial] += np.float32(factor) * pairs[:, :, moment, coefficient]
    rows, columns = (
        (np.arange(taps) * float(step))[:, None] ** np.arange(3)
        for taps, step in zip((part.rows, part.columns), plan.sampling.dilation, strict=True)
    )
    table = np.stack(
        [np.outer(rows[:, i], columns[:, j]).ravel() for i in range(3) for j in range(3 - i)]
    )
    of_taps = taylor @ table.astype(np.float32)
    return of_taps.reshape(*of_taps.shape[:3], part.rows, part.columns)
