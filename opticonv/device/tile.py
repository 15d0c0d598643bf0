"""The photograph that is put on the chip."""

from __future__ import annotations

from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["photograph_tile"]

_PHOTO = "astronaut.png"
"""In scikit-image's own package: no network is needed for it."""
_FACE = (80, 0, 336, 256)
"""Left, upper, right and lower edge of the part that is taken [pixels]."""


def photograph_tile(n: int) -> NDArray[np.float64]:
    """A photograph in grey, without its mean, (n, n), largest magnitude 1.

    As the driver puts it on the chip: the mean is taken off before the light and its share put
    back electronically, since it would outshine the rest of the spectrum.
    """
    with (
        resources.as_file(resources.files("skimage.data") / _PHOTO) as path,
        Image.open(path) as photo,
    ):
        grey = photo.convert("L").crop(_FACE).resize((n, n), Image.Resampling.LANCZOS)
    picture = np.asarray(grey, dtype=np.float64)
    picture -= picture.mean()
    return picture / np.abs(picture).max()
