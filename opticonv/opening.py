"""Opening a device, ready to use, with its progress shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from driver import Device, open_device
from driver.calibration import RoutineReport, store
from opticonv.console import progress_bar

__all__ = ["calibrate_with_progress", "opened", "ready_device", "shown_progress"]


@contextmanager
def opened(uri: str, seed: int | None) -> Iterator[Device]:
    """An open device, closed at the end.

    Raises
    ------
    driver.DriverError
        There is no such device, or the seed is not allowed.
    """
    with open_device(uri, seed=seed) as device:
        yield device


@contextmanager
def shown_progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on the terminal, moved by calling what this gives with a routine and a fraction."""
    with progress_bar() as progress:
        task = progress.add_task("calibrating", total=1.0)

        def move(routine: str, fraction: float) -> None:
            progress.update(task, completed=fraction, description=f"calibrating: {routine}")

        yield move


def calibrate_with_progress(
    device: Device,
    on_report: Callable[[RoutineReport], None] | None = None,
    *,
    twin: bool = False,
) -> None:
    """Calibrate a device and show how far it is."""
    with shown_progress() as move:
        device.calibrate(twin=twin, progress=move, on_report=on_report)


@contextmanager
def ready_device(uri: str, seed: int | None, calibration: Path | None) -> Iterator[Device]:
    """An open device with a calibration: the given file's, or one measured now.

    A device without converters (`ideal`) is what its data sheet says and needs none.

    Raises
    ------
    driver.DriverError
        Also for a calibration file that is missing, corrupt or another device's.
    """
    # A file that is no good is reported before the device is opened.
    found = None if calibration is None else store.load(calibration)
    with opened(uri, seed) as device:
        if found is not None:
            device.load_calibration(found)
        elif not device.info.nominal_is_true:
            calibrate_with_progress(device)
        yield device
