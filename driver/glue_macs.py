"""Real multiply-accumulates of a convolution's electronics between its frames.

Counted line by line in ``csrc/kernels/segments_impl.h`` and ``spectra_impl.h``, as
`driver.plan.Macs` defines a MAC.
"""

from __future__ import annotations

__all__ = ["polynomial_macs", "scaling_macs"]

#: Lanes that a row's sums are kept in, until a segment's end.
LANES = 16


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
    height, width = output[0] + extent[0] - 1, output[1] + extent[1] - 1
    # Sums of x c and x c^2; of them times r: three times 16 lanes for each row.
    moments = 2 * height * width + 3 * LANES * height
    # A polynomial in c has two MACs a pixel, and its coefficients three a row.
    remove = 2 * height * width + 3 * height
    add = 2 * output[0] * output[1] + 3 * output[0]
    # Fifteen products of a coefficient and a kernel's moment.
    return inputs * (moments + remove) + 15 * pairs + outputs * add


def scaling_macs(pixels: int, bins: int, inputs: int, outputs: int) -> int:
    """Energy and scale of one tile's pictures and products, into their frames and out of them."""
    pictures = 2 * pixels + 2 * bins  # energy, scale; the scale out of a spectrum
    products = 2 * bins + 2 * bins + pixels  # the same, with complex energy; the scale out
    return inputs * pictures + outputs * products
