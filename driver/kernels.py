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

from driver.cutting import moments
from driver.plan import ConvolutionPlan, KernelPart
from driver.spectral import half_width, kernel_spectra, multiply, multiply_by_taps

__all__ = ["KernelCache", "Kernels"]

Float = NDArray[np.float32]

#: Spectra of a layer are formed, and kept, at most this many bytes at a time.
SPECTRA_BYTES = 64 << 20

#: Weights up to this size are kept to be compared with, the last one of each of so many shapes.
COMPARED_BYTES, COMPARED_SHAPES = 1 << 20, 16


@dataclass(frozen=True, eq=False)
class Kernels:
    """The kernels of one layer, (groups, out, in, kh, kw), prepared for N×N tiles.

    Attributes
    ----------
    weight : (groups, out, in, kh, kw) float32
    dilation : (int, int)
    grid : int
        N.
    moments : (groups * out, 6, in) float32
        `driver.cutting.moments`.
    spectra : (blocks, groups, out, in, 2, 16) float32, optional
        `driver.spectral.kernel_spectra`; None where they are `formed`, or would not fit in
        `SPECTRA_BYTES`.
    formed : bool
        Whether spectra are formed while they are multiplied.
    """

    weight: Float
    dilation: tuple[int, int]
    grid: int
    moments: Float
    spectra: Float | None
    formed: bool = False

    @classmethod
    def prepare(
        cls,
        weight: NDArray[Any],
        dilation: tuple[int, int],
        grid: int,
        threads: int = 1,
        *,
        formed: bool = False,
    ) -> Kernels:
        """Moments, and spectra if they are kept and there is room for them."""
        weight = np.ascontiguousarray(weight, dtype=np.float32)
        kept = not formed and _spectra_bytes(weight.shape, grid) <= SPECTRA_BYTES
        spectra = kernel_spectra(weight, dilation, grid, threads) if kept else None
        return cls(weight, dilation, grid, moments(weight, dilation), spectra, formed)

    def multiply(
        self, pictures: Float, products: Float, *, adjoint: bool = False, threads: int
    ) -> None:
        """Products of spectra with these kernels' (`driver.spectral.multiply`).

        Parameters
        ----------
        pictures : (blocks, tiles, groups, in, 2, 16) float32
            With `adjoint`, (…, out, 2, 16).
        products : (blocks, tiles, groups, out, 2, 16) float32
            Where they go; with `adjoint`, (…, in, 2, 16).
        adjoint
            Multiply by the conjugates, and sum over the kernels' outputs.
        threads
        """
        grid = self.grid
        if self.formed:
            multiply_by_taps(
                pictures,
                self.weight,
                products,
                self.dilation,
                grid=grid,
                adjoint=adjoint,
                threads=threads,
            )
            return
        for some, factors in self.by_inputs(threads) if adjoint else self.by_outputs(threads):
            multiply(pictures, factors, products, some, grid=grid, adjoint=adjoint, threads=threads)

    def by_outputs(self, threads: int) -> Iterator[tuple[slice, Float]]:
        """Spectra by slices of output channels, formed anew where they were too large to keep."""
        return self._slices(1, threads)

    def by_inputs(self, threads: int) -> Iterator[tuple[slice, Float]]:
        """Spectra by slices of input channels, likewise."""
        return self._slices(2, threads)

    def _slices(self, axis: int, threads: int) -> Iterator[tuple[slice, Float]]:
        count = self.weight.shape[axis]
        if self.spectra is not None:
            yield slice(0, count), self.spectra
            return
        step = max(1, SPECTRA_BYTES * count // _spectra_bytes(self.weight.shape, self.grid))
        for first in range(0, count, step):
            some = slice(first, min(first + step, count))
            chosen = self.weight[:, some] if axis == 1 else self.weight[:, :, some]
            part = np.ascontiguousarray(chosen)
            yield some, kernel_spectra(part, self.dilation, self.grid, threads)


def _spectra_bytes(shape: tuple[int, ...], grid: int) -> int:
    groups, outputs, inputs = shape[:3]
    return 8 * grid * half_width(grid) * groups * outputs * inputs


class KernelCache:
    """Prepared kernels by content, the most recently used up to ``limit_bytes``."""

    def __init__(self, limit_bytes: int = 4 * SPECTRA_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._kept: OrderedDict[tuple[Any, ...], Kernels] = OrderedDict()
        self._digests: OrderedDict[tuple[Any, ...], tuple[NDArray[Any], bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(
        self,
        weight: NDArray[Any],
        plan: ConvolutionPlan,
        part: KernelPart,
        threads: int,
        *,
        met_again: bool = True,
    ) -> Kernels:
        """Prepared kernels of one part of a plan, from its weight (Cout, Cin/groups, kh, kw).

        Those of few taps are formed while they are multiplied (`ConvolutionPlan.forms_kernels`), as
        in training, where each weight is used once; those that come again are kept.  A gradient
        uses what its convolution used: it does not count (`met_again`).
        """
        digest = self._digest(np.ascontiguousarray(weight))
        cut = (part.first_row, part.rows, part.first_column, part.columns)
        formed = plan.forms_kernels(part)
        key = (digest, weight.dtype, weight.shape, plan.groups, plan.sampling, plan.grid, cut)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                if not found.formed or (formed and not met_again):
                    return found
                formed = False
        grouped = weight.reshape(plan.groups, -1, *weight.shape[1:])
        taps = plan.sampling.kernels(grouped.astype(np.float32, copy=False))[
            ...,
            part.first_row : part.first_row + part.rows,
            part.first_column : part.first_column + part.columns,
        ]
        made = Kernels.prepare(taps, plan.sampling.dilation, plan.grid, threads, formed=formed)
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes -= 0 if before is None else _size(before)
            self._kept[key] = made
            self._bytes += _size(made)
            while self._bytes > self.limit_bytes and len(self._kept) > 1:
                self._bytes -= _size(self._kept.popitem(last=False)[1])
        return made

    def _digest(self, weight: NDArray[Any]) -> bytes:
        """Of the content; that of the last weight of this shape is known by comparing alone.

        Comparing takes a twentieth of the time, and most layers see one weight again and again.
        """
        bits, key = weight.view(f"u{weight.itemsize}"), (weight.shape, weight.dtype)
        with self._lock:
            last = self._digests.get(key)
        if last is not None and np.array_equal(last[0], bits):
            return last[1]
        digest = hashlib.blake2b(weight.data, digest_size=16).digest()
        if weight.nbytes <= COMPARED_BYTES:
            with self._lock:
                self._digests[key] = bits.copy(), digest
                self._digests.move_to_end(key)
                while len(self._digests) > COMPARED_SHAPES:
                    self._digests.popitem(last=False)
        return digest


def _size(kernels: Kernels) -> int:
    spectra = 0 if kernels.spectra is None else kernels.spectra.nbytes
    return spectra + kernels.moments.nbytes + kernels.weight.nbytes
