"""Real multiply-accumulates of a convolution's electronics between its frames.

Counted line by line in ``csrc/kernels/segments_impl.h``, ``seams_impl.h`` and
``spectra_impl.h``, as
`driver.macs` defines a MAC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver.spectral import half_width

__all__ = [
    "TAYLOR_MACS",
    "Axis",
    "fit_macs",
    "moment_macs",
    "picture_scaling_macs",
    "polynomial_macs",
    "product_scaling_macs",
    "seam_macs",
    "taps_macs",
]

#: Lanes that a row's sums are kept in until a segment's end, and that bins lie in.
LANES = 16

#: Moments of a gradient times a polynomial's coefficients, all with all, for one pair of channels.
TAYLOR_MACS = 36


@dataclass(frozen=True)
class Axis:
    """Along rows or columns: a kernel's taps, their distance, and the halo that light carries."""

    taps: int
    dilation: int
    halo: int

    @property
    def reach(self) -> int:
        """Pixels from the first tap to the last, both included."""
        return (self.taps - 1) * self.dilation + 1

    def taps_beyond(self, outputs: int) -> int:
        """Taps of all of so many outputs that read what light does not carry."""
        lead = (self.reach - 1 - self.halo) // 2
        read = np.arange(outputs)[:, None] + self.dilation * np.arange(self.taps)
        return int(np.sum((read < lead) | (read >= lead + outputs + self.halo)))


def moment_macs(size: tuple[int, int]) -> int:
    """Sums of x c and x c^2 over a segment; of rows' sums times r, in 16 lanes, three a row."""
    return 2 * size[0] * size[1] + 3 * LANES * size[0]


def fit_macs(size: tuple[int, int]) -> int:
    """Moments of a segment, and its polynomial off: two a pixel, three a row."""
    return moment_macs(size) + 2 * size[0] * size[1] + 3 * size[0]


def polynomial_macs(
    output: tuple[int, int], halo: tuple[int, int], pairs: int, inputs: int, outputs: int
) -> int:
    """What one segment costs: moments, removal, correlation with the kernels, evaluation.

    Parameters
    ----------
    output
        Output rows and columns of the segment.
    halo
        Rows and columns of its input that light carries beyond these.
    pairs
        Channel pairs that are convolved, ``inputs * outputs / groups``.
    inputs, outputs
        Channels.
    """
    size = (output[0] + halo[0], output[1] + halo[1])
    add = 2 * output[0] * output[1] + 3 * output[0]
    # Fifteen products of a coefficient and a kernel's moment.
    return inputs * fit_macs(size) + 15 * pairs + outputs * add


def seam_macs(output: tuple[int, int], axes: tuple[Axis, Axis], pairs: int, inputs: int) -> int:
    """What one segment's seams cost: their pixels, and their correlation with the kernels.

    Parameters
    ----------
    output
        Output rows and columns of the segment.
    axes
        Of rows and of columns: taps of the kernel, their distance, and the halo light carries.
    pairs, inputs
        As in `polynomial_macs`.
    """
    macs = 0
    for (here, along), (axis, other) in zip(
        (output, output[::-1]), (axes, axes[::-1]), strict=True
    ):
        seam = axis.reach - 1 - axis.halo
        # A polynomial at each pixel, two and three a row; the other axis' rows hold the corners.
        length = along + (other.reach - 1 if axis is axes[0] else other.halo)
        macs += inputs * seam * (2 * length + 3)
        macs += pairs * axis.taps_beyond(here) * along * other.taps
    return macs


def picture_scaling_macs(pixels: int, bins: int) -> int:
    """A picture's energy and scale into its frame, and the scale out of its spectrum."""
    return 2 * pixels + 2 * bins


def product_scaling_macs(pixels: int, bins: int) -> int:
    """A product's energy and scale into its frame, both complex, and the scale out of it."""
    return 4 * bins + pixels


def taps_macs(grid: int, taps: tuple[int, int]) -> int:
    """A correlation's spectrum at one pair's taps alone.

    Along rows a complex product for each bin and row of taps; along columns two real ones and a
    weight for each tap, in as many lanes as rows of bins were summed up in.
    """
    half = half_width(grid)
    left_over = -(-(half % LANES) * grid // LANES)
    lanes = LANES * (half // LANES + left_over)
    return 4 * grid * half * taps[0] + 3 * lanes * taps[0] * taps[1]
