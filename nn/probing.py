"""What each optical layer of a network does to its result, and what it takes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from driver import Device
from nn.convert import convert_to_electronic, convert_to_optical
from nn.functional import Precision
from nn.layers import ConvolutionCall, watched
from nn.modules import OpticalConv1d, OpticalConv2d, OpticalLayer
from nn.optics import OpticsLike, resolve_optics

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["LayerReport", "ProbeReport", "probe"]


@dataclass(frozen=True)
class LayerReport:
    """One optical layer, over all its calls in one forward pass.

    Errors are ``sqrt(sum of squared error / sum of squares of the exact result about each channel's
    mean)``; a result that does not vary is compared with its size instead.
    """

    name: str
    calls: int
    shape: str
    """Channels, kernel and input of its first call."""
    error: float
    """Of the layer's own output against exact convolution of the same (exact) input."""
    damage: float
    """Of the network's output, were this layer alone optical."""
    frames: int
    """Frames exposed, pilots and retries included."""
    pilots: int
    retries: int
    """Frames repeated with less light."""
    saturations: int
    """Bins that stayed saturated."""
    gemm_macs: int
    spectral_macs: int
    electronic_macs: int
    """All that stays electronic, by the plan."""
    device_time_s: float
    energy_j: float


@dataclass(frozen=True)
class ProbeReport:
    """What `probe` found; prints as a table (`rich.print` too), and `to_json` writes all of it.

    Attributes
    ----------
    device, precision : str
    layers : tuple of LayerReport
        In order of execution.
    error : float
        Of the network's output with all these layers optical.
    """

    device: str
    precision: str
    layers: tuple[LayerReport, ...]
    error: float

    @property
    def worst(self) -> LayerReport:
        """The layer that hurts most: alone it does the largest damage to the output."""
        return max(self.layers, key=lambda layer: layer.damage)

    @property
    def verdict(self) -> str:
        """Which layer hurts, in a sentence."""
        worst, squares = self.worst, sum(layer.damage**2 for layer in self.layers)
        share = worst.damage**2 / squares if squares else 0.0
        return (
            f"{worst.name or 'the layer'} hurts most: alone it changes the output by "
            f"{_percent(worst.damage)}, {share:.0%} of what all layers' errors add up to if "
            f"independent; together they change it by {_percent(self.error)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain numbers and strings."""
        return {**asdict(self), "worst": self.worst.name}

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def __rich__(self) -> Table:
        """One row a layer, the worst marked, and the sums."""
        from rich import box
        from rich.table import Table

        title = f"{self.device}, precision {self.precision}"
        table = Table(title=title, caption=self.verdict, box=box.SIMPLE_HEAD, pad_edge=False)
        table.caption_justify = "left"
        table.add_column("layer", overflow="fold")
        table.add_column("shape", no_wrap=True)
        for name in ("error", "damage", "frames", "retried", "saturated", "GEMM", "electronic",
                     "device", "energy"):  # fmt: skip
            table.add_column(name, justify="right", no_wrap=True)
        for layer in self.layers:
            style = "bold red" if layer is self.worst else None
            shares = (_percent(layer.error), _percent(layer.damage))
            table.add_row(
                layer.name or "(itself)", layer.shape, *shares, *_sums([layer]), style=style
            )
        table.add_section()
        table.add_row("all", "", "", _percent(self.error), *_sums(self.layers))
        return table

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=150, color_system=None)
        with console.capture() as captured:
            console.print(self.__rich__())
        return captured.get()


def _percent(share: float) -> str:
    """To a hundredth of a per cent, or to two digits of what is smaller (an ideal device's)."""
    return f"{share:.2%}" if share >= 1e-4 or not share else f"{100 * share:.1e}%"


def _name(precision: Precision) -> str:
    return precision if isinstance(precision, str) else precision.name


def _sums(layers: Any) -> list[str]:
    def total(name: str) -> Any:
        return sum(getattr(layer, name) for layer in layers)

    counts = [f"{total(name):,}" for name in ("frames", "retries", "saturations")]
    macs = [f"{total(name) / 1e6:,.1f} M" for name in ("gemm_macs", "electronic_macs")]
    return [*counts, *macs, f"{total('device_time_s'):,.2f} s", f"{total('energy_j'):,.1f} J"]


def probe(
    model: nn.Module,
    batch: torch.Tensor,
    optics: OpticsLike = None,
    *,
    precision: Precision = "balanced",
) -> ProbeReport:
    """Measure every optical layer of a network on a batch.

    Three kinds of passes: one with all layers optical; one electronic, in which each layer's exact
    input goes through the device as well; and one electronic pass a layer, with that layer's
    optical output in place of the exact one, which tells what it alone does to the result.  All in
    evaluation mode; each module's own mode is restored at the end.

    Parameters
    ----------
    model : torch.nn.Module
        With optical layers, which are probed on their own devices and precisions; or without any:
        then all its convolutions are, as `convert_to_optical` would make them.
    batch : torch.Tensor
        The model's input.
    optics : Device, str or None
        For a model without optical layers; see `nn.OpticalConv2d`.
    precision : "fast", "balanced" or "best", or a `driver.precision.Precision`
        Likewise.

    Returns
    -------
    ProbeReport

    Raises
    ------
    ValueError
        If the model runs no optical layer, or does not return one tensor.
    TypeError
        If a layer's device is none of `driver.Device`, or the layer is complex.
    """
    optical = model
    if not any(isinstance(layer, OpticalLayer) for layer in model.modules()):
        optical = convert_to_optical(model, optics, precision=precision)
    with torch.no_grad(), _evaluating(optical):
        exact = convert_to_electronic(optical)
        everything = _output(optical, batch)
        output, runs = _measured(exact, optical, batch)
        if not runs:
            raise ValueError("the model ran no optical layer on this batch")
        layers = tuple(
            _report(
                name, of_layer, _error(_squares(_output_with(exact, name, of_layer, batch), output))
            )
            for name, of_layer in runs.items()
        )
    all_runs = [run for of_layer in runs.values() for run in of_layer]
    return ProbeReport(
        device=", ".join(sorted({repr(run.device) for run in all_runs})),
        precision=", ".join(sorted({_name(run.precision) for run in all_runs})),
        layers=layers,
        error=_error(_squares(everything, output)),
    )


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was in training.items():
            module.training = was


def _squares(found: torch.Tensor, exact: torch.Tensor) -> tuple[float, float]:
    """Sums of squares of the error, and of the exact result about each channel's mean."""
    exact = exact.double()
    wrong = (found - exact).square().sum().item()
    varying = exact - exact.mean(tuple(range(2, exact.ndim)), keepdim=True) if exact.ndim > 2 else 0
    detail = (varying if isinstance(varying, torch.Tensor) else exact).square().sum().item()
    return wrong, detail or exact.square().sum().item()


def _error(*squares: tuple[float, float]) -> float:
    wrong, detail = (sum(column) for column in zip(*squares, strict=True))
    return math.sqrt(wrong / detail) if detail else math.inf if wrong else 0.0


@dataclass(frozen=True)
class _Run:
    """One call of one layer through the device, and what the device's counters said."""

    call: ConvolutionCall
    device: Device
    precision: Precision
    product: str
    output: torch.Tensor
    squares: tuple[float, float]
    spent: dict[str, float]


_COUNTERS = ("frames", "pilots", "retries", "saturations", "device_time_s")


def _measured(
    exact: nn.Module, optical: nn.Module, batch: torch.Tensor
) -> tuple[torch.Tensor, dict[str, list[_Run]]]:
    """An electronic pass that sends each layer's input through the device as well."""
    runs: dict[str, list[_Run]] = {}
    lights = {
        name: layer
        for name, layer in optical.named_modules()
        if isinstance(layer, OpticalConv1d | OpticalConv2d)
    }

    def also_by_light(name: str, light: OpticalConv1d | OpticalConv2d) -> Callable[..., None]:
        def run(
            layer: nn.Module,
            inputs: tuple[torch.Tensor, ...],
            named: dict[str, torch.Tensor],
            output: torch.Tensor,
        ) -> None:
            if output.is_complex():
                raise TypeError(f"probe measures real layers; {name or 'the layer'} is complex")
            device = _device_of(light)
            before = device.telemetry()
            found = light.forward(*inputs, **named)  # past its hooks
            after = device.telemetry()
            spent = {name: getattr(after, name) - getattr(before, name) for name in _COUNTERS}
            made = _Run(
                calls[-1],
                device,
                light.precision,
                light.product,
                found,
                _squares(found, output),
                spent,
            )
            runs.setdefault(name, []).append(made)

        return run

    layers = dict(exact.named_modules())
    handles = [
        layers[name].register_forward_hook(also_by_light(name, light), with_kwargs=True)
        for name, light in lights.items()
    ]
    try:
        with watched(exact) as calls:
            output = _output(exact, batch)
    finally:
        for handle in handles:
            handle.remove()
    return output, runs


def _device_of(layer: OpticalLayer) -> Device:
    device = resolve_optics(layer.optics)
    if not isinstance(device, Device):
        raise TypeError(f"probe needs a driver.Device, which counts; this layer has {device!r}")
    return device


def _output(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    output = model(batch)
    if not isinstance(output, torch.Tensor):
        raise ValueError(f"the model must return one tensor, not {type(output).__name__}")
    return output


def _output_with(
    exact: nn.Module, name: str, runs: list[_Run], batch: torch.Tensor
) -> torch.Tensor:
    """The network's output with one layer's optical outputs in place of the exact ones."""
    outputs = iter(run.output for run in runs)
    layer = exact.get_submodule(name)
    handle = layer.register_forward_hook(lambda *_: next(outputs))
    try:
        return _output(exact, batch)
    finally:
        handle.remove()


def _report(name: str, runs: list[_Run], damage: float) -> LayerReport:
    plans = [
        run.call.plan(
            run.device.n,
            run.precision,
            reference_steps=run.device.info.reference_steps,
            layout=run.device.info.layout,
            product=run.product,
        )
        for run in runs
    ]
    spent = {counter: sum(run.spent[counter] for run in runs) for counter in _COUNTERS}
    return LayerReport(
        name=name,
        calls=len(runs),
        shape=_shape(runs[0].call),
        error=_error(*(run.squares for run in runs)),
        damage=damage,
        frames=int(spent["frames"]),
        pilots=int(spent["pilots"]),
        retries=int(spent["retries"]),
        saturations=int(spent["saturations"]),
        gemm_macs=sum(plan.macs.gemm for plan in plans),
        spectral_macs=sum(plan.macs.spectral for plan in plans),
        electronic_macs=sum(plan.macs.electronic for plan in plans),
        device_time_s=spent["device_time_s"],
        energy_j=sum(run.spent["device_time_s"] * run.device.info.power_w for run in runs),
    )


def _shape(call: ConvolutionCall) -> str:
    layer = call.layer
    kernel = "×".join(map(str, layer.kernel_size))
    size = "×".join(map(str, call.input_shape))
    return f"{layer.in_channels} → {layer.out_channels}, {kernel} on {size}"
