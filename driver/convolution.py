"""Two-dimensional convolution by light: two passes through the device's lens, or one through two.

The algorithm of the `mft` layout (modulate, multiply, lens, camera) for ``y = conv2d(x, w)``, a
correlation as in torch:

1. The picture is padded electronically, cut into segments and laid out in N×N tiles
   (`driver.tiling`); of each segment a degree-2 polynomial is taken off, whose correlation with the
   kernel is exact and cheap (`driver.cutting`).
2. Pass 1: what remains, scaled to equal energy and two pictures to a frame, goes through the lens.
3. Its spectra are multiplied by the kernels' spectra and summed over the input channels
   (`driver.spectral`).
4. Pass 2: the products go through the lens again, which transforms them back.  With
   ``product="optical"`` the chip forms them: steps 3 and 4 are one (`driver.optical_product`).
5. Polynomials are added, rims dropped, segments put in their place.  Where the plan lets light
   carry no halos, electronics correct the outputs that would have read them (`driver.cutting`).

A device of layout `4f` convolves in one pass (`driver.one_pass`); steps 1 and 5 stay.

How many tiles, frames and MACs that takes, `driver.plan` says beforehand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from driver.arrays import Restore, from_caller, largest_magnitude
from driver.chip_products import MultiplyingDevice, operands
from driver.cutting import close_seams, put
from driver.errors import DTypeError, NonFiniteError, ShapeError
from driver.kernels import KernelCache, Kernels
from driver.one_pass import convolved_tiles
from driver.optical_product import multiplied_tiles
from driver.packing_rule import precision_for
from driver.passes import FourierDevice, picture_spectra, product_frames
from driver.plan import ConvolutionPlan
from driver.precision import Precision
from driver.scratch import scratch
from driver.threads import default_threads

__all__ = [
    "KERNELS",
    "FourierDevice",
    "SupervisedDevice",
    "as_array",
    "convolve2d",
    "in_float32",
    "layout_of",
    "threads_of",
    "unit",
]

Float = NDArray[np.float32]

#: Pictures and kernels whose largest magnitude lies outside are brought to 1 first, so that neither
#: their squares nor those of their products leave float32's range.
_COMFORTABLE = (1e-6, 1e6)

#: Of all devices and threads of the process.
KERNELS = KernelCache()


@runtime_checkable
class SupervisedDevice(Protocol):
    """A device that can make several transforms one job, as `driver.Device` can.

    The polynomials go around the light, so that without light a convolution would still look like
    one.  A device with a laser has to refuse it: this is where it does.
    """

    def one_job(self) -> AbstractContextManager[None]:
        """A context for the transforms of one convolution; sums up what they report.

        Raises on entry when the laser is off, and at the end when no light came through.
        """
        ...


def convolve2d(
    device: FourierDevice,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    precision: str | Precision = "balanced",
    pack: bool | None = None,
    product: str = "electronic",
) -> Any:
    """Convolve pictures with kernels on an optical device.

    Parameters
    ----------
    device
        An open device.
    x : (B, Cin, H, W) or (Cin, H, W), float32 or float64, NumPy array or torch CPU tensor
        Pictures, of any size.
    weight : (Cout, Cin/groups, kh, kw)
        Kernels, of any size, correlated with ``x`` as in ``torch.nn.functional.conv2d``.
    bias : (Cout,), optional
        Added to each output channel.
    stride, padding, dilation, groups, padding_mode
        As in ``torch.nn.Conv2d``; padding is done electronically.
    precision : "fast", "balanced" or "best", or a `Precision`
        How frames are exposed.
    pack
        Whether two real pictures share a frame; None: as the preset says, while the tracked phase
        is known well enough (`driver.packing_rule`; a `PackingWarning` says when it is not).
    product : "electronic" or "optical"
        What multiplies spectra: electronics, or the chip's second stage, which takes a frame for
        each pair of channels.  A device of layout `4f` multiplies on its chip in any case.

    Returns
    -------
    (B, Cout, Ho, Wo) or (Cout, Ho, Wo)
        Of the kind and dtype that ``x`` has; computed in float32.

    Raises
    ------
    ShapeError, DTypeError, NonFiniteError, ValueRangeError
        Before any frame is exposed.
    CapabilityError
        Before any frame is exposed: the device's laser is off.
    BackendError
        After the last frame: no light reached the camera.
    """
    pictures, restore = as_array(x, "input")
    kernels, _ = as_array(weight, "weight")
    offsets = None if bias is None else as_array(bias, "bias")[0]
    single = pictures.ndim == 3
    if single:
        pictures = pictures[None]
    plan = ConvolutionPlan.for_shapes(
        pictures.shape,
        kernels.shape,
        grid=device.n,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        precision=precision_for(device, precision, pack, product, layout_of(device)),
        layout=layout_of(device),
        product=product,
    )
    if offsets is not None and offsets.shape != (plan.outputs,):
        raise ShapeError(f"bias {offsets.shape} must have shape ({plan.outputs},)")
    threads = threads_of(device)
    x_unit = unit(pictures, "input", threads)
    w_unit = unit(kernels, "weight", threads)
    if offsets is not None:
        unit(offsets, "bias", threads)
    dtype = pictures.dtype
    if x_unit != 1:
        pictures = pictures / x_unit
    if w_unit != 1:
        kernels = kernels / w_unit
    # Units undone at the end would scale the bias too.
    plain = x_unit == w_unit == 1 and dtype == np.float32
    within = None if offsets is None or not plain else in_float32(offsets)
    with _one_job(device):
        result = _convolve(device, plan, in_float32(pictures), kernels, within, threads)
    if not plain:
        result = result.astype(dtype, copy=False)
        if x_unit != 1 or w_unit != 1:
            result = result * dtype.type(x_unit) * dtype.type(w_unit)
        if offsets is not None:
            result = result + offsets.astype(dtype)[:, None, None]
    return restore(result[0] if single else result)


def _one_job(device: FourierDevice) -> AbstractContextManager[None]:
    """A `SupervisedDevice`'s context; asking for the protocol takes longer than using it."""
    supervised: Callable[[], AbstractContextManager[None]] = getattr(device, "one_job", nullcontext)
    return supervised()


def layout_of(device: object) -> str:
    """The device's layout; that of a bare transform is one lens."""
    info = getattr(device, "info", None)
    return str(getattr(info, "layout", "mft"))


def threads_of(device: FourierDevice) -> int:
    """Threads that the electronics of a device's convolutions use."""
    return int(getattr(device, "threads", 0)) or default_threads()


def in_float32(array: NDArray[Any]) -> Float:
    """The array itself where it can be."""
    return np.ascontiguousarray(array, dtype=np.float32)


def as_array(value: Any, name: str) -> tuple[NDArray[Any], Restore]:
    """The argument as a NumPy array that shares its memory, and what turns one back."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        right = value.dtype in (torch.float32, torch.float64)
    else:
        right = getattr(value, "dtype", np.float32) in (np.float32, np.float64)
    if not right:
        raise DTypeError(f"{name} has dtype {value.dtype}; it must be float32 or float64")
    return from_caller(value, name)


def unit(value: NDArray[Any], name: str, threads: int) -> float:
    """What to divide by so that squares stay in float32's range: 1 in all common cases."""
    if value.size == 0:
        raise ShapeError(f"{name} {value.shape} must not be empty")
    largest = largest_magnitude(value, threads)
    if not np.isfinite(largest):
        raise NonFiniteError(f"{name} holds NaN or infinity; all values must be finite")
    if largest == 0 or _COMFORTABLE[0] <= largest <= _COMFORTABLE[1]:
        return 1.0
    return largest


def _convolve(
    device: FourierDevice,
    plan: ConvolutionPlan,
    x: Float,
    weight: NDArray[Any],
    bias: Float | None,
    threads: int,
) -> Float:
    """The output (B, Cout, *plan.output), chunk by chunk of tiles."""
    y = _room(plan.batch, plan.outputs, *plan.output)
    for part in plan.parts:
        kernels = KERNELS.get(weight, plan, part, threads)
        offsets = bias if part is plan.parts[0] else None
        shown = operands(kernels) if plan.chip_multiplies else None
        for tiles in plan.chunks(part):
            if shown is not None:
                on_chip = convolved_tiles if plan.layout == "4f" else multiplied_tiles
                able, sent = cast(MultiplyingDevice, device), plan.unpacked
                frames, scale, aside = on_chip(able, plan, part, tiles, x, shown, threads)
            else:
                sent = plan
                spectra, aside = picture_spectra(device, plan, part, tiles, x, threads)
                products = _products(plan, spectra, kernels, threads)
                frames, scale = product_frames(device, plan, products, threads)
            taken, moments = aside.polynomials, kernels.moments
            put(sent, part, tiles, frames, scale, taken, moments, offsets, y, threads)
            close_seams(plan, part, tiles, aside, kernels.weight, y, threads)
    return y


def _room(*shape: int) -> Float:
    """An array with a page to spare: what torch aligns and allocates next fits in its freed place.

    Otherwise the allocator keeps both, and a network's peak memory holds each layer's output twice.
    """
    count = prod(shape)
    return np.empty(count + 1024, np.float32)[:count].reshape(shape)


def _products(plan: ConvolutionPlan, spectra: Float, kernels: Kernels, threads: int) -> Float:
    """Spectra (blocks, t, groups, in, 2, 16) times kernels': (blocks, t, groups, out, 2, 16)."""
    blocks, tiles, groups = spectra.shape[:3]
    shape = (blocks, tiles, groups, plan.outputs // groups, 2, 16)
    products = scratch("products", shape, np.float32)
    kernels.multiply(spectra, products, threads=threads)
    return products
