"""The linear filter to judge: the one that comes along, a file's, or one fitted now."""

from __future__ import annotations

from pathlib import Path

import torch

from nn.judging import LinearFilter, PictureSet, fit_linear_filter
from opticonv.console import progress_bar
from opticonv.errors import CommandError
from opticonv.evaluate.sets import open_sets
from opticonv.files import whole_file

__all__ = ["linear_filter"]


def linear_filter(
    file: Path | None, fit_on: str | None, size: int, save: Path | None
) -> LinearFilter:
    """Read, or fit, the best linear filter.

    Parameters
    ----------
    file : Path or None
        One that was saved; None with no `fit_on`: the one that comes along.
    fit_on : str or None
        ``FOLDER`` or ``FOLDER:SPLIT`` to fit one on.
    size : int
        Side of the window of a fitted one [input pixels].
    save : Path or None
        Where to keep a fitted one.

    Raises
    ------
    CommandError
        A file or folder that is no good, an even `size`, or options that contradict each other.
    """
    if fit_on is None:
        if save is not None:
            raise CommandError("--save-linear keeps a fitted filter; name pictures by --fit-linear")
        try:
            return LinearFilter.shipped() if file is None else LinearFilter.load(file)
        except (FileNotFoundError, ValueError) as error:
            raise CommandError(str(error)) from None
    if file is not None:
        raise CommandError("--linear-filter reads a filter and --fit-linear makes one: choose one")
    (pictures,) = open_sets([f"fit={fit_on}"], None)
    fitted = _fitted(pictures, size)
    if save is not None:
        with whole_file(save) as temporary:
            fitted.save(temporary)
    return fitted


def _fitted(pictures: PictureSet, size: int) -> LinearFilter:
    count = len(pictures.names)
    with progress_bar() as progress:
        task = progress.add_task("fitting the linear filter", total=count)

        def load(index: int) -> torch.Tensor:
            progress.advance(task)
            return pictures.load(index)

        try:
            return fit_linear_filter(map(load, range(count)), size, fitted_on=f"{count:,} pictures")
        except ValueError as error:
            raise CommandError(f"the linear filter cannot be fitted: {error}") from None
