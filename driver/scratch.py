"""Arrays that a thread works in, kept from call to call.

Fresh memory costs a page fault for every thousand numbers, as much as a pass over them.
"""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["scratch"]

_kept = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """This thread's array of that name: what it holds is left over from its last use."""
    arrays: dict[str, NDArray[np.uint8]] = _kept.__dict__
    size = prod(shape) * np.dtype(dtype).itemsize
    found = arrays.get(name)
    if found is None or found.size < size:
        found = arrays[name] = np.empty(size, np.uint8)
    return found[:size].view(dtype).reshape(shape)
