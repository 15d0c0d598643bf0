"""Everything that the page has a device do, on one calibrated device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from torch import nn

from driver import Device, DeviceInfo
from driver.calibration.calibration import Calibration
from nn import ModelCard, convert_to_optical, load_pretrained, model_card
from nn.layers import convolutions_of
from opticonv.demo.samples import Photo
from opticonv.demo.trial import Trial, run_large, run_trial
from opticonv.metering import MeteredDevice
from opticonv.options import Precision
from opticonv.report.charts import Chart
from opticonv.report.studies import drift_chart, layer_chart, precision_chart

__all__ = ["Measured", "WeightsTrial", "measure", "measure_around", "measure_weights"]

Step = Callable[[str], None]
"""Called with what comes next."""


@dataclass(frozen=True)
class WeightsTrial:
    """Photographs enlarged by the network of one set of weights."""

    name: str
    card: ModelCard
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Measured:
    """What came of it.

    Attributes
    ----------
    uri : str
    seed : int or None
        As the command line has it.
    info : DeviceInfo
    calibration : Calibration or None
        None: the device needs none.
    precision : str
    weights : WeightsTrial
        Of the pictures that are compared.
    large : Trial or None
        The picture that is enlarged beyond any original.
    others : tuple of WeightsTrial
        Of the table of losses.
    second : WeightsTrial or None
        A stronger network's, of the same photographs, that is compared too.
    second_large : Trial or None
        What it makes of the picture that is enlarged beyond any original.
    curves : tuple of Chart
        Precision and drift.
    layers : tuple of str
        Names of the network's convolutions.
    warnings : tuple of str
    """

    uri: str
    seed: int | None
    info: DeviceInfo
    calibration: Calibration | None
    precision: str
    weights: WeightsTrial
    large: Trial | None
    others: tuple[WeightsTrial, ...]
    curves: tuple[Chart, ...]
    layers: tuple[str, ...]
    second: WeightsTrial | None = None
    second_large: Trial | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Of the pictures that are compared."""
        return self.weights.trials


def measure(
    device: Device,
    uri: str,
    seed: int | None,
    photos: Sequence[Photo],
    *,
    precision: Precision,
    weights: str,
    others: Sequence[str],
    second: str | None,
    large: bool,
    step: Step,
) -> Measured:
    """Enlarge photographs and measure the device's precision and drift.

    Parameters
    ----------
    device : Device
        Calibrated, or one that needs no calibration; an hour of its time passes.
    uri, seed
        How it was opened.
    photos : sequence of Photo
    precision : "fast", "balanced" or "best"
    weights : str
        Of the pictures that are compared.
    others : sequence of str
        Of the table of losses; `weights` and `second` among them are not run twice.
    second : str or None
        Of a stronger network that is compared too.
    large : bool
        Whether to enlarge the first photograph from 256² to 2048².
    step : callable
        Called before each piece of work with its name.

    Raises
    ------
    driver.DriverError
        What the device refuses.
    """
    meter = MeteredDevice(device, check=True)
    compared = [weights, *([second] if second is not None else [])]
    tried = {
        name: measure_weights(meter, name, photos, precision, step)
        for name in dict.fromkeys([*compared, *others])
    }
    enlarged: list[Trial | None] = [None, None]
    if large:
        for place, name in enumerate(compared):
            step(f"enlarging {photos[0].name} to 2048² by {name}")
            network = load_pretrained(name)
            optical = convert_to_optical(network, meter, precision=precision)
            enlarged[place] = run_large(photos[0].name, photos[0].picture, network, optical, meter)
    found = measure_around(
        device,
        uri,
        seed,
        tried[weights],
        enlarged[0],
        precision=precision,
        others=[tried[name] for name in others],
        step=step,
    )
    if second is None:
        return found
    return replace(found, second=tried[second], second_large=enlarged[1])


def measure_around(
    device: Device,
    uri: str,
    seed: int | None,
    main: WeightsTrial,
    large: Trial | None,
    *,
    precision: str,
    others: Sequence[WeightsTrial] = (),
    step: Step = lambda _: None,
) -> Measured:
    """Measure the precision and the drift of a device that has enlarged photographs already.

    Parameters as for `measure`; an hour of the device's time passes.
    """
    layers = tuple(convolutions_of(load_pretrained(main.name)))
    # Before the drift, which ages it.
    calibration = device.calibration
    step("measuring precision")
    curves = [precision_chart(device), layer_chart(layers, main.trials)]
    step("measuring an hour of drift")
    curves.append(drift_chart(device))
    return Measured(
        uri=uri,
        seed=seed,
        info=device.info,
        calibration=calibration,
        precision=precision,
        weights=main,
        large=large,
        others=tuple(others),
        curves=tuple(curves),
        layers=layers,
    )


def measure_weights(
    meter: MeteredDevice, name: str, photos: Sequence[Photo], precision: Precision, step: Step
) -> WeightsTrial:
    """Reduce and enlarge photographs by the network of packaged weights."""
    network = load_pretrained(name)
    optical: nn.Module = convert_to_optical(network, meter, precision=precision)
    trials = []
    for photo in photos:
        step(f"enlarging {photo.name} by {name}")
        trials.append(run_trial(photo, network, optical, meter))
    return WeightsTrial(name, model_card(name), tuple(trials))
