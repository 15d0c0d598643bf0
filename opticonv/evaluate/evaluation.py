"""One evaluation from its options to its table: what is done is kept, what is missing is made."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from nn.judging import Border, LinearFilter, PerceptualDistance, PictureSet
from opticonv.console import progress_bar
from opticonv.errors import CommandError
from opticonv.evaluate.methods import (
    Family,
    Method,
    NamedNetwork,
    baselines,
    digest_of,
    electronic,
    linear_name,
    optical,
    optical_name,
)
from opticonv.evaluate.run import Matching, Measuring, judge_all, rows_of
from opticonv.evaluate.settings import SAMPLING, load_or_begin
from opticonv.evaluate.table import EvaluationTable, Judgement, Key
from opticonv.opening import ready_device
from opticonv.options import Precision

__all__ = ["Evaluation"]

SAVE_EVERY_S = 10.0
"""Time between writings of the table while it grows [s]."""


@dataclass(frozen=True)
class Evaluation:
    """What is to be judged, and how; the options of ``opticonv evaluate``.

    Raises
    ------
    CommandError
        One calibration for several devices.
    """

    families: Sequence[Family]
    networks: Sequence[NamedNetwork]
    device: str
    seeds: Sequence[int | None] = (None,)
    calibration: Path | None = None
    precision: Precision = "balanced"
    border: Border = "none"
    vgg: Path | None = None
    matchings: tuple[Matching, ...] = ()
    linear: LinearFilter | None = None

    def __post_init__(self) -> None:
        if self.calibration is not None and len(self.seeds) > 1:
            raise CommandError("a calibration is of one device; leave it out for several seeds")

    @cached_property
    def _measuring(self) -> Measuring:
        perceptual = None
        if self.vgg is not None:
            try:
                perceptual = PerceptualDistance.from_file(self.vgg)
            except (FileNotFoundError, ValueError) as error:
                raise CommandError(str(error)) from None
        return Measuring(self.border, perceptual, self.matchings)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What the rows depend on, of JSON's types; of no more than what is judged."""
        found: dict[str, Any] = {
            "sampling": SAMPLING,
            "border": self.border,
            "perceptual": None,
        }
        if self.vgg is not None:
            digest = sha256(self.vgg.read_bytes()).hexdigest()[:16]
            found["perceptual"] = f"VGG-16 relu1_2 and relu2_2, file {digest}"
        if self.linear is not None:
            found[linear_name(self.linear)] = {
                "fitted on": self.linear.fitted_on,
                "digest": digest_of([self.linear.weight]),
            }
        if {"electronic", "optical"} & set(self.families):
            found |= {f"weights {network.name}": network.digest for network in self.networks}
        if "optical" in self.families:
            found |= {"device": self.device, "precision": self.precision}
        return found

    def run(self, sets: Sequence[PictureSet], file: Path | None) -> EvaluationTable:
        """Judge what the table in `file` misses; it is written as it grows, and when interrupted.

        Returns
        -------
        EvaluationTable
            With the rows that were there.

        Raises
        ------
        CommandError
            A file, picture or set that is no good, or a table made with other settings.
        driver.DriverError
            What the device refuses.
        """
        measuring = self._measuring
        table = load_or_begin(file, self.settings)
        table.provenance["sets"] = {
            **table.provenance.get("sets", {}),
            **{pictures.name: len(pictures.names) for pictures in sets},
        }
        with _growing(table, file) as rows, progress_bar() as progress:
            missing = len(self._keys(sets, measuring) - table.keys)
            task = progress.add_task("judging", total=missing)

            def step() -> None:
                progress.advance(task)

            def judge(methods: Sequence[Method], about: str) -> None:
                for pictures in sets:
                    progress.update(task, description=f"{pictures.name}, {about}")
                    for judged in judge_all(pictures, methods, measuring, table.keys, step):
                        rows.add(judged)

            if missing:
                judge(self._electronic_methods(), "baselines and electronic")
            for seed in self.seeds if "optical" in self.families else ():
                if not self._optical_keys(sets, measuring, seed) - table.keys:
                    continue
                progress.stop()  # the calibration has a bar of its own
                with ready_device(self.device, seed, self.calibration) as device:
                    progress.start()
                    light = [optical(n, device, seed, self.precision) for n in self.networks]
                    about = "by light" if seed is None else f"by light, seed {seed}"
                    judge(light, about)
        return rows.table

    def _electronic_methods(self) -> list[Method]:
        found = baselines(self.families, self.linear)
        if "electronic" in self.families:
            found += [electronic(network) for network in self.networks]
        return found

    def _optical_keys(
        self, sets: Sequence[PictureSet], measuring: Measuring, seed: int | None
    ) -> set[Key]:
        return {
            key
            for pictures in sets
            for network in self.networks
            for key in rows_of(pictures, optical_name(network), "optical", seed, measuring)
        }

    def _keys(self, sets: Sequence[PictureSet], measuring: Measuring) -> set[Key]:
        keys = {
            key
            for pictures in sets
            for method in self._electronic_methods()
            for key in rows_of(pictures, method.name, method.kind, None, measuring)
        }
        for seed in self.seeds if "optical" in self.families else ():
            keys |= self._optical_keys(sets, measuring, seed)
        return keys


class _Rows:
    """A table that grows in memory and, now and then, on disk."""

    def __init__(self, table: EvaluationTable, file: Path | None) -> None:
        self._before = table
        self._new: list[Judgement] = []
        self._file = file
        self._saved = time.monotonic()

    @property
    def table(self) -> EvaluationTable:
        return self._before.with_rows(self._new)

    def add(self, rows: Sequence[Judgement]) -> None:
        self._new += rows
        if time.monotonic() - self._saved >= SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        if self._file is not None:
            self.table.save(self._file)
        self._saved = time.monotonic()


@contextmanager
def _growing(table: EvaluationTable, file: Path | None) -> Iterator[_Rows]:
    rows = _Rows(table, file)
    try:
        yield rows
    finally:
        rows.save()
