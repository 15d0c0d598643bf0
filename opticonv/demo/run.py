"""The demonstration from the first photograph to the last figure."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from torch import nn

from driver import Device
from nn import convert_to_optical, model_card
from opticonv.console import REPORT_WIDTH, progress_bar, result_console
from opticonv.demo.report import Report
from opticonv.demo.samples import LARGE, Photo, load_photos
from opticonv.demo.sheets import comparison_sheet, large_sheet
from opticonv.demo.trial import Trial, run_large, run_trial
from opticonv.enlarging import SCALE, load_network, planned_frames
from opticonv.errors import collected_warnings
from opticonv.files import whole_folder
from opticonv.metering import MeteredDevice
from opticonv.opening import ready_device
from opticonv.options import Precision
from opticonv.picture_files import write_picture
from opticonv.report.measuring import WeightsTrial, measure_around
from opticonv.report.page import page_of
from opticonv.report.photos import MOST, shown_photos

__all__ = ["run_demo"]

WEIGHTS = "original"


def run_demo(
    photos: Sequence[Path], output: Path, uri: str, seed: int | None, precision: Precision
) -> None:
    """Enlarge the samples and `photos`, and leave pictures and figures in folder `output`.

    Raises
    ------
    CommandError
        A photograph that can't be read, an output folder that can't be written to.
    driver.DriverError
        What the device refuses.
    """
    begin = time.perf_counter()
    loaded = load_photos(photos)
    network = load_network(WEIGHTS)
    with whole_folder(output) as folder, collected_warnings() as warned:
        with ready_device(uri, seed, None) as device:
            figures = _calibration_figures(device)
            trials = _run_trials(device, network, loaded, precision)
            shown = WeightsTrial(WEIGHTS, model_card(WEIGHTS), tuple(trials[:-1][:MOST]))
            measured = measure_around(device, uri, seed, shown, trials[-1], precision=precision)
        report = Report(
            uri=uri,
            info=device.info,
            precision=precision,
            calibration=figures,
            layers=[name for name, part in network.named_modules() if isinstance(part, nn.Conv2d)],
            trials=trials[:-1],
            large=trials[-1],
            total_time_s=time.perf_counter() - begin,
            warnings=warned,
        )
        _write(folder, report)
        measured = replace(measured, warnings=tuple(warned))
        text = page_of(measured, shown_photos(loaded, photos), command=sys.argv)
        (folder / "report.html").write_text(text, encoding="utf-8")
        names = sorted(file.name for file in folder.iterdir())
    console = result_console()
    console.print(report.tables(), highlight=False)
    console.print(
        f"{time.perf_counter() - begin:.0f} s. In {output}/: {', '.join(names)}", highlight=False
    )


def _calibration_figures(device: Device) -> dict[str, float] | None:
    """Figures of the calibration just made; None for a device that needs none."""
    if device.calibration is None:
        return None
    return {**device.calibration.figures, "frames": float(device.telemetry().frames)}


def _run_trials(
    device: Device, network: nn.Module, photos: Sequence[Photo], precision: Precision
) -> list[Trial]:
    """All photographs at 32², and at last the large one at 256²."""
    meter = MeteredDevice(device, check=True)
    optical = convert_to_optical(network, meter, precision=precision)
    large = next(photo for photo in photos if photo.name == LARGE)
    jobs: list[tuple[str, tuple[int, int], Callable[[], Trial]]] = []
    for photo in photos:
        size = (photo.picture.shape[1] // SCALE, photo.picture.shape[2] // SCALE)
        jobs.append((photo.name, size, partial(run_trial, photo, network, optical, meter)))
    jobs.append(
        (
            f"{large.name} to 2048²",
            (large.picture.shape[1], large.picture.shape[2]),
            partial(run_large, large.name, large.picture, network, optical, meter),
        )
    )
    frames = [
        planned_frames(network, size, grid=device.n, precision=precision) for _, size, _ in jobs
    ]
    trials = []
    with progress_bar() as progress:
        task = progress.add_task("enlarging", total=sum(frames))
        meter.on_frames = lambda done: progress.advance(task, done)
        for name, _, run in jobs:
            progress.update(task, description=f"enlarging {name}")
            trials.append(run())
        progress.update(task, description="enlarging: done")
    return trials


def _write(folder: Path, report: Report) -> None:
    """Pictures, `summary.json` and `summary.txt`."""
    setting = f"{report.uri} ({report.info.serial}), {report.precision}"
    with progress_bar() as progress:
        for trial in progress.track([*report.trials], description="drawing"):
            comparison_sheet(trial, setting).save(folder / f"{trial.name}.png")
        large = report.large
        side = large.pictures.optical.shape[-1]
        large_sheet(large, setting).save(folder / f"{large.name}_{side}_closeup.png")
        write_picture(large.pictures.optical, folder / f"{large.name}_{side}.png")
    (folder / "summary.json").write_text(
        json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    with (folder / "summary.txt").open("w", encoding="utf-8") as file:
        Console(file=file, width=REPORT_WIDTH).print(report.tables(), highlight=False)
