"""Random values of a fabrication, each component from a substream of its own."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optical_device.profile_sections import LARGEST_DEVIATION

__all__ = ["Draw"]

Floats = NDArray[np.float64]


class Draw:
    """Random arrays by component name: a new component changes no other one's values.

    Normals are kept within `LARGEST_DEVIATION`, so that no drawn factor turns negative.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _generator(self, component: str) -> np.random.Generator:
        name = zlib.crc32(component.encode())
        sequence = np.random.SeedSequence(self._seed, spawn_key=(name,))
        return np.random.Generator(np.random.Philox(sequence))

    def normal(self, component: str, shape: tuple[int, ...]) -> Floats:
        draws = np.asarray(self._generator(component).standard_normal(shape))
        return np.clip(draws, -LARGEST_DEVIATION, LARGEST_DEVIATION)

    def uniform(self, component: str, shape: tuple[int, ...]) -> Floats:
        return np.asarray(self._generator(component).random(shape))

    def around_one(self, component: str, spread: float, shape: tuple[int, ...] = ()) -> Any:
        factor = 1.0 + spread * self.normal(component, shape)
        return factor if shape else float(factor)
