"""Two-dimensional convolution by light: two passes through the device's lens.

The algorithm of the `mft` layout (modulate, multiply, lens, camera) for ``y = conv2d(x, w)``, a
correlation as in torch:

1. The picture is padded electronically, cut into segments and laid out in N×N tiles
   (`driver.tiling`); of each segment a degree-2 polynomial is taken off, whose correlation with the
   kernel is exact and cheap (`driver.polynomial`).
2. Pass 1: what remains, scaled to equal energy and two pictures to a frame, goes through the lens.
3. Its spectra are multiplied by the kernels' spectra and summed over the input channels
   (`driver.spectral`).
4. Pass 2: the products go through the lens again, which transforms them back.
5. Polynomials are added, rims dropped, segments put in their place.

How many tiles, frames and MACs that takes, `driver.plan` says beforehand.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from driver.arrays import Restore, from_caller
from driver.errors import DTypeError, NonFiniteError, ShapeError
from driver.kernels import KernelCache, Kernels
from driver.packing_rule import precision_for
from driver.plan import ConvolutionPlan, KernelPart
from driver.polynomial import COEFFICIENTS, evaluate, fit, unit_change
from driver.precision import PassOptions, Precision
from driver.spectral import (
    half_width,
    join_half_planes,
    multiply,
    pack_pictures,
    picture_rms,
    separate_half_planes,
    unpack_pictures,
)
from driver.tiling import SegmentGroup

__all__ = ["FourierDevice", "SupervisedDevice", "convolve2d"]

Float = NDArray[np.float32]
Complex = NDArray[np.complex64]

#: Pictures and kernels whose largest magnitude lies outside are brought to 1 first, so that neither
#: their squares nor those of their products leave float32's range.
_COMFORTABLE = (1e-6, 1e6)

_KERNELS = KernelCache()

_NUMPY_MODE = {"zeros": "constant", "replicate": "edge", "reflect": "reflect", "circular": "wrap"}


class FourierDevice(Protocol):
    """What `convolve2d` needs of a device."""

    @property
    def n(self) -> int:
        """N, pixels along one side of the grid."""
        ...

    def transform(
        self,
        x: Any,
        *,
        inverse: bool = False,
        exposure: str = "two_gain",
        residual: bool = False,
    ) -> Any:
        """Orthonormal N×N Fourier transforms of frames (f, N, N)."""
        ...


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
) -> Any:
    """Convolve pictures with kernels on an optical device.

    Parameters
    ----------
    device
        An open device of the `mft` layout.
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
    pictures, restore = _as_array(x, "input")
    kernels, _ = _as_array(weight, "weight")
    offsets = None if bias is None else _as_array(bias, "bias")[0]
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
        precision=precision_for(device, precision, pack),
    )
    if offsets is not None and offsets.shape != (plan.outputs,):
        raise ShapeError(f"bias {offsets.shape} must have shape ({plan.outputs},)")
    x_unit, w_unit = _unit(pictures, "input"), _unit(kernels, "weight")
    if offsets is not None:
        _unit(offsets, "bias")
    dtype = pictures.dtype
    if x_unit != 1:
        pictures = pictures / x_unit
    if w_unit != 1:
        kernels = kernels / w_unit
    padded = _pad(pictures.astype(np.float32, copy=False), plan)
    with device.one_job() if isinstance(device, SupervisedDevice) else nullcontext():
        dense = _convolve(device, plan, padded, kernels)
    result = dense[:, :, :: plan.stride[0], :: plan.stride[1]].astype(dtype, order="C", copy=False)
    if x_unit != 1 or w_unit != 1:
        result = result * dtype.type(x_unit) * dtype.type(w_unit)
    if offsets is not None:
        result = result + offsets.astype(dtype)[:, None, None]
    if single:
        result = result[0]
    return restore(np.ascontiguousarray(result))


def _as_array(value: Any, name: str) -> tuple[NDArray[Any], Restore]:
    """The argument as a NumPy array that shares its memory, and what turns one back."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        right = value.dtype in (torch.float32, torch.float64)
    else:
        right = getattr(value, "dtype", np.float32) in (np.float32, np.float64)
    if not right:
        raise DTypeError(f"{name} has dtype {value.dtype}; it must be float32 or float64")
    return from_caller(value, name)


def _unit(value: NDArray[Any], name: str) -> float:
    """What to divide by so that squares stay in float32's range: 1 in all common cases."""
    if value.size == 0:
        raise ShapeError(f"{name} {value.shape} must not be empty")
    largest = max(abs(float(value.min())), abs(float(value.max())))
    if not np.isfinite(largest):
        raise NonFiniteError(f"{name} holds NaN or infinity; all values must be finite")
    if largest == 0 or _COMFORTABLE[0] <= largest <= _COMFORTABLE[1]:
        return 1.0
    return largest


def _pad(pictures: Float, plan: ConvolutionPlan) -> Float:
    top, bottom, left, right = plan.padding
    if not any(plan.padding):
        return pictures
    width = ((0, 0), (0, 0), (top, bottom), (left, right))
    mode: Any = _NUMPY_MODE[plan.padding_mode]
    return np.pad(pictures, width, mode=mode)


def _convolve(
    device: FourierDevice, plan: ConvolutionPlan, padded: Float, weight: NDArray[Any]
) -> Float:
    """The dense output (B, Cout, *plan.dense), chunk by chunk of tiles."""
    dense = np.zeros((plan.batch, plan.outputs, *plan.dense), dtype=np.float32)
    grouped = weight.reshape(
        plan.groups, plan.outputs // plan.groups, plan.inputs // plan.groups, *plan.kernel
    )
    for part in plan.parts:
        taps = grouped[
            ...,
            part.first_row : part.first_row + part.rows,
            part.first_column : part.first_column + part.columns,
        ]
        kernels = _KERNELS.get(taps, plan.dilation, plan.grid)
        source = padded[
            :,
            :,
            part.first_row * plan.dilation[0] :,
            part.first_column * plan.dilation[1] :,
        ]
        for first, last in plan.chunks(part):
            segments = [g.in_tiles(first, last) for g in part.layout.groups]
            segments = [g for g in segments if len(g.tile)]
            tiles, fits = _cut(plan, part, segments, source, first, last)
            results = _two_passes(device, plan, tiles, kernels)
            for group, coefficients in zip(segments, fits, strict=True):
                _put(plan, part, group, results, coefficients, kernels, dense, first)
    return dense


def _input_size(part: KernelPart, group: SegmentGroup) -> tuple[int, int]:
    return group.height + part.extent[0] - 1, group.width + part.extent[1] - 1


def _cut(
    plan: ConvolutionPlan,
    part: KernelPart,
    segments: list[SegmentGroup],
    source: Float,
    first: int,
    last: int,
) -> tuple[Float, list[Float]]:
    """Tiles (t, Cin, N, N) without the segments' polynomials, and those by group (n, Cin, 6)."""
    tiles = np.zeros((last - first, plan.inputs, plan.grid, plan.grid), dtype=np.float32)
    fits = []
    for group in segments:
        size = _input_size(part, group)
        windows = sliding_window_view(source, size, axis=(2, 3))
        coefficients, remainder = fit(windows[group.image, :, group.top, group.left])
        room = sliding_window_view(tiles, size, axis=(2, 3), writeable=True)
        room[group.tile - first, :, group.row, group.column] = remainder
        fits.append(coefficients)
    return tiles, fits


def _two_passes(
    device: FourierDevice, plan: ConvolutionPlan, tiles: Float, kernels: Kernels
) -> Float:
    """Tiles (t, Cin, N, N) circularly correlated with the kernels: (t, Cout, N, N)."""
    grid, pack = plan.grid, plan.precision.pack
    count = tiles.shape[0]
    pictures = tiles.reshape(-1, grid, grid)
    scale = picture_rms(pictures)
    frames = pack_pictures(pictures, scale, pack)
    spectra = separate_half_planes(
        _through(device, frames, plan.precision.pictures, inverse=False), scale, pack
    )
    products = _products(spectra.reshape(count, plan.inputs, grid, half_width(grid)), kernels)
    frames, scale = join_half_planes(products.reshape(-1, grid, half_width(grid)), grid, pack)
    frames = _through(device, frames, plan.precision.products, inverse=True)
    return unpack_pictures(frames, scale, pack).reshape(count, plan.outputs, grid, grid)


def _through(
    device: FourierDevice, frames: Complex, options: PassOptions, *, inverse: bool
) -> Complex:
    result: Complex = device.transform(
        frames, inverse=inverse, exposure=options.exposure, residual=options.residual
    )
    return result


def _products(spectra: Complex, kernels: Kernels) -> Complex:
    """Spectra (t, Cin, N, N//2+1) times kernels' spectra: (t, Cout, N, N//2+1)."""
    if kernels.spectra is not None:
        return multiply(spectra, kernels.spectra)
    tiles, _, grid, half = spectra.shape
    groups, outputs = kernels.weight.shape[:2]
    products = np.empty((tiles, groups, outputs, grid, half), dtype=np.complex64)
    for some, factors in kernels.by_outputs():
        products[:, :, some] = multiply(spectra, factors).reshape(tiles, groups, -1, grid, half)
    return products.reshape(tiles, groups * outputs, grid, half)


def _put(
    plan: ConvolutionPlan,
    part: KernelPart,
    group: SegmentGroup,
    results: Float,
    coefficients: Float,
    kernels: Kernels,
    dense: Float,
    first: int,
) -> None:
    """Add one group's segments, polynomials included, to the dense output."""
    size, inner = _input_size(part, group), (group.height, group.width)
    count = len(group.tile)
    matrix = kernels.moments * unit_change(size)
    groups, outputs, inputs = matrix.shape[:3]
    # (groups, n, in * 6) @ (groups, in * 6, out * 6): all segments and channels at once.
    given = coefficients.reshape(count, groups, -1).transpose(1, 0, 2)
    rule = matrix.transpose(0, 2, 4, 1, 3).reshape(groups, inputs * COEFFICIENTS, -1)
    taken = (given @ rule).transpose(1, 0, 2).reshape(count, groups * outputs, COEFFICIENTS)
    values = evaluate(taken, inner, size)
    found = sliding_window_view(results, inner, axis=(2, 3))
    values += found[group.tile - first, :, group.row, group.column]
    places = sliding_window_view(dense, inner, axis=(2, 3), writeable=True)
    places[group.image, :, group.top, group.left] += values
