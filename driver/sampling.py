"""How a strided convolution is taken apart, so that no frame computes what a stride drops.

With stride s, ``y[i] = sum_k w[k] x[s i + k d]``. Taps whose ``k d`` leave the same remainder p by
s read the same pixels, ``x_p[j] = x[s j + p]``: y is a sum over the phases p of convolutions of
stride 1, each of a picture with s times fewer pixels. Pictures of all phases together are as large
as the picture was, but the products, one a channel of the output, shrink by s along each axis, and
phases without a tap (a 1×1 kernel has a single one) need no frames at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sampling", "by_phases", "dense"]


@dataclass(frozen=True)
class _Axis:
    """One axis: the pixels between samples, the phases, and where each tap of the kernel goes."""

    step: int
    phases: tuple[int, ...]
    phase_of_tap: tuple[int, ...]
    place_of_tap: tuple[int, ...]
    taps: int
    dilation: int


@dataclass(frozen=True)
class Sampling:
    """A convolution of stride ``stride`` between planes that are samples of the padded picture.

    Attributes
    ----------
    rows, columns : axes
    stride : (int, int)
        Of what is computed: which of its pixels are kept.
    """

    rows: _Axis
    columns: _Axis
    stride: tuple[int, int]

    @property
    def step(self) -> tuple[int, int]:
        """Pixels of the padded picture from one of a plane's rows and columns to the next."""
        return self.rows.step, self.columns.step

    @property
    def phases(self) -> list[tuple[int, int]]:
        """First row and column of each plane of a channel."""
        return [(r, c) for r in self.rows.phases for c in self.columns.phases]

    @property
    def kernel(self) -> tuple[int, int]:
        """Taps of one plane's kernel."""
        return self.rows.taps, self.columns.taps

    @property
    def dilation(self) -> tuple[int, int]:
        return self.rows.dilation, self.columns.dilation

    def kernels(self, weight: NDArray[np.float32]) -> NDArray[np.float32]:
        """Kernels (groups, out, in, kh, kw) to those of the planes (groups, out, planes, …).

        Planes of a group are ordered by phase, then by channel.
        """
        groups, outputs, inputs = weight.shape[:3]
        phases = (len(self.rows.phases), len(self.columns.phases))
        split = np.zeros((groups, outputs, *phases, inputs, *self.kernel), dtype=np.float32)
        split[self._places] = weight.transpose(3, 4, 0, 1, 2)
        return split.reshape(groups, outputs, -1, *self.kernel)

    def taps(self, kernels: NDArray[np.float32], inputs: int) -> NDArray[np.float32]:
        """What `kernels` was given, from what it gave."""
        groups, outputs = kernels.shape[:2]
        phases = (len(self.rows.phases), len(self.columns.phases))
        split = kernels.reshape(groups, outputs, *phases, inputs, *self.kernel)
        return np.ascontiguousarray(split[self._places].transpose(2, 3, 4, 0, 1))

    @property
    def _places(self) -> Any:
        rows, columns = (
            (np.array(axis.phase_of_tap), np.array(axis.place_of_tap))
            for axis in (self.rows, self.columns)
        )
        every = slice(None)
        return (
            every,
            every,
            rows[0][:, None],
            columns[0],
            every,
            rows[1][:, None],
            columns[1],
        )


def _whole(taps: int, dilation: int) -> _Axis:
    return _Axis(1, (0,), (0,) * taps, tuple(range(taps)), taps, dilation)


def _split(taps: int, stride: int, dilation: int) -> _Axis:
    if stride == 1:
        return _whole(taps, dilation)
    if dilation % stride == 0:
        return _Axis(stride, (0,), (0,) * taps, tuple(range(taps)), taps, dilation // stride)
    reach = [tap * dilation for tap in range(taps)]
    phases = sorted({r % stride for r in reach})
    return _Axis(
        stride,
        tuple(phases),
        tuple(phases.index(r % stride) for r in reach),
        tuple(r // stride for r in reach),
        reach[-1] // stride + 1,
        1,
    )


def dense(kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> Sampling:
    """All pixels are computed, and those between strides dropped."""
    return Sampling(_whole(kernel[0], dilation[0]), _whole(kernel[1], dilation[1]), stride)


def by_phases(
    kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> Sampling:
    """Only what is kept is computed, from as many planes a channel as there are phases."""
    return Sampling(
        _split(kernel[0], stride[0], dilation[0]), _split(kernel[1], stride[1], dilation[1]), (1, 1)
    )
