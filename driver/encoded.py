"""What encode returns: heater codes that know how brightly to expose them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.arrays import Restore

__all__ = ["Codes", "Encoded"]


class Codes(np.ndarray[Any, np.dtype[Any]]):
    """Heater codes (n, 2, 2, N, N) with the launch step that each frame was encoded for.

    A plain array in every other respect.  Choosing frames, by a slice, a list, a mask or an array
    of whole numbers on the first axis, takes the steps along; any other view or operation drops
    them (``launch_step`` is then None), so that they can't go stale.
    """

    launch_step: NDArray[np.uint8] | None

    def __new__(cls, codes: NDArray[Any], launch_step: NDArray[np.uint8]) -> Codes:
        made = codes.view(cls)
        made.launch_step = launch_step
        return made

    def __array_finalize__(self, source: Any) -> None:
        self.launch_step = None

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(part, Codes) and self.launch_step is not None and _chooses_frames(key):
            part.launch_step = self.launch_step[key]
        return part


def _chooses_frames(key: Any) -> bool:
    """Whether an index keeps all axes and picks along the first alone."""
    if isinstance(key, slice):
        return True
    return isinstance(key, (list, np.ndarray)) and np.ndim(key) == 1


@dataclass(frozen=True, slots=True)
class Encoded:
    """Targets as the chip will show them.

    All arrays are NumPy's whatever the targets were, so that `codes` can carry their steps.

    Attributes
    ----------
    codes : Codes
        (n, 2, 2, N, N) of the device's code dtype.
    scale : ndarray
        (n,) float32: the chip shows ``scale * x``; decode divides by it.
    launch_step : ndarray
        (n,) uint8: attenuator step of a single exposure, predicted from O(N^2) statistics.
    shape : tuple of int
        Leading shape of the targets, which decode restores.
    inverse : bool
        Whether decode gives the inverse transform.
    restore : callable
        NumPy array to the targets' kind, NumPy or torch: what decode returns.
    """

    codes: Codes
    scale: NDArray[np.float32]
    launch_step: NDArray[np.uint8]
    shape: tuple[int, ...]
    inverse: bool
    restore: Restore = field(repr=False, compare=False)
