"""Real multiply-accumulates of a convolution's electronics between its frames.

Counted line by line in ``csrc/kernels/segments_impl.h`` and ``spectra_impl.h``, as
`driver.macs` defines a MAC.
"""

from __future__ import annotations

from driver.spectral import half_width

__all__ = [
    "TAYLOR_MACS",
    "fit_macs",
    "moment_macs",
    "picture_scaling_macs",
    "polynomial_macs",
    "product_scaling_macs",
    "taps_macs",
]

#: Lanes that a row's sums are kept in until a segment's end, and that bins lie in.
LANES = 16

#: Moments of a gradient times a polynomial's coefficients, all with all, for one pair of channels.
TAYLOR_MACS = 36


def moment_macs(size: tuple[int, int]) -> int:
    """Sums of x c and x c^2 over a segment; of rows' sums times r, in 16 lanes, three a row."""
    return 2 * size[0] * size[1] + 3 * LANES * size[0]


def fit_macs(size: tuple[int, int]) -> int:
    """Moments of a segment, and its polynomial off: two a pixel, three a row."""
    return moment_macs(size) + 2 * size[0] * size[1] + 3 * size[0]


def polynomial_macs(
    output: tuple[int, int], extent: tuple[int, int], pairs: int, inputs: int, outputs: int
) -> int:
    """What one segment costs: moments, removal, correlation with the kernels, evaluation.

    Parameters
    ----------
    output
        Output rows and columns of the segment.
    extent
        Rows and columns the kernel reaches over.
    pairs
        Channel pairs that are convolved, ``inputs * outputs / groups``.
    inputs, outputs
        Channels.
    """
    size = (output[0] + extent[0] - 1, output[1] + extent[1] - 1)
    add = 2 * output[0] * output[1] + 3 * output[0]
    # Fifteen products of a coefficient and a kernel's moment.
    return inputs * fit_macs(size) + 15 * pairs + outputs * add


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
