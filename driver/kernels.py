"""What is computed of a convolution's kernels once: their spectra and their moments."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver.polynomial import moment_matrix
from driver.spectral import half_width, kernel_spectra

__all__ = ["KernelCache", "Kernels"]

Complex = NDArray[np.complex64]

#: Spectra of a layer are formed, and kept, at most this many bytes at a time.
SPECTRA_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class Kernels:
    """The kernels of one layer, (groups, out, in, kh, kw), prepared for N×N tiles.

    Attributes
    ----------
    weight : (groups, out, in, kh, kw) float64
    dilation : (int, int)
    grid : int
        N.
    moments : (groups, out, in, 6, 6) float32
        `driver.polynomial.moment_matrix`.
    spectra : (bins, groups, in, out) complex64, optional
        `driver.spectral.kernel_spectra`; None where they would not fit in `SPECTRA_BYTES`.
    """

    weight: NDArray[np.float64]
    dilation: tuple[int, int]
    grid: int
    moments: NDArray[np.float32]
    spectra: Complex | None

    @classmethod
    def prepare(cls, weight: NDArray[Any], dilation: tuple[int, int], grid: int) -> Kernels:
        """Moments, and spectra if there is room for them."""
        weight = weight.astype(np.float64)
        small = _spectra_bytes(weight.shape, grid) <= SPECTRA_BYTES
        spectra = kernel_spectra(weight, dilation, grid) if small else None
        return cls(weight, dilation, grid, moment_matrix(weight, dilation), spectra)

    def by_outputs(self) -> Iterator[tuple[slice, Complex]]:
        """Spectra by slices of output channels, formed anew where they were too large to keep."""
        outputs = self.weight.shape[1]
        if self.spectra is not None:
            yield slice(0, outputs), self.spectra
            return
        step = max(1, SPECTRA_BYTES * outputs // _spectra_bytes(self.weight.shape, self.grid))
        for some in (slice(i, min(i + step, outputs)) for i in range(0, outputs, step)):
            yield some, kernel_spectra(self.weight[:, some], self.dilation, self.grid)


def _spectra_bytes(shape: tuple[int, ...], grid: int) -> int:
    groups, outputs, inputs = shape[:3]
    return 8 * grid * half_width(grid) * groups * outputs * inputs


class KernelCache:
    """Prepared kernels by content, the most recently used up to ``limit_bytes``."""

    def __init__(self, limit_bytes: int = 4 * SPECTRA_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._kept: OrderedDict[tuple[Any, ...], Kernels] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, weight: NDArray[Any], dilation: tuple[int, int], grid: int) -> Kernels:
        """As `Kernels.prepare`, remembered."""
        digest = hashlib.blake2b(np.ascontiguousarray(weight).data, digest_size=16).digest()
        key = (digest, weight.dtype, weight.shape, dilation, grid)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = Kernels.prepare(weight, dilation, grid)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += _size(made)
            while self._bytes > self.limit_bytes and len(self._kept) > 1:
                self._bytes -= _size(self._kept.popitem(last=False)[1])
        return made


def _size(kernels: Kernels) -> int:
    spectra = 0 if kernels.spectra is None else kernels.spectra.nbytes
    return spectra + kernels.moments.nbytes + kernels.weight.nbytes
