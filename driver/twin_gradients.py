"""Gradients of a convolution through the calibrated twin of the device: no light, no noise.

Physics-aware training (Wright et al., Nature 601, 549 (2022)) takes a forward pass on the hardware
and the backward pass through a differentiable model of it.  The model here is the calibration's:
encoding with its limits and its rounding (whose gradient is the identity's), the chip as fitted,
the lens, decoding, and the electronics between, at the same input and weight; what noise and drift
added to the forward pass is not in it.

Chunk by chunk of tiles, since contributions to the output add up: what autograd keeps is bounded.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import Calibration
from driver.calibration.nominal import nominal_calibration
from driver.calibration.twin_chain import TwinChain
from driver.convolution import as_array, unit
from driver.errors import CapabilityError, ShapeError
from driver.info import DeviceInfo
from driver.packing_rule import precision_for
from driver.plan import ConvolutionPlan
from driver.precision import Precision
from driver.twin_convolution import convolved_by_twin

__all__ = ["convolve2d_twin_gradients", "twin_convolution", "twin_gradients"]

_MODES = {"zeros": "constant"}
"""Names that torch's pad has others for."""


class CalibratedDevice(Protocol):
    """What the twin's gradients need of a device: `driver.Device` has it."""

    @property
    def info(self) -> DeviceInfo:
        """The data sheet."""
        ...

    @property
    def calibration(self) -> Calibration | None:
        """The installed calibration; None where nominal values serve."""
        ...


def convolve2d_twin_gradients(
    device: CalibratedDevice,
    grad_output: Any,
    x: Any,
    weight: Any,
    *,
    precision: str | Precision = "balanced",
    pack: bool | None = None,
    product: str = "electronic",
    **options: Any,
) -> tuple[Any, Any]:
    """`twin_gradients` of what `driver.convolution.convolve2d` would do on a device now.

    Takes no light and no device time.  An uncalibrated device's twin is the nominal device.
    """
    return twin_gradients(
        device.calibration or nominal_calibration(device.info),
        device.info,
        grad_output,
        x,
        weight,
        precision=precision_for(device, precision, pack, product, device.info.layout),
        product=product,
        **options,
    )


def twin_convolution(
    calibration: Calibration, info: DeviceInfo, x: Any, weight: Any, **options: Any
) -> NDArray[np.float64]:
    """What the device would give on average, by its calibration.

    Parameters
    ----------
    calibration, info
    x : (B, Cin, H, W), float32 or float64
    weight : (Cout, Cin/groups, kh, kw)
    options
        Those of `driver.plan.ConvolutionPlan.for_shapes`, ``grid`` and ``layout`` aside.

    Returns
    -------
    (B, Cout, Ho, Wo) float64
    """
    import torch

    plan, (pictures, kernels) = _prepared(info, (x, weight), options)
    chain = TwinChain(calibration, info)
    total = torch.zeros(plan.batch, plan.outputs, *plan.output, dtype=torch.float64)
    with torch.no_grad():
        padded = _padded(plan, pictures)
        for part in plan.parts:
            for tiles in plan.chunks(part):
                total += convolved_by_twin(chain, plan, part, tiles, padded, kernels)
    return total.numpy()


def twin_gradients(
    calibration: Calibration,
    info: DeviceInfo,
    grad_output: Any,
    x: Any,
    weight: Any,
    *,
    wanted: tuple[bool, bool] = (True, True),
    **options: Any,
) -> tuple[Any, Any]:
    """Gradients of `twin_convolution` with respect to its input and its kernels.

    Parameters
    ----------
    calibration, info
    grad_output : (B, Cout, Ho, Wo), float32 or float64, NumPy array or torch CPU tensor
    x, weight, options
        As there.
    wanted : (bool, bool)

    Returns
    -------
    grad_x, grad_weight
        Of the kinds and dtypes of x and weight; None where not wanted.

    Raises
    ------
    ShapeError, DTypeError, NonFiniteError, ValueRangeError
    CapabilityError
        The device detects intensity only.
    """
    import torch

    plan, (pictures, kernels) = _prepared(info, (x, weight), options)
    cotangent, _ = as_array(grad_output, "grad_output")
    shape = (plan.batch, plan.outputs, *plan.output)
    if cotangent.shape != shape:
        raise ShapeError(f"grad_output {cotangent.shape} must have the output's shape, {shape}")
    unit(cotangent, "grad_output", 1)
    if not any(wanted):
        return None, None
    chain = TwinChain(calibration, info)
    g = torch.tensor(cotangent, dtype=torch.float64)
    with torch.enable_grad():
        pictures.requires_grad_(wanted[0])
        kernels.requires_grad_(wanted[1])
        leaves = [leaf for leaf in (pictures, kernels) if leaf.requires_grad]
        for part in plan.parts:
            for tiles in plan.chunks(part):
                padded = _padded(plan, pictures)
                y = convolved_by_twin(chain, plan, part, tiles, padded, kernels)
                torch.autograd.backward(y, g, inputs=leaves)
    results: list[Any] = []
    for leaf, given, name in ((pictures, x, "input"), (kernels, weight, "weight")):
        like, restore = as_array(given, name)
        found = None if leaf.grad is None else leaf.grad.numpy().astype(like.dtype, copy=False)
        results.append(None if found is None else restore(found))
    return results[0], results[1]


def _prepared(
    info: DeviceInfo, arrays: tuple[Any, Any], options: dict[str, Any]
) -> tuple[ConvolutionPlan, tuple[Any, Any]]:
    import torch

    if info.detection == "intensity":
        raise CapabilityError(
            "this device detects intensity only: it has no phase to convolve with"
        )
    pictures, kernels = (
        as_array(array, name)[0] for array, name in zip(arrays, ("input", "weight"), strict=True)
    )
    plan = ConvolutionPlan.for_shapes(
        pictures.shape, kernels.shape, grid=info.grid[0], layout=info.layout, **options
    )
    for array, name in ((pictures, "input"), (kernels, "weight")):
        unit(array, name, 1)
    tensors = (torch.tensor(array, dtype=torch.float64) for array in (pictures, kernels))
    return plan, (next(tensors), next(tensors))


def _padded(plan: ConvolutionPlan, pictures: Any) -> Any:
    from torch.nn import functional

    top, bottom, left, right = plan.padding
    mode = _MODES.get(plan.padding_mode, plan.padding_mode)
    return functional.pad(pictures, (left, right, top, bottom), mode=mode)
