"""Histogram matching of an enlargement to its input: each channel gets the input's distribution.

What `skimage.exposure.match_histograms` does with two pictures in memory, done with a picture that
passes by twice: once to be counted, while it waits in a file, and once to be changed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from opticonv.enlarging.picture import Codes, Picture, peak

__all__ = ["Counts", "matched_bands", "matched_picture", "matching_table"]

LEVELS = 65536

Counts = npt.NDArray[np.int64]
"""How many pixels have each of the 65536 codes, a row a channel: (C, 65536)."""


def matching_table(source: Counts, reference: Counts) -> npt.NDArray[np.uint16]:
    """Which code each code becomes, so that `source` gets the distribution of `reference`.

    A code at quantile q of the source becomes the reference's value at q, linearly interpolated
    between its codes: the rule of scikit-image, rounded.

    Parameters
    ----------
    source, reference : (C, 65536)

    Returns
    -------
    numpy.ndarray, shape (C, 65536), uint16
    """
    table = np.empty(source.shape, np.uint16)
    for channel, (mine, theirs) in enumerate(zip(source, reference, strict=True)):
        values = np.flatnonzero(theirs)
        if not values.size or not mine.any():
            table[channel] = np.arange(LEVELS)
            continue
        quantiles = np.cumsum(theirs[values]) / theirs.sum()
        table[channel] = np.rint(np.interp(np.cumsum(mine) / mine.sum(), quantiles, values))
    return table


def _count(codes: Codes, alpha: Codes | None) -> Counts:
    """Codes (rows, W, C) counted, where they are seen."""
    seen = codes.reshape(-1, codes.shape[2]) if alpha is None else codes[alpha > 0]
    wide = seen.astype(np.int64) * (65535 // peak(codes))
    return np.stack([np.bincount(channel, minlength=LEVELS) for channel in wide.T])


def matched_picture(large: Codes, small: Codes) -> Codes:
    """A picture in memory with the distribution of another: both (H, W, C), uint8."""
    table = matching_table(_count(large, None), _count(small, None))
    levels = np.rint(table[:, :: LEVELS // 255] / 257).astype(np.uint8)
    channels = range(large.shape[2])
    return np.stack([levels[channel][large[..., channel]] for channel in channels], axis=-1)


def matched_bands(bands: Iterator[Codes], picture: Picture, folder: Path) -> Iterator[Codes]:
    """The same bands with the distribution of the picture that they are an enlargement of.

    Parameters
    ----------
    bands : iterator of arrays (rows, W, C), uint16
        All are drawn before the first is given; meanwhile they lie in a nameless file.
    picture : Picture
        Pixels that nobody sees, by its opacity, do not count.
    folder : Path
        Where that file may be.
    """
    colours = picture.colour.shape[2]
    source: Counts = np.zeros((colours, LEVELS), np.int64)
    shapes: list[tuple[int, ...]] = []
    with tempfile.TemporaryFile(dir=folder, prefix=".opticonv.") as waiting:
        for band in bands:
            alpha = band[..., -1] if picture.alpha is not None else None
            source += _count(band[..., :colours], alpha)
            shapes.append(band.shape)
            waiting.write(band.data)
        table = matching_table(source, _count(picture.colour, picture.alpha))
        waiting.seek(0)
        for shape in shapes:
            band = np.empty(shape, np.uint16)
            waiting.readinto(band.data.cast("B"))
            for channel in range(colours):
                band[..., channel] = table[channel][band[..., channel]]
            yield band
