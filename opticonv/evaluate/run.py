"""Judging every picture of every set by every method, as far as it isn't done yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from nn.judging import Border, Judge, PerceptualDistance, PictureSet, Quality, matched_to
from nn.sampling import decimate
from opticonv.errors import CommandError
from opticonv.evaluate.methods import Method
from opticonv.evaluate.sets import batches
from opticonv.evaluate.table import Judgement, Key

__all__ = ["MATCHED_NAMES", "Matching", "Measuring", "judge_all", "parse_matchings", "rows_of"]

Matching = Literal["input", "truth"]

MATCHED_NAMES: dict[Matching | None, str] = {
    None: "",
    "input": ", matched to input",
    "truth": ", matched to truth (leak)",
}
"""What is appended to a method's name where its histograms were matched."""


@dataclass(frozen=True)
class Measuring:
    """How enlargements are judged.

    Attributes
    ----------
    border : "none", "shave-scale" or "shave-6+scale"
    perceptual : PerceptualDistance or None
        None: not measured.
    matchings : tuple
        What networks' enlargements are matched to in rows of their own.
    """

    border: Border = "none"
    perceptual: PerceptualDistance | None = None
    matchings: tuple[Matching, ...] = ()

    def variants(self, kind: str) -> tuple[Matching | None, ...]:
        """Rows that a method of that kind has: as it is, and matched."""
        return (None,) if kind == "baseline" else (None, *self.matchings)


def parse_matchings(text: str | None) -> tuple[Matching, ...]:
    """``input``, ``truth`` or ``input,truth`` as a user writes it; None: nothing is matched.

    Raises
    ------
    CommandError
        Another word.
    """
    wanted = [] if text is None else [part.strip() for part in text.split(",")]
    for part in wanted:
        if part not in get_args(Matching):
            raise CommandError(f"--match {text}: histograms are matched to input, truth or both")
    return tuple(matching for matching in get_args(Matching) if matching in wanted)


def rows_of(
    pictures: PictureSet, method: str, kind: str, seed: int | None, measuring: Measuring
) -> list[Key]:
    """Keys of all rows of a method on a set, in order; see `Judgement.key`."""
    return [
        (pictures.name, picture, method + MATCHED_NAMES[matching], seed)
        for picture in pictures.names
        for matching in measuring.variants(kind)
    ]


def judge_all(
    pictures: PictureSet,
    methods: Sequence[Method],
    measuring: Measuring,
    done: frozenset[Key],
    on_judgement: Callable[[], None] = lambda: None,
) -> Iterator[list[Judgement]]:
    """Judge the pictures of a set that miss a row, batch by batch.

    Parameters
    ----------
    pictures : PictureSet
    methods : sequence of Method
    measuring : Measuring
    done : frozenset of keys
        Rows that there are already; they are skipped.
    on_judgement : callable
        Called after each row.

    Yields
    ------
    list of Judgement
        New rows of one batch and method.

    Raises
    ------
    CommandError
        A picture that cannot be read, or is too small for the border or for SSIM.
    driver.DriverError
        What the device refuses.
    """
    missing = {method.name: _missing(pictures, method, measuring, done) for method in methods}
    wanted = sorted(set().union(*missing.values()))
    with _told(pictures):
        grouped = list(batches(pictures, wanted))
    for batch in grouped:
        with _told(pictures):
            truths = {index: pictures.load(index) for index in batch}
            judges = {
                index: Judge(truth, border=measuring.border, perceptual=measuring.perceptual)
                for index, truth in truths.items()
            }
        for method in methods:
            due = [index for index in batch if index in missing[method.name]]
            if due:
                yield list(
                    _judge(pictures, method, due, truths, judges, measuring, done, on_judgement)
                )


@contextmanager
def _told(pictures: PictureSet) -> Iterator[None]:
    """What is wrong with a picture is the user's to put right."""
    try:
        yield
    except ValueError as error:
        raise CommandError(f"{pictures.name}: {error}") from error


def _missing(
    pictures: PictureSet,
    method: Method,
    measuring: Measuring,
    done: frozenset[Key],
) -> set[int]:
    rows = rows_of(pictures, method.name, method.kind, method.seed, measuring)
    picture_names = {key[1] for key in rows if key not in done}
    return {index for index, name in enumerate(pictures.names) if name in picture_names}


def _judge(
    pictures: PictureSet,
    method: Method,
    indices: Sequence[int],
    truths: dict[int, torch.Tensor],
    judges: dict[int, Judge],
    measuring: Measuring,
    done: frozenset[Key],
    on_judgement: Callable[[], None],
) -> Iterator[Judgement]:
    inputs = torch.stack([decimate(truths[index]) for index in indices])
    with torch.no_grad():
        outputs = method.enlarge(inputs)
    for index, small, output in zip(indices, inputs, outputs, strict=True):
        for matching in measuring.variants(method.kind):
            name = method.name + MATCHED_NAMES[matching]
            key = (pictures.name, pictures.names[index], name, method.seed)
            if key in done:
                continue
            reference = {None: None, "input": small, "truth": truths[index]}[matching]
            shown = output if reference is None else matched_to(output, reference)
            yield _judgement(key, method, matching, judges[index](shown))
            on_judgement()


def _judgement(
    key: Key,
    method: Method,
    matching: Matching | None,
    quality: Quality,
) -> Judgement:
    set_name, picture, name, seed = key
    return Judgement(
        set_name=set_name,
        picture=picture,
        method=name,
        kind=method.kind,
        weights=method.weights,
        psnr_rgb_db=quality.psnr_rgb_db,
        psnr_y_db=quality.psnr_y_db,
        ssim_rgb=quality.ssim_rgb,
        ssim_y=quality.ssim_y,
        perceptual=quality.perceptual,
        delta_e2000=quality.delta_e2000,
        matched=matching,
        seed=seed,
    )
