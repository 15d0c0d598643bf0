"""How the optical network falls off as the device gets worse: PSNR against the electronic one.

    python benchmarks/degradation.py --set photos=FOLDER:validation --limit 8 --out FOLDER
        [--sweep adc_bits] [--seeds 3] [--weights original] [--weights tuned=FILE] [--keep FILE]

Four sweeps of the `lab` device, each value calibrated anew on every specimen, except in the last,
where one calibration ages:

- ``adc_bits``: of the camera, its full range the same electrons;
- ``full_well``: of the camera, with the gain and the reference beam's power in proportion;
- ``crosstalk``: phase of the nearest heater relative to a heater's own, its partner's half of that;
- ``drift``: device time since the calibration, with pilot frames and without.

PSNR (RGB) of every enlargement is compared, picture by picture, with that of the *electronic*
network of the first weights; error bars are 95 % intervals over pictures and specimens.  More
weights are more lines: those fine-tuned on the degraded device (``noise_aware.py``) show what
noise-aware training wins back; ``{sweep}``, ``{value}`` and ``{seed}`` in a file's name stand for
the point and the specimen.  Points without a file are left out, and so are those that the
calibration finds it cannot describe.  `--keep` holds what is measured, and what it holds already
isn't measured again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from degradation_plots import Line, Point, draw
from degradation_sweeps import SWEEPS, Sweep
from rich.console import Console
from torch import nn

from driver import Device, open_device
from driver.calibration import RoutineReport
from driver.errors import CalibrationError
from nn import convert_to_optical
from nn.judging import crossed_interval, paired_interval, psnr
from nn.sampling import decimate
from opticonv.convolution_study import UntrackedDevice
from opticonv.errors import CommandError
from opticonv.evaluate.methods import load_networks
from opticonv.evaluate.sets import batches, open_sets

console = Console(width=110)


def _calibrate(device: Device) -> None:
    """Calibrate, and say which routines found that they did not succeed."""
    reports: list[RoutineReport] = []
    device.calibrate(on_report=reports.append)
    failed = [report.routine for report in reports if report.verdict == "failed"]
    if failed:
        console.print(f"calibration: {', '.join(failed)} failed", style="yellow")


class Pictures:
    """Truths and inputs in batches of one size, and the PSNR of the electronic network on each."""

    def __init__(self, given: Sequence[str], limit: int, electronic: nn.Module) -> None:
        self._batches = []
        for pictures in open_sets(given, limit):
            for batch in batches(pictures, range(len(pictures.names))):
                truths = torch.stack([pictures.load(index) for index in batch])
                self._batches.append((decimate(truths).contiguous(), truths))
        self.electronic = self.psnrs(electronic)

    def psnrs(self, network: nn.Module) -> list[float]:
        """PSNR [dB] of every picture."""
        with torch.no_grad():
            return [
                psnr(output, truth)
                for small, truths in self._batches
                for output, truth in zip(network(small), truths, strict=True)
            ]

    def differences(self, network: nn.Module) -> list[float]:
        """PSNR of `network` less the electronic one's, by picture [dB]."""
        pairs = zip(self.psnrs(network), self.electronic, strict=True)
        return [light - host for light, host in pairs]


Key = tuple[str, float, str, int]
"""Sweep, value, line and seed."""


class Kept:
    """Differences by sweep, value, line and seed, in a file if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.found: dict[Key, list[float]] = {}
        if path is not None and path.exists():
            self.found = {tuple(key): values for key, values in json.loads(path.read_text())}

    def note(self, key: Key, values: list[float]) -> None:
        self.found[key] = values
        mean = sum(values) / len(values)
        console.print(f"{key[0]} {key[1]:g}, {key[2]}, seed {key[3]}: {mean:+.3f} dB")
        if self._path is not None:
            self._path.write_text(json.dumps(list(self.found.items())) + "\n")


@dataclass(frozen=True)
class Weights:
    """A line's name, and the file (a pattern) or the packaged weights it stands for."""

    name: str
    place: str

    @classmethod
    def parse(cls, text: str) -> Weights:
        name, equals, place = text.partition("=")
        return cls(name, place if equals else name)

    def network(self, sweep: str, value: float, seed: int) -> nn.Module | None:
        """The network of a point; None where a pattern's file isn't there."""
        place = self.place.format(sweep=sweep, value=f"{value:g}", seed=seed)
        if place != self.place and not Path(place).is_file():
            return None
        return load_networks([place])[0].model


class Specimen:
    """One specimen with one profile, opened and calibrated when it is first needed."""

    def __init__(self, uri: str, seed: int, overrides: dict[str, Any]) -> None:
        self._uri, self._seed, self._overrides = uri, seed, overrides
        self._device: Device | None = None
        self.begin_s = 0.0

    @property
    def device(self) -> Device:
        """Calibrated."""
        if self._device is None:
            self._device = open_device(self._uri, seed=self._seed, **self._overrides)
            _calibrate(self._device)
            self.begin_s = self._device.telemetry().device_time_s
        return self._device

    def differences(self, network: nn.Module, pictures: Pictures) -> list[float]:
        """Of the network by its light."""
        return pictures.differences(convert_to_optical(network, self.device))

    def aged(
        self, network: nn.Module, pictures: Pictures, age_s: float, tracked: bool
    ) -> list[float]:
        """The same, that long after the calibration, with pilots or without."""
        device = self.device
        device.idle(max(age_s - (device.telemetry().device_time_s - self.begin_s), 0.0))
        optics = device if tracked else UntrackedDevice(device)
        return pictures.differences(convert_to_optical(network, optics))

    def close(self) -> None:
        """Close the device if it was opened."""
        if self._device is not None:
            self._device.close()


Measurement = tuple[Key, Callable[[], list[float]]]


def measure(
    name: str, sweep: Sweep, weights: Sequence[Weights], seeds: int, uri: str, pictures: Pictures
) -> Iterator[Measurement]:
    """Points of a sweep in an order that calibrates least, each with what measures it."""
    for seed in range(seeds):
        if sweep.ages:
            yield from _ageing(name, sweep, weights, seed, uri, pictures)
            continue
        for value in sweep.values:
            specimen = Specimen(uri, seed, sweep.overrides(value))
            try:
                for line in weights:
                    network = line.network(name, value, seed)
                    if network is not None:
                        yield (
                            (name, value, line.name, seed),
                            partial(specimen.differences, network, pictures),
                        )
            finally:
                specimen.close()


def _ageing(
    name: str, sweep: Sweep, weights: Sequence[Weights], seed: int, uri: str, pictures: Pictures
) -> Iterator[Measurement]:
    """A specimen that is calibrated once, for every line anew, so that all see it at the same ages.

    Ages are those at the beginning of a measurement.
    """
    for line in weights:
        for tracked in (False, True):
            about = f"{line.name}, {'with pilots' if tracked else 'without pilots'}"
            specimen = Specimen(uri, seed, {})
            try:
                for value in sweep.values:
                    network = line.network(name, value, seed)
                    if network is not None:
                        yield (
                            (name, value, about, seed),
                            partial(specimen.aged, network, pictures, value, tracked),
                        )
            finally:
                specimen.close()


Grids = dict[str, dict[float, dict[int, list[float]]]]
"""Differences by line, value, seed and picture."""


def grids_of(name: str, found: dict[Key, list[float]]) -> Grids:
    """What is known of a sweep."""
    grids: Grids = {}
    for (sweep, value, line, seed), values in found.items():
        if sweep == name:
            grids.setdefault(line, {}).setdefault(value, {})[seed] = values
    return grids


def pairs_of(grids: Grids, first: str, other: str) -> Iterator[tuple[str, str, float]]:
    """Lines of the weights `first` and `other`, and values, at which both are known."""
    for line, points in grids.items():
        before = line.replace(other, first, 1)
        if line.startswith(other) and before in grids:
            yield from ((before, line, value) for value in points if value in grids[before])


def lines_of(grids: Grids, first: str, others: Sequence[str]) -> list[Line]:
    """What to draw of a sweep: means and 95 % intervals over pictures and specimens.

    Where other weights are of fewer specimens, the first are drawn for those specimens too.
    """
    same: Grids = {}
    for other in others:
        for before, after, value in pairs_of(grids, first, other):
            seeds, known = grids[after][value], grids[before][value]
            if known.keys() - seeds.keys():
                line = f"{before} (the same)"
                same.setdefault(line, {})[value] = {s: known[s] for s in seeds if s in known}
    return [
        Line(
            f"{line}, {_specimens(points)}",
            tuple(_point(value, [*seeds.values()]) for value, seeds in sorted(points.items())),
        )
        for line, points in (grids | same).items()
    ]


def _specimens(points: dict[float, dict[int, list[float]]]) -> str:
    number = max(len(seeds) for seeds in points.values())
    return f"{number} specimen" if number == 1 else f"{number} specimens"


def _point(value: float, grid: Sequence[Sequence[float]]) -> Point:
    """Mean and interval of differences by specimen and picture."""
    interval = crossed_interval(grid) if len(grid) > 1 else paired_interval(grid[0])
    return Point(value, interval.mean, interval.low, interval.high)


def tell_gains(name: str, grids: Grids, first: str, other: str) -> None:
    """What the weights `other` have won beside the `first`, picture by picture, at each point."""
    for before, after, value in pairs_of(grids, first, other):
        known = grids[before][value]
        won = _point(
            value,
            [
                [
                    after_db - before_db
                    for after_db, before_db in zip(values, known[seed], strict=True)
                ]
                for seed, values in grids[after][value].items()
                if seed in known
            ],
        )
        console.print(
            f"{name} {value:g}, {after} − {first}: {won.mean:+.3f} dB "
            f"[{won.low:+.3f}, {won.high:+.3f}], specimens {sorted(grids[after][value])}",
            highlight=False, markup=False,
        )  # fmt: skip


def main(
    sets: Annotated[list[str], typer.Option("--set", help="NAME=FOLDER or NAME=FOLDER:SPLIT.")],
    sweeps: Annotated[
        list[str] | None, typer.Option("--sweep", help=f"Of {', '.join(SWEEPS)}; all by default.")
    ] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Packaged name, or NAME=FILE; original by default.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Specimens 0, 1, … of the device.")] = 3,
    device: Annotated[str, typer.Option(help="Device URI without seed.")] = "emulator:lab",
    limit: Annotated[int, typer.Option(min=2, help="At most so many pictures a set.")] = 8,
    keep: Annotated[Path | None, typer.Option(help="JSON file of what is measured.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for degradation_SWEEP.png.")] = None,
) -> None:
    """Measure the sweeps, print each point, and draw one figure a sweep."""
    for name in sweeps or ():
        if name not in SWEEPS:
            raise typer.BadParameter(f"no sweep {name!r}; there are {', '.join(SWEEPS)}")
    lines = [Weights.parse(text) for text in weights or ["original"]]
    try:
        pictures = Pictures(sets, limit, load_networks([lines[0].place])[0].model)
    except CommandError as error:
        raise typer.BadParameter(str(error)) from None
    kept = Kept(keep)
    for name in sweeps or SWEEPS:
        sweep = SWEEPS[name]
        for key, measured in measure(name, sweep, lines, seeds, device, pictures):
            if key in kept.found:
                continue
            try:
                kept.note(key, measured())
            except CalibrationError as error:
                console.print(f"{key[0]} {key[1]:g}, seed {key[3]}: left out: {error}")
        grids = grids_of(name, kept.found)
        first, *others = (line.name for line in lines)
        for other in others:
            tell_gains(name, grids, first, other)
        if out is not None:
            about = f"{len(pictures.electronic)} pictures"
            path = out / f"degradation_{name}.png"
            draw(path, lines_of(grids, first, others), sweep.label, sweep.lab, about, log=sweep.log)
            console.print(str(path))


if __name__ == "__main__":
    typer.run(main)
