"""Enlarging pictures from files to files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from driver import Device
from nn import convert_to_optical
from opticonv.enlarging.account import Account, Done
from opticonv.enlarging.bands import enlarged_bands, requantised
from opticonv.enlarging.formats import check_size, format_of
from opticonv.enlarging.jobs import Job
from opticonv.enlarging.matching import matched_bands
from opticonv.enlarging.network import scale_of
from opticonv.enlarging.observer import Observer
from opticonv.enlarging.picture import Picture, peak
from opticonv.enlarging.planning import planned_frames
from opticonv.enlarging.reading import read, read_header
from opticonv.enlarging.windows import TILE
from opticonv.enlarging.writing import Layout, over_white, write
from opticonv.errors import CommandError
from opticonv.metering import MeteredDevice
from opticonv.options import Precision

__all__ = ["Settings", "run_jobs"]


@dataclass(frozen=True)
class Settings:
    """How pictures are enlarged and written.

    Attributes
    ----------
    precision : "fast", "balanced" or "best"
        By light.
    match_histogram : bool
        Whether the result gets the input's distribution of each channel.
    quality : int
        1 to 100, of formats that lose something.
    tile : int
        Longest side of a window [input pixels].
    """

    precision: Precision = "balanced"
    match_histogram: bool = False
    quality: int = 95
    tile: int = TILE


def run_jobs(
    jobs: Sequence[Job],
    network: nn.Module,
    settings: Settings,
    account: Account,
    *,
    open_optics: Callable[[], AbstractContextManager[Device]],
    overwrite: bool = False,
    strict: bool = False,
    observer: Observer | None = None,
) -> None:
    """Do jobs one after another, and keep the account of them.

    Every picture's header is read, and its result's size held against the format, before the
    device is opened; if `strict`, every picture is decoded then too.  A job whose target exists is
    skipped, so a run that was stopped goes on where it was; targets appear whole or not at all.

    Parameters
    ----------
    jobs : sequence of Job
    network : torch.nn.Module
        Electronic.
    settings : Settings
    account : Account
        Filled as results are made, so it is right after an exception too.
    open_optics : callable
        Gives an open, calibrated device; called only if light is needed.
    overwrite : bool
        Whether to do jobs whose target exists.
    strict : bool
        Whether a picture that can't be read is an error, rather than left out.
    observer : Observer, optional

    Raises
    ------
    CommandError
        A result can't be written, or a picture can't be read and `strict`.
    driver.DriverError
        What the device refuses.
    """
    observer = observer or Observer()
    scale = scale_of(network)
    sizes: dict[Job, tuple[int, int]] = {}
    decoded: dict[Path, Picture] = {}

    def leave_out(job: Job, error: CommandError) -> None:
        if strict:
            raise error
        account.failed[job] = str(error)
        observer.failed(job, str(error))

    for job in jobs:
        if job.target.exists() and not overwrite:
            account.skipped.append(job)
            continue
        try:
            height, width = sizes[job] = read_header(job.source).size
            check_size(job.target, (scale * height, scale * width))
            if strict and job.source not in decoded:
                decoded[job.source] = read(job.source)
        except CommandError as error:
            sizes.pop(job, None)
            leave_out(job, error)
    by_light = any(job.way == "optical" for job in sizes)
    with open_optics() if by_light else nullcontext() as optics:
        runner = _Runner(network, settings, observer, optics)
        observer.planned(sum(height * width for height, width in sizes.values()))
        for number, job in enumerate(sizes, 1):
            observer.begins(job, number, len(sizes))
            try:
                picture = decoded.get(job.source) or read(job.source)
            except CommandError as error:
                leave_out(job, error)
                observer.advances(sizes[job][0] * sizes[job][1])
                continue
            account.done.append(runner.run(job, picture))


class _Runner:
    """Does one job after another with the same network and device."""

    def __init__(
        self, network: nn.Module, settings: Settings, observer: Observer, optics: Device | None
    ) -> None:
        self._network = network
        self._settings = settings
        self._observer = observer
        self._optics = optics

    def run(self, job: Job, picture: Picture) -> Done:
        """Enlarge a picture and write it."""
        begin = time.perf_counter()
        cost = None
        if self._optics is None or job.way == "electronic":
            self._write(job, picture, self._network, self._observer.advances)
        else:
            metered = MeteredDevice(self._optics, on_frames=self._by_frames(picture.size))
            optical = convert_to_optical(self._network, metered, precision=self._settings.precision)
            self._write(job, picture, optical, None)
            cost = metered.cost()
        return Done(
            job,
            picture.size,
            scale_of(self._network),
            time.perf_counter() - begin,
            cost,
            picture.notes,
        )

    def _by_frames(self, size: tuple[int, int]) -> Callable[[int], None]:
        """Tells the observer of frames as of the share of the picture that they are."""
        assert self._optics is not None
        settings = self._settings
        total = planned_frames(
            self._network,
            size,
            grid=self._optics.n,
            precision=settings.precision,
            tile=settings.tile,
        )
        return lambda frames: self._observer.advances(frames / total * size[0] * size[1])

    def _write(
        self,
        job: Job,
        picture: Picture,
        network: nn.Module,
        on_window: Callable[[int], None] | None,
    ) -> None:
        settings, form = self._settings, format_of(job.target)
        height, width = (scale_of(network) * side for side in picture.size)
        check_size(job.target, (height, width))
        job.target.parent.mkdir(parents=True, exist_ok=True)
        bits = 16 if form.sixteen_bits and peak(picture.colour) > 255 else 8
        bands = enlarged_bands(
            network,
            picture,
            16 if settings.match_histogram else bits,
            tile=settings.tile,
            on_window=on_window,
        )
        if settings.match_histogram:
            bands = requantised(matched_bands(bands, picture, job.target.parent), bits)
        alpha = picture.alpha is not None
        if alpha and not form.alpha:
            bands, alpha = over_white(bands), False
        channels = picture.colour.shape[2] + alpha
        layout = Layout(
            height, width, channels, bits, settings.quality, picture.profile, picture.exif
        )
        write(job.target, bands, layout)
