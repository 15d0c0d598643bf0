"""Conventions of counting spectral products: figures of different ones cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass

from driver.spectral import half_width

__all__ = ["CONVENTIONS", "REAL_MACS", "SpectralConvention"]


@dataclass(frozen=True)
class SpectralConvention:
    """How many MACs the products of two real pictures' spectra are said to be.

    Attributes
    ----------
    name : str
    macs_per_product : int
        MACs of one complex product: 4 real ones as written; 3 with Gauss's trick (and five
        additions instead of two); 1 if a complex MAC is counted as one.
    symmetry : bool
        Whether a real picture's Hermitian spectrum is taken as half a plane of
        ``N_rows * (N_columns // 2 + 1)`` bins, or as all of it.
    """

    name: str
    macs_per_product: int
    symmetry: bool

    def macs(self, rows: int, columns: int) -> int:
        """MACs of multiplying two spectra of real ``rows × columns`` pictures."""
        return self.macs_per_product * rows * (half_width(columns) if self.symmetry else columns)


CONVENTIONS = {
    convention.name: convention
    for convention in (
        SpectralConvention("4-real", 4, symmetry=True),
        SpectralConvention("4-real-full", 4, symmetry=False),
        SpectralConvention("3-real", 3, symmetry=True),
        SpectralConvention("3-real-full", 3, symmetry=False),
        SpectralConvention("complex", 1, symmetry=True),
        SpectralConvention("complex-full", 1, symmetry=False),
    )
}
"""By name: real MACs per complex product (or complex MACs), half planes or ``-full`` ones."""

REAL_MACS = CONVENTIONS["4-real"]
"""What the device's electronics really do, and what `driver.plan.Macs` counts."""
